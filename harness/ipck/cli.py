"""Whether an implementation of System V IPC and POSIX IPC keeps its promises."""

import argparse
import fnmatch
import importlib.util
import json
import os
import secrets
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from . import availability, baseline, calls, catalogue, compare, ktap, merge, mutants, mutantspage, mutation, notes
from . import plan, propose, provenance, store, targets, text, usage
from .errors import IpckError
from .files import write
from .kcidb import Submitter, submitter
from .notes import Notes
from .plan import Folders
from .publish import FAULTS, FAULTS_DATA, MUTANTS, MUTANTS_DATA, PAGE, clear, journal, publish, republish, stored
from .results import RunResults
from .summary import exit_status
from .targets import Test, choose
from .tree import OUT, ROOT, SUITE, shown


def main(arguments: list[str]) -> int:
    """Run one ipck command; returns its exit status."""
    try:
        status = _command(arguments)
        sys.stdout.flush()  # here, where a reader that has gone is noticed, and not when Python ends
        return status
    except IpckError as error:
        sys.stdout.flush()
        print(*(f"ipck: {message}" for message in error.messages), sep="\n", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("ipck: interrupted", file=sys.stderr)
        return 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read our output has seen enough
        return 2


def _command(arguments: list[str]) -> int:
    if arguments[:1] in (["run"], ["gate"]) and not {"-h", "--help"} & set(arguments):
        return _run(["--gate"] * (arguments[0] == "gate") + arguments[1:])
    parser = usage.parser(_COMMANDS)
    if "_ARGCOMPLETE" in os.environ:
        import argcomplete  # type: ignore[import]  # not before a shell asks for it

        argcomplete.autocomplete(parser, always_complete_options="long")
    ours, dashes, program = _split(arguments)
    options = parser.parse_args(ours)
    options.program = program
    if dashes and options.command is not _inject:
        parser.error(f"unrecognized arguments: {' '.join(['--', *program])}")
    status: int = options.command(options)
    return status


def _split(arguments: list[str]) -> tuple[list[str], bool, list[str]]:
    """What stands before the first `--`, whether there is one, and what stands behind it."""
    if "--" not in arguments:
        return arguments, False, []
    place = arguments.index("--")
    return arguments[:place], True, arguments[place + 1:]


def _gate(options: argparse.Namespace) -> Submitter | None:
    if not options.gate and (options.kcidb_origin or options.kcidb_build):
        raise IpckError("--kcidb-origin, --kcidb-build: kcidb.json is written with --gate only")
    return submitter(options.kcidb_origin, options.kcidb_build) if options.gate else None


def _folders(options: argparse.Namespace) -> Folders:
    return Folders(options.requirements, options.baselines, options.build)


def _run(arguments: list[str]) -> int:
    needed = {"pytest": "python3-pytest", "jinja2": "python3-jinja2"}
    if any(argument.startswith(("-n", "--numprocesses", "--dist")) for argument in arguments):
        needed["xdist"] = "python3-pytest-xdist"
    if lacking := [package for module, package in needed.items() if not importlib.util.find_spec(module)]:
        raise IpckError(f"{sys.executable} lacks modules: apt-get install {' '.join(lacking)}")
    import pytest  # not before it is known to be there; the other commands do without

    status = int(pytest.main([str(SUITE), *arguments]))
    return status if status in (0, 1) else 2


def _list(options: argparse.Namespace) -> int:
    made = plan.make([options.target], _folders(options))
    tests = _tests_of(made.ready[0].tests.values())
    for name in _requirements(made.catalogue, options.requirement):
        row = made.catalogue[name]
        if options.untested:
            if name not in tests and not row.untestable:
                print(name, row.statement, sep="\t")
            continue
        print(name)
        for test in tests.get(name, []):
            print(f"    {test.id}\t{test.file}:{test.line}")
        if name not in tests:
            print(f"    untestable: {row.untestable}" if row.untestable else "    untested")
    return 0


def _tests_of(tests: Iterable[Test]) -> dict[str, list[Test]]:
    """TESTS by the requirements that they verify."""
    by: dict[str, list[Test]] = {}
    for test in tests:
        for requirement in test.requirements:
            by.setdefault(requirement, []).append(test)
    return by


def _requirements(rows: catalogue.Catalogue, patterns: Sequence[str]) -> list[str]:
    """The ids that PATTERNS mean, all without; IpckError when one means none."""
    if unknown := [name for name in patterns if not fnmatch.filter((row.id for row in rows), name)]:
        raise IpckError(f"the catalogue has no requirement {unknown[0]!r}")
    return [row.id for row in rows if not patterns or any(fnmatch.fnmatchcase(row.id, name) for name in patterns)]


def _report(options: argparse.Namespace) -> int:
    gate = _gate(options)
    rows = catalogue.load(options.requirements)
    said = notes.load(rows, options.requirements)
    paths = [stored(place) for place in options.results]
    return _conclude(store.load(paths), rows, said, options.out or paths[0].parent, gate)


def _compare(options: argparse.Namespace) -> int:
    rows = catalogue.load(options.requirements)
    found = compare.compare(*compare.sides(options.a, options.b))
    if options.json:
        print(json.dumps(compare.as_json(found, rows), indent=2))
    else:
        _print(compare.render(found, rows))
    return 0 if found.same else 1


def _targets(options: argparse.Namespace) -> int:
    _print(availability.table(choose(options.name), options.build))
    return 0


def _fetch(options: argparse.Namespace) -> int:
    def say(line: str) -> None:
        print(line, flush=True)

    if left := availability.fetch(choose(options.name), say, options.build):
        raise IpckError(*left)
    return 0


def _merge(options: argparse.Namespace) -> int:
    gate = _gate(options)
    rows = catalogue.load(options.requirements)
    said = notes.load(rows, options.requirements)
    run, lacks = merge.merge(options.shards, rows)
    if journal(options.out).resolve() in (path.resolve() for path in options.shards):
        raise IpckError(f"--out {shown(options.out)} is one of the shards: choose another")
    status = _store(run, rows, said, options.out, gate)
    if lacks:
        raise IpckError(*lacks)
    return status


def _baseline(options: argparse.Namespace) -> int:
    target = targets.named(options.target)
    name = target.name if target else options.target
    stem = baseline.stem_of(target, options.baselines) if target else name
    rows = catalogue.load(options.requirements)
    if not options.propose:
        known = baseline.load(stem, rows, None, options.baselines)
        listed = baseline.places(stem, options.baselines)
        if not target and not listed:
            raise IpckError(f"there is no target and no baseline {name!r} (in {shown(options.baselines)})")
        for key, one in known.deviations.items():
            print(f"{listed[key]}: {one.test}: {one.requirement}\n{text.field(one.verdict, one.reason)}")
        return 0
    run = store.load([stored(options.results)])
    found = [one for one in run.targets if one.target == name and not one.unavailable]
    if not found:
        has = ", ".join(one.target for one in run.targets if not one.unavailable) or "none"
        raise IpckError(f"{shown(stored(options.results))}: has no results of {name}; it has those of: {has}")
    stem = found[0].baseline or stem
    baseline.load(stem, rows, None, options.baselines)
    lines = "".join(f"{line}\n" for line in propose.propose(found[0], baseline.places(stem, options.baselines)))
    if not options.into:
        sys.stdout.write(lines)
        return 0
    try:
        before = options.into.read_text("utf-8") if options.into.is_file() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise IpckError(f"{shown(options.into)}: cannot be read: {error}") from None
    write(options.into, before + lines)
    print(f"added to {shown(options.into)}: fill in each reason, reference and since; until then nothing runs with it")
    return 0


def _import(options: argparse.Namespace) -> int:
    gate = _gate(options)
    rows = catalogue.load(options.requirements)
    said = notes.load(rows, options.requirements)
    known = baseline.load(options.target, rows, None, options.baselines)
    target = ktap.parse(options.log, options.target, rows, known)
    run = replace(provenance.session(), targets=(target,))
    return _store(run, rows, said, options.out or OUT / options.target, gate)


def _store(run: RunResults, rows: catalogue.Catalogue, said: Notes, out: Path, gate: Submitter | None) -> int:
    """Write RUN with all its reports into OUT."""
    store.save(run, journal(out))
    clear(out)
    return _conclude(store.load([journal(out)]), rows, said, out, gate)


def _conclude(run: RunResults, rows: catalogue.Catalogue, said: Notes, out: Path, gate: Submitter | None) -> int:
    problems = publish(run, rows, out, said, gate)
    _print(text.news(run) if gate else text.failures(run, rows), text.faults(run), text.table(run))
    if problems:
        raise IpckError(*(message for problem in problems for message in problem.messages))
    status = exit_status(run)
    _print([f"results: {shown(out)}" if journal(out) == out else f"report: {shown(out / PAGE)}", text.closing(status)])
    return status


def _print(*blocks: Iterable[str]) -> None:
    for block in blocks:
        for line in block:
            print(line)


def _catalogue(options: argparse.Namespace) -> int:
    rows = catalogue.load(options.requirements)
    if options.emit_c:
        catalogue.emit_c(rows, options.emit_c)
        return 0
    said = notes.load(rows, options.requirements)
    untestable = sum(bool(row.untestable) for row in rows)
    print(f"{len(rows)} requirements of {len(rows.interfaces)} interfaces, {untestable} untestable")
    if said.documents:
        print(f"{len(said.statements)} statements of {len(said.documents)} lecture notes")
    return 0


def _points(options: argparse.Namespace) -> int:
    table = calls.load(options.build)
    if options.check:
        if wrong := calls.disagreements(table, catalogue.load(options.requirements)):
            raise IpckError(*wrong)
        return 0
    if options.json or options.markdown:
        sys.stdout.write(calls.dump(options.build, "--json" if options.json else "--markdown"))
        return 0
    for call in calls.choose(table, options.point or ["*"]):
        print(call.point, call.prototype, " ".join(call.errors), sep="\n    ")
    return 0


def _inject(options: argparse.Namespace) -> int:
    from .faults import inject

    try:
        if not options.program:
            raise IpckError("no program: ipck inject SCENARIO... -- PROGRAM [ARGUMENT]...")
        return inject.inject(
            options.scenario, options.program, _seed(options), options.engine, options.force, options.log,
            options.control, options.build,
        )  # fmt: skip
    except IpckError as error:
        print(*(f"ipck: {message}" for message in error.messages), sep="\n", file=sys.stderr)
        return inject.REFUSED


def _fault_libc(options: argparse.Namespace) -> int:
    from .faults import inside, results

    def say(line: str) -> None:
        print(line, flush=True)

    status, rows = inside.torture(options.target, options.probe, say, options.build)
    if not options.probe:
        requirements = catalogue.load(options.requirements)
        results.update(options.out, {"libc": [asdict(row) for row in rows]})
        republish(options.out, requirements, notes.load(requirements, options.requirements))
        say(f"report: {shown(options.out / FAULTS)}")
    return status


def _fault(options: argparse.Namespace) -> int:
    from .faults.torture import command

    def say(line: str) -> None:
        print(line, flush=True)

    if options.list:
        return command.show(options.client, options.build, say)
    if options.only:
        if len(options.client) != 1:
            raise IpckError("--only needs one client: ipck fault CLIENT --only SCENARIO")
        return command.only(options.client[0], options.only, options.build, say, options.time_scale)
    rows = catalogue.load(options.requirements)
    said = notes.load(rows, options.requirements)
    try:
        return command.torture(options.client, options.build, options.out, say, options.jobs, options.time_scale)
    finally:
        if (options.out / FAULTS_DATA).exists():
            republish(options.out, rows, said)
            say(f"report: {shown(options.out / FAULTS)}")


def _seed(options: argparse.Namespace) -> int:
    if options.seed is not None:
        return int(options.seed)
    seed = secrets.randbelow(2**32)
    print(f"ipck: --seed {seed}", file=sys.stderr)
    return seed


def _mutants(options: argparse.Namespace) -> int:
    rows = catalogue.load(options.requirements)
    table = mutants.load(rows, options.build)
    chosen = mutants.choose(table, options.mutant)
    if options.list:
        for mutant in chosen:
            print(mutant.name, f"{mutant.call}: {mutant.what}", *mutant.violates or ["equivalent"], sep="\n    ")
        return 0
    began = time.monotonic()
    ready = plan.make([f"host-{mutants.FLAVOUR}"], _folders(options)).ready[0]
    ground = mutation.base(mutation.prepare(ready, options.tests), table)
    print(f"{len(ground.results)} tests are as expected without a mutant ({ground.seconds:.0f} s)", flush=True)
    runs = mutation.Runs(ground, chosen, options.jobs or 4 * len(os.sched_getaffinity(0)))
    judged = []
    for one in runs:
        judged.append(one)
        for line in mutantspage.lines(one):
            print(line, flush=True)
    seconds = time.monotonic() - began
    found = mutantspage.gather(judged, table.mutants, rows, provenance.commit(ROOT), seconds)
    write(options.out / MUTANTS_DATA, mutantspage.as_json(found))
    republish(options.out, rows, notes.load(rows, options.requirements))
    _print(mutantspage.closing(found), [f"report: {shown(options.out / MUTANTS)}"])
    if runs.faults:
        raise IpckError(*runs.faults)
    return found.status


def _trace(options: argparse.Namespace) -> int:
    rows = catalogue.load(options.requirements)
    table = mutants.load(rows, options.build)
    by, excused = mutants.targeted(table.mutants), mutants.unreachable(rows, table.mutants)
    if options.untargeted:
        wanted = set(_requirements(rows, options.requirement))
        for name in mutants.untargeted(rows, table.mutants, excused):
            if name in wanted:
                print(name, rows[name].statement, sep="\t")
        return 0
    tests = _tests_of(plan.make([options.target], _folders(options)).ready[0].tests.values())
    for name in _requirements(rows, options.requirement):
        print(name)
        for test in tests.get(name, []):
            print(f"    {test.id}\t{test.file}:{test.line}")
        for mutant in by.get(name, []):
            print(f"    mutant {mutant}")
        if name not in by:
            why = rows[name].untestable and "untestable" or excused.get(name, "")
            print(f"    no mutant{why and f': {why}'}")
    return 0


_COMMANDS = {
    "targets": _targets,
    "fetch": _fetch,
    "list": _list,
    "report": _report,
    "compare": _compare,
    "merge": _merge,
    "baseline": _baseline,
    "import": _import,
    "catalogue": _catalogue,
    "points": _points,
    "inject": _inject,
    "mutants": _mutants,
    "trace": _trace,
    "fault-libc": _fault_libc,
    "fault": _fault,
}
