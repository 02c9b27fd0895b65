"""The commands about a kernel that was built to be looked into."""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from . import baseline, catalogue, notes, plan, provenance, targets
from .coverage import campaign, changes, kernel, measure, reasons, results
from .coverage.objects import Objects
from .coverage.tally import Tally
from .coverage.view import united
from .coveragepage import percent
from .errors import IpckError
from .extras import PAGES
from .files import write
from .publish import republish
from .tree import ROOT, shown

_PAGE = PAGES["coverage"]
_SHOWN = 40
_MACHINE = "um"


@dataclass(frozen=True, slots=True)
class _Place:
    """A program on a kernel."""

    program: campaign.Program
    ready: plan.Ready
    kernel: int  # its place in the list


def coverage(options: argparse.Namespace) -> int:
    """Run everything on kernels that count their lines, and tell which were executed."""
    measure.check_tools()
    table = reasons.load(options.reasons)
    wanted = changes.read(options.diff) if options.diff else None
    if options.kernel and options.machine:
        raise IpckError("--machine says for what to build: it has no use beside --kernel")
    images = [kernel.image(place) for place in options.kernel]
    images = images or [kernel.built(options.source, machine) for machine in options.machine or (_MACHINE,)]
    objects = [Objects.beside(image) for image in images]
    if others := [one for one in objects if one.source != objects[0].source]:
        raise IpckError(f"{shown(others[0].folder)} is of another source than {shown(objects[0].folder)}")
    places = [place for number, image in enumerate(images) for place in _places(options, image, objects, number)]
    tests = list(dict.fromkeys(test for place in places for test in place.ready.tests))
    counted = [measure.Counted(one, Tally(tests)) for one in objects]
    ran = []
    for place in places:
        one = counted[place.kernel]
        ran.append(replace(campaign.run(place.program, place.ready, one.tally), machine=one.objects.machine()))
        for line in campaign.words(ran[-1]):
            _say(line)
    if wanted is not None:
        seen = united(one.seen(table) for one in counted)
        judged = changes.judge(wanted, seen, objects[0].source)
        for line in changes.render(judged, seen):
            _say(line)
        return 2 if any(one.faults for one in ran) else 1 if judged.missed else 0
    data, seen = measure.gather(counted, table, ran, provenance.commit(ROOT))
    write(options.out / results.NAME, results.as_json(data))
    pages = measure.write_pages(seen, objects[0].source, options.out)
    rows = catalogue.load(options.requirements)
    republish(options.out, rows, notes.load(rows, options.requirements))
    _tell(data)
    _say(f"report: {shown(options.out / _PAGE.page)}, with the source text: {shown(pages)}")
    return data.status


def _places(options: argparse.Namespace, image: Path, objects: Sequence[Objects], number: int) -> Iterator[_Place]:
    """The programs that are built for the kernel IMAGE, which NUMBER of OBJECTS made, and what tests each holds."""
    rows = catalogue.load(options.requirements)
    target = kernel.counting(image, objects[number])
    stem = kernel.baseline_of(target, objects[number].release(), options.baselines)
    for program in campaign.PROGRAMS:
        there = program.on(target)
        if there is None:
            continue
        if program.optional and not there.program(options.build).exists():
            _say(f"{program.name} is left out: it is not built")
            continue
        known = baseline.load(program.baseline or stem, rows, None, options.baselines)
        try:
            held = targets.list_tests(there, rows, options.build) if program.tests else []
        except targets.Unavailable as error:
            raise IpckError(f"{shown(image)}: {error}") from None
        tests = {test.id: test for test in campaign.choose(program, held) if there.judges(test.id)}
        if tests or not program.tests:
            yield _Place(program, plan.Ready(there, options.build, tests, known), number)


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
    for each in data.kernels if len(data.kernels) > 1 else ():
        hit, all_ = each.total.lines
        _say(f"of them on {each.machine}: {hit} of the {all_} lines that are there")
    _say(
        f"not executed: {len(data.explained)} lines with a reason, {len(data.unexplained)} without; "
        f"{len(data.alone)} tests reach lines that no other test reaches"
    )


def _say(line: str) -> None:
    """Print LINE at once: whoever waits sees how far it is."""
    print(line, flush=True)


COMMANDS = {"coverage": coverage}
