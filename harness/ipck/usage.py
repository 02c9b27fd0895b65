"""The command line: commands, their options, and help that teaches them."""

import argparse
from pathlib import Path
from typing import Any

from . import benchusage, faultusage, interleaveusage, kernelusage, options, stressusage
from .completion import Names, complete
from .targets import DEFAULT, GROUPS, KINDS, TARGETS
from .tree import OUT, shown, version

_STATUS = """exit status:
  0  all is as expected
  1  a requirement is not met as expected: it fails and is not listed, or is listed and holds now
  2  it could not be decided, or the command could not do its work"""

_DESCRIPTION = "Whether an implementation of System V IPC and POSIX IPC keeps its promises."
_EPILOG = f"""examples:
  ipck run                                     judge this machine
  ipck run -k semop --target host-musl         the tests of semop() with musl
  ipck run --kernel arch/x86/boot/bzImage      a kernel that was just built, in QEMU
  ipck gate --target host-glibc                the same as a CI job: what is new, and files for its pages
  ipck compare before/ after/                  what changed
  ipck list 'semop.*'                          requirements, and the tests that verify them

{_STATUS}

`ipck COMMAND --help` says more about each command, and ipck(1) says all."""

_RUN = "Run the tests on the targets, judge the results against the targets' baselines, and write the reports."
_RUN_EPILOG = f"""pytest reads this command, so that its options work as well. Those that are of use here:
  -k EXPRESSION         tests whose name matches, as -k 'semop and not raw'
  -x, --maxfail N       stop at the first failure, or after N
  -v                    name each test
  -n auto               spread over processes by pytest-xdist
  --collect-only -q     only list what would run

examples:
  ipck run                                          the usual targets of this machine
  ipck run --target host-musl,host-i386 -k semop    some targets, some tests
  ipck run --target matrix                          all targets that are installed
  ipck run --uml ./linux,append=time-travel=inf-cpu   a kernel on which waiting takes no time
  ipck run --seed 4711                              the order and the choices of an earlier run
  ipck run --prepare kernel.msgmni=16               with that limit in each test's own namespace
  ipck run --seed 1 --shard 2/5 --out s2.jsonl      a fifth of it; later: ipck merge s?.jsonl

{_STATUS}"""

_GATE = (
    "Do what ipck run does, for a CI system: print only what is new, and write beside the reports kcidb.json for\n"
    "KernelCI, github.txt for a job on GitHub to print, and gl-code-quality-report.json for GitLab."
)
_GATE_EPILOG = f"""New is what the baseline of the target does not list. pytest's options work as for ipck run.

examples:
  ipck gate --target qemu-6.1                                 exit status 0: nothing is new
  ipck gate --target host-glibc --out ipck-out; cat ipck-out/github.txt
  ipck gate --kernel bzImage --kcidb-origin my_ci --kcidb-build my_ci:1234
  ipck merge s?.jsonl --gate                                  the gate for a run that was made in shards

{_STATUS}"""

_TARGETS = """examples:
  ipck targets                  all that have a name
  ipck targets matrix           those of the usual matrix"""

_FETCH = "Install, fetch and build what targets lack; each command is shown before it runs."
_FETCH_EPILOG = """examples:
  ipck fetch matrix             everything for ipck run --target matrix
  ipck fetch glibc-2.41         one target

exit status: 0 all is there, 2 something could not be had"""

_LIST_EPILOG = """examples:
  ipck list                     all requirements, with their tests
  ipck list 'semop.eidrm*'      some of them
  ipck list --untested          those that no test verifies yet"""

_REPORT_EPILOG = f"""examples:
  ipck report results.jsonl                       the reports beside it
  ipck report a.jsonl b.jsonl --out both          two runs of different targets side by side
  ipck report ipck-out --gate                     what a CI system takes, for a run that is over

{_STATUS}"""

_COMPARE_EPILOG = """RESULTS is a results.jsonl or its folder; without it the last run is meant, for B that of A.

examples:
  ipck compare before/ after/                     two runs: what is new, what is fixed, what is seen differently
  ipck compare :host-glibc :host-musl             two targets of the last run
  ipck compare old.jsonl:qemu-6.1 new.jsonl:qemu-6.12

exit status: 0 no difference, 1 there are differences, 2 they could not be compared"""

_MERGE_EPILOG = f"""The reports are those of the run without shards, byte for byte, but for times: when it started,
and how long the targets and tests took. Shards of different runs are refused; where one is missing or torn, the others
are kept and the status is 2.

examples:
  for i in 1 2 3 4; do ipck run --seed 7 --shard $i/4 --out s$i.jsonl; done
  ipck merge s?.jsonl --out all

{_STATUS}"""

_BASELINE_EPILOG = """A draft has everything but why: its reason, reference and since are empty, and nothing runs
with such a baseline before a person has filled them in. Nothing is written without --into.

examples:
  ipck baseline host-musl                                            what is known, and why
  ipck baseline --propose host-musl                                  drafts for the failures of the last run
  ipck baseline --propose host-musl new.jsonl --into host-musl.toml  .. added to a file

exit status: 0 done, 2 it could not be done"""

