"""The commands about a kernel or a C library that was built to be looked into."""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from . import baseline, catalogue, notes, plan, provenance, targets
from .coverage import campaign, changes, kernel, library, measure, reasons, results
from .coverage.objects import Objects
from .coverage.tally import Tally
from .coverage.view import united
from .coveragepage import percent
from .errors import IpckError
from .extras import PAGES
from .files import write
from .publish import republish
from .targets import Target
from .tree import COVERAGE, ROOT, shown

_SHOWN = 40
_MACHINE = "um"


@dataclass(frozen=True, slots=True)
class _Subject:
    """What counts: a kernel, or this one with a library."""

    objects: Objects
    target: Target
    baseline: str
    programs: Sequence[campaign.Program]


@dataclass(frozen=True, slots=True)
class _Place:
    """A program on what counts."""

    program: campaign.Program
    ready: plan.Ready
    subject: int  # its place in the list


def coverage(options: argparse.Namespace) -> int:
    """Run everything on kernels or with a library that count their lines, and tell which were executed."""
    measure.check_tools()
    table = reasons.load(options.reasons or COVERAGE / f"{options.libc or 'linux'}.toml")
    wanted = changes.read(options.diff) if options.diff else None
    subjects = [_library(options)] if options.libc else _kernels(options)
    objects = [one.objects for one in subjects]
    if others := [one for one in objects if one.source != objects[0].source]:
        raise IpckError(f"{shown(others[0].folder)} is of another source than {shown(objects[0].folder)}")
    places = [place for number, one in enumerate(subjects) for place in _places(options, one, number)]
    tests = list(dict.fromkeys(test for place in places for test in place.ready.tests))
    counted = [measure.Counted(one, Tally(tests)) for one in objects]
    ran = []
    for place in places:
        one = counted[place.subject]
        machine = "" if options.libc else one.objects.machine()
        ran.append(replace(campaign.run(place.program, place.ready, one.tally), machine=machine))
        for line in campaign.words(ran[-1]):
            _say(line)
    if wanted is not None:
        seen = united(one.seen(table) for one in counted)
        judged = changes.judge(wanted, seen, objects[0].source)
        for line in changes.render(judged, seen):
            _say(line)
        return 2 if any(one.faults for one in ran) else 1 if judged.missed else 0
    data, seen = measure.gather(counted, table, ran, provenance.commit(ROOT))
    write(results.file(options.out, data.name), results.as_json(data))
    pages = measure.write_pages(seen, objects[0].source, options.out / data.name)
    rows = catalogue.load(options.requirements)
    republish(options.out, rows, notes.load(rows, options.requirements))
    _tell(data)
    _say(f"report: {shown(options.out / PAGES[data.name].page)}, with the source text: {shown(pages)}")
    return data.status


def _kernels(options: argparse.Namespace) -> list[_Subject]:
    """The kernels that are asked for."""
    if options.kernel and options.machine:
        raise IpckError("--machine says for what to build: it has no use beside --kernel")
    images = [kernel.image(place) for place in options.kernel]
    images = images or [kernel.built(options.source, machine) for machine in options.machine or (_MACHINE,)]
    objects = [Objects.beside(image) for image in images]
    made = [kernel.counting(image, one) for image, one in zip(images, objects)]
    stems = [kernel.baseline_of(there, one.release(), options.baselines) for there, one in zip(made, objects)]
    return [_Subject(*three, campaign.PROGRAMS) for three in zip(objects, made, stems)]


def _library(options: argparse.Namespace) -> _Subject:
    """The C library that is asked for."""
    if options.kernel or options.machine:
        raise IpckError("--kernel and --machine say on which kernels to count: --libc counts on this one")
    target = library.target(options.libc)
    programs = [program.tool for program in campaign.LIBRARY_PROGRAMS]
    objects = library.built(options.libc, options.source, options.build, programs)
    return _Subject(objects, target, target.baseline, campaign.LIBRARY_PROGRAMS)


def _places(options: argparse.Namespace, subject: _Subject, number: int) -> Iterator[_Place]:
    """The programs that are built for SUBJECT, the one with this NUMBER, and what tests each holds."""
    rows = catalogue.load(options.requirements)
    for program in subject.programs:
        there = program.on(subject.target)
        if there is None:
            continue
        if program.optional and not there.program(options.build).exists():
            _say(f"{program.name} is left out: it is not built")
            continue
        known = baseline.load(program.baseline or subject.baseline, rows, None, options.baselines)
        try:
            held = targets.list_tests(there, rows, options.build) if program.tests else []
        except targets.Unavailable as error:
            raise IpckError(f"{subject.target.description}: {error}") from None
        tests = {test.id: test for test in campaign.choose(program, held) if there.judges(test.id)}
        if tests or not program.tests:
            yield _Place(program, plan.Ready(there, options.build, tests, known), number)


def _tell(data: results.Data) -> None:
    """What it all comes to."""
    for line in data.unexplained[:_SHOWN]:
        _say(f"UNEXPLAINED {line.file}:{line.line}: {line.function}(): {line.text}")
    if len(data.unexplained) > _SHOWN:
        _say(f"and {len(data.unexplained) - _SHOWN} more: see {PAGES[data.name].data}")
    for message in data.stale:
        _say(f"STALE {message}")
    _say(f"{data.measured:<24}{'lines':>16}{'functions':>16}{'branches':>16}")
    for name, counts in {**data.files, f"{data.part} in total": data.total}.items():
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
