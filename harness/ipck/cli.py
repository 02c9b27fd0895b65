"""Whether an implementation of System V IPC and POSIX IPC keeps its promises."""

import argparse
import importlib.util
import json
import os
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from . import availability, baseline, benchcli, catalogue, compare, faultcli, interleavecli, kernelcli, ktap, merge
from . import notes, plan, propose, provenance, store, stresscli, targets, text, usage
from .errors import IpckError
from .files import write
from .kcidb import Submitter, submitter
from .notes import Notes
from .plan import Folders
from .publish import PAGE, clear, journal, publish, stored
from .results import RunResults
from .summary import exit_status
from .targets import choose
from .tree import OUT, SUITE, shown


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
    if dashes and options.command is not faultcli.inject:
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
    tests = plan.by_requirement(made.ready[0].tests.values())
    for name in catalogue.choose(made.catalogue, options.requirement):
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
    **faultcli.COMMANDS,
    **benchcli.COMMANDS,
    **stresscli.COMMANDS,
    **interleavecli.COMMANDS,
    **kernelcli.COMMANDS,
}