_IMPORT_EPILOG = f"""examples:
  ssh board ./ipck-tests > board.ktap
  ipck import --target host-musl board.ktap --out board

{_STATUS}"""


def parser(commands: "dict[str, Any]") -> argparse.ArgumentParser:
    """The whole command line; COMMANDS has the function of each command."""
    top = _Parser("ipck", _DESCRIPTION, _EPILOG)
    top.add_argument("--version", action="version", version=f"ipck {version()}")
    kinds = top.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)

    def command(name: str, summary: str, description: str, epilog: str) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = kinds.add_parser(name, help=summary, description=description, epilog=epilog)
        if name in commands:
            made.set_defaults(command=commands[name])
        return made

    run = command("run", "run the tests and judge the targets", _RUN, _RUN_EPILOG)
    options.add_run(run.add_argument, gate=False)
    gate = command("gate", "the same for a CI system", _GATE, _GATE_EPILOG)
    options.add_run(gate.add_argument)
    for one in (run, gate):
        complete(one, "target", Names((*GROUPS, *TARGETS, *(f"{kind}:" for kind in KINDS))))

    shower = command("targets", "what can be judged here", "What can be judged here, and what is lacking.", _TARGETS)
    shower.add_argument("name", metavar="TARGET", nargs="*", default=["all"], help="as for run --target; all without")
    fetcher = command("fetch", "install, fetch and build what targets lack", _FETCH, _FETCH_EPILOG)
    fetcher.add_argument("name", metavar="TARGET", nargs="+", help="as for run --target")
    for one in (shower, fetcher):
        complete(one, "name", Names((*GROUPS, *TARGETS)))

    lister = command("list", "which tests verify which requirement", "Requirements and their tests.", _LIST_EPILOG)
    lister.add_argument("requirement", nargs="*", help="ids or shell patterns; all without")
    lister.add_argument("--target", metavar="NAME", default=DEFAULT[0], help="default: %(default)s")
    lister.add_argument("--untested", action="store_true", help="only the requirements that no test verifies")
    complete(lister, "target", Names(TARGETS))

    report = command("report", "make reports from stored results", "Make the reports again.", _REPORT_EPILOG)
    report.add_argument("results", metavar="RESULTS", nargs="+", type=Path, help="several are put together")
    report.add_argument("--out", metavar="DIR", type=Path, help="default: where the first of them is")
    options.add_gate(report.add_argument)

    compare = command("compare", "what two runs or targets say differently", "What differs, in words.", _COMPARE_EPILOG)
    compare.add_argument("a", metavar="A", help="RESULTS, RESULTS:TARGET or :TARGET")
    compare.add_argument("b", metavar="B", help="the same")
    compare.add_argument("--json", action="store_true", help="for programs")

    merge = command("merge", "put the shards of a run together", "Make one run of its shards.", _MERGE_EPILOG)
    merge.add_argument("shards", metavar="SHARD.jsonl", nargs="+", type=Path, help="what ipck run --shard I/N wrote")
    merge.add_argument("--out", metavar="DIR", type=Path, default=OUT, help=f"default: {shown(OUT)}")
    options.add_gate(merge.add_argument)

    baseline = command(
        "baseline", "the known deviations of a target, and drafts of them", "What a baseline lists.", _BASELINE_EPILOG
    )
    baseline.add_argument("target", metavar="TARGET", help="its name in the report, or KIND:ARGUMENT")
    baseline.add_argument("results", metavar="RESULTS", nargs="?", type=Path, default=OUT, help="default: the last run")
    baseline.add_argument("--propose", action="store_true", help="draft entries for failures that are not listed")
    baseline.add_argument("--into", metavar="FILE", type=Path, help="with --propose: add them to FILE")
    complete(baseline, "target", Names(TARGETS))

    importer = command("import", "take the results of a target from a KTAP log", "Judge a KTAP log.", _IMPORT_EPILOG)
    importer.add_argument("--target", metavar="NAME", required=True, help="what to call it; its baseline is used")
    importer.add_argument("log", metavar="FILE.ktap", type=Path)
    importer.add_argument("--out", metavar="DIR", type=Path, help=f"default: {shown(OUT)}/NAME")
    options.add_gate(importer.add_argument)
    complete(importer, "target", Names(TARGETS))

    rows = command("catalogue", "check the catalogue, count its rows", "Check the catalogue and the notes.", "")
    rows.add_argument("--emit-c", metavar="DIR", type=Path, help="write reqs.h and reqs.c for the test programs")

    judging = (shower, fetcher, lister, report, compare, merge, baseline, importer, rows)
    groups = (faultusage, stressusage, interleaveusage, benchusage, kernelusage)
    for one in (*judging, *(made for group in groups for made in group.add(command))):
        options.add_folders(one.add_argument_group("where the inputs are").add_argument)
    return top


class _Parser(argparse.ArgumentParser):
    """Keeps the lines of descriptions and examples as they are, and knows no abbreviations."""

    def __init__(self, prog: str | None = None, description: str = "", epilog: str = "", **more: Any) -> None:
        super().__init__(
            prog=prog,
            description=description,
            epilog=epilog,
            formatter_class=_Formatter,
            allow_abbrev=False,
            **more,
        )


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Wide enough for the examples."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30, width=120)
