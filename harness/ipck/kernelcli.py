"""The commands about a kernel that was built to be looked into."""

import argparse
from dataclasses import replace

from . import baseline, catalogue, notes, plan, provenance, targets
from .coverage import campaign, changes, kernel, measure, reasons, results
from .coverage.objects import Objects
from .coverage.tally import Tally
from .coveragepage import percent
from .errors import IpckError
from .extras import PAGES
from .files import write
from .publish import republish
from .targets.uml import Uml
from .tree import ROOT, shown

_PAGE = PAGES["coverage"]
_SHOWN = 40


def coverage(options: argparse.Namespace) -> int:
    """Run everything on a kernel that counts its lines, and tell which were executed."""
    measure.check_tools()
    table = reasons.load(options.reasons)
    wanted = changes.read(options.diff) if options.diff else None
    image = kernel.image(options.kernel) if options.kernel else kernel.built(options.source)
    objects = Objects.beside(image)
    target = kernel.counting(image)
    places = _places(options, target, kernel.baseline_of(target, objects.release(), options.baselines))
    tally = Tally([test for _, ready in places for test in ready.tests])
    ran = []
    for program, ready in places:
        ran.append(campaign.run(program, ready, tally))
        for line in campaign.words(ran[-1]):
            _say(line)
    seen = measure.lines_of(objects, tally, table)
    if wanted is not None:
        judged = changes.judge(wanted, seen, objects.source)
        for line in changes.render(judged, seen):
            _say(line)
        return 2 if any(one.faults for one in ran) else 1 if judged.missed else 0
    singles = measure.reached_alone(objects, tally, table)
    data = measure.gather(objects, seen, singles, table, ran, provenance.commit(ROOT))
    write(options.out / results.NAME, results.as_json(data))
    pages = measure.write_pages(seen, objects.source, options.out)
    rows = catalogue.load(options.requirements)
    republish(options.out, rows, notes.load(rows, options.requirements))
    _tell(data)
    _say(f"report: {shown(options.out / _PAGE.page)}, with the source text: {shown(pages)}")
    return data.status


def _places(options: argparse.Namespace, target: Uml, stem: str) -> list[tuple[campaign.Program, plan.Ready]]:
    """The programs that are built, each with where it runs, which tests it holds, and the baseline STEM."""
    rows = catalogue.load(options.requirements)
    known = baseline.load(stem, rows, None, options.baselines)
    places = []
    for program in campaign.PROGRAMS:
        there = replace(target, tool=program.tool, append=f"{target.append} {program.boot}")
        if program.optional and not there.program(options.build).exists():
            _say(f"{program.tool} is left out: it is not built")
            continue
        try:
            held = targets.list_tests(there, rows, options.build) if program.tests else []
        except targets.Unavailable as error:
            raise IpckError(f"{shown(there.binary)}: {error}") from None
        tests = {test.id: test for test in campaign.choose(program, held) if there.judges(test.id)}
        if program.tests and not tests:
            continue
        places.append((program, plan.Ready(there, options.build, tests, known)))
    return places


def _tell(data: results.Data) -> None:
    """What it all comes to."""
    for line in data.unexplained[:_SHOWN]:
        _say(f"UNEXPLAINED {line.file}:{line.line}: {line.function}(): {line.text}")
    if len(data.unexplained) > _SHOWN:
        _say(f"and {len(data.unexplained) - _SHOWN} more: see {results.NAME}")
    for message in data.stale:
        _say(f"STALE {message}")
    _say(f"{'Linux ' + data.kernel:<24}{'lines':>16}{'functions':>16}{'branches':>16}")
    for name, counts in {**data.files, "ipc/ in total": data.total}.items():
        parts = (counts.lines, counts.functions, counts.branches)
        cells = (f"{part[0]}/{part[1]} {percent(part):>5}" for part in parts)
        _say(f"{name:<24}" + "".join(f"{cell:>16}" for cell in cells))
    _say(
        f"not executed: {len(data.explained)} lines with a reason, {len(data.unexplained)} without; "
        f"{len(data.alone)} tests reach lines that no other test reaches"
    )


def _say(line: str) -> None:
    """Print LINE at once: whoever waits sees how far it is."""
    print(line, flush=True)


COMMANDS = {"coverage": coverage}
