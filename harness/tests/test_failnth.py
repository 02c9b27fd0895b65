"""The faults inside the kernel: what the program tells, how it is judged, and what is kept when the kernel dies."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from test_report import catalogue, requirement

from ipck import report
from ipck.errors import IpckError
from ipck.extras import PAGES
from ipck.faults import failnth
from ipck.results import RunResults
from ipck.targets import choose
from ipck.tree import BUILD, ROOT
from stubs import World

pytestmark = pytest.mark.skipif(not (BUILD / "glibc/ipck-points").exists(), reason="ipck-points is not built")

RUN = {"type": "run", "schema": 1, "release": "6.1.192", "kinds": ["failslab"], "lacks": []}
END = {"type": "end", "problems": []}
PROGRAM = BUILD / "glibc-static" / failnth.PROGRAM


def start(operation: str, n: int) -> "dict[str, Any]":
    """The line before a step."""
    return {"type": "start", "operation": operation, "n": n}


def step(operation: str, n: int, **changes: Any) -> "list[dict[str, Any]]":
    """The lines of a step that did right."""
    line = {
        "type": "step", "operation": operation, "call": operation.partition(".")[0], "errors": [], "n": n,
        "kind": "failslab", "path": "alloc_msg < load_msg", "outcome": "failed", "error": "ENOMEM", "problems": [],
    }  # fmt: skip
    if n == 0:
        line |= {"kind": "", "path": "", "outcome": "succeeded", "error": ""}
    return [start(operation, n), line | changes]


def whole(operation: str, *steps: "list[dict[str, Any]]") -> "list[dict[str, Any]]":
    """All lines of an operation."""
    lines = [line for one in (step(operation, 0), *steps) for line in one]
    return [*lines, {"type": "operation", "operation": operation, "steps": len(steps)}]


Stub = Callable[..., Path]


@pytest.fixture(name="stub")
def _stub(tmp_path: Path) -> Stub:
    """Makes a program that prints lines, and then runs a shell script in which $from is what it shall go on with."""

    def make(*lines: "dict[str, Any] | str", shell: str = "") -> Path:
        folder = tmp_path / "glibc"
        folder.mkdir(exist_ok=True)
        if not (folder / "ipck-points").exists():
            (folder / "ipck-points").symlink_to(BUILD / "glibc/ipck-points")
        texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
        (folder / "lines").write_text("".join(f"{text}\n" for text in texts))
        program = folder / failnth.PROGRAM
        program.write_text(
            f"#!/bin/sh\nlines='{folder}/lines'\nfrom=\n"
            'for word; do case $word in --from=*) from=${word#*=};; esac; done\n'
            f"{shell or 'cat $lines'}\n"
        )
        program.chmod(0o755)
        return tmp_path

    return make


def found(build: Path, *operations: str, known: str = "") -> "tuple[failnth.Found, list[str]]":
    """What a campaign on this stub finds, and what it says."""
    said: list[str] = []
    path = build / "known.toml"
    path.write_text(known)
    target = choose(["host-glibc"])[0].target
    return failnth.campaign(target, operations, said.append, build, path), said


def entry(**changes: str) -> str:
    """A listed deviation, in TOML."""
    fields = {"kernel": "6.1.*", "operation": "msgsnd.*", "function": "load_msg", "kind": "state", "detail": "-queue*"}
    fields |= {"reason": "it does", "reference": "seen", "since": "always"} | changes
    return "[[deviation]]\n" + "".join(f'{key} = "{value}"\n' for key, value in fields.items())


def test_kernel_that_does_right_passes(stub: Stub) -> None:
    tolerated = step("msgsnd.short", 2, outcome="succeeded", error="")
    build = stub(RUN, *whole("msgsnd.short", step("msgsnd.short", 1), tolerated), END)
    done, said = found(build)
    assert (done.status, done.complete, done.counts, done.violations) == (0, True, {"msgsnd.short": 2}, [])
    assert said[-1].startswith("Linux 6.1.192 (host-glibc): 1 operations, 2 steps failed: 0 violations, 0 known")


@pytest.mark.parametrize(
    "changes, kind, detail",
    [
        ({"error": "EIO"}, "errno", "EIO, which msgsnd() may not report"),
        ({"problems": ["state: -queue 0 qnum: 1; +queue 0 qnum: 0"]}, "state", "-queue 0 qnum: 1; +queue 0 qnum: 0"),
        ({"problems": ["leak: 32 such calls leave: kmalloc-4k +32"]}, "leak", "32 such calls leave: kmalloc-4k +32"),
        ({"problems": ["kernel: WARNING: CPU: 0 at ipc/msg.c:1"]}, "kernel", "WARNING: CPU: 0 at ipc/msg.c:1"),
        ({"outcome": "hung", "error": ""}, "hang", "the caller or process 1 hung"),
        ({"outcome": "died", "error": ""}, "end", "the caller or process 1 died"),
    ],
)
def test_what_is_wrong_after_a_step_is_found(stub: Stub, changes: "dict[str, Any]", kind: str, detail: str) -> None:
    done, said = found(stub(RUN, *whole("msgsnd.short", step("msgsnd.short", 1, **changes)), END))
    assert [(one.kind, one.detail, one.reproduce) for one in done.violations] == [
        (kind, detail, "ipck fault-kernel msgsnd.short:1")
    ]
    assert done.status == 1 and said[0].startswith(f"FAIL msgsnd.short:1: {kind}: {detail} (in alloc_msg < load_msg)")


def test_errors_that_the_program_adds_are_legal(stub: Stub) -> None:
    lines = whole("unshare.ipc", step("unshare.ipc", 1, error="ENOSPC", errors=["ENOMEM", "ENOSPC"]))
    assert found(stub(RUN, *lines, END))[0].status == 0
    assert found(stub(RUN, *whole("unshare.ipc", step("unshare.ipc", 1)), END))[0].violations[0].kind == "errno"


def test_what_kmemleak_finds_at_the_end_is_a_violation(stub: Stub) -> None:
    done, _ = found(stub(RUN, *whole("msgsnd.short"), {**END, "problems": ["leak: kmemleak: unreferenced object"]}))
    assert [(one.operation, one.kind, one.detail) for one in done.violations] == [
        ("all", "leak", "kmemleak: unreferenced object")
    ]


def test_known_deviation_is_no_failure_and_one_that_is_gone_is(stub: Stub) -> None:
    wrong = {"problems": ["state: -queue 0 qnum: 1"]}
    build = stub(RUN, *whole("msgsnd.short", step("msgsnd.short", 1, **wrong)), END)
    assert found(build, known=entry())[0].status == 0
    assert found(build, known=entry())[0].violations[0].known == "seen"
    others = {"function": "alloc_skb", "kernel": "7.*", "detail": "-set*", "operation": "msgrcv.*", "kind": "leak"}
    for changes in ({key: value} for key, value in others.items()):
        assert found(build, known=entry(**changes))[0].new, changes
    assert not found(build, known=entry(kind="leak state"))[0].new
    done, said = found(build, known=entry() + entry(detail="-set*"))
    assert done.status == 1 and said[-2].startswith("FIXED 6.1.192: ") and ":10: " in said[-2]
    assert found(build, "msgsnd.*", known=entry() + entry(detail="-set*"))[0].status == 0
    assert found(build, known=entry() + entry(kernel="7.*"))[0].status == 0


def test_death_in_the_middle_keeps_what_is_known_and_goes_on(stub: Stub) -> None:
    first = [*step("msgsnd.short", 0), *step("msgsnd.short", 1), start("msgsnd.short", 2)]
    rest = [RUN, *step("msgsnd.short", 0), *step("msgsnd.short", 3)]
    rest += [{"type": "operation", "operation": "msgsnd.short", "steps": 3}, *whole("msgget.open"), END]
    build = stub(RUN, *first)
    (build / "glibc/rest").write_text("".join(f"{json.dumps(line)}\n" for line in rest))
    stub(
        RUN, *first,
        shell='if [ "$from" ]; then [ "$from" = msgsnd.short:3 ] && exec cat "${lines%lines}rest"; exit 2; fi\n'
        'cat "$lines"; echo "Kernel panic" >&2; kill -9 $$',
    )  # fmt: skip
    done, said = found(build)
    assert done.counts == {"msgsnd.short": 3, "msgget.open": 0} and done.unfired == ["msgget.open"]
    assert [(one.operation, one.n, one.kind) for one in done.violations] == [("msgsnd.short", 2, "end")]
    assert "was killed by SIGKILL: Kernel panic" in done.violations[0].detail and done.status == 1
    assert [one.n for one in done.steps if one.n] == [1, 2, 3]
    assert said[0].startswith("FAIL msgsnd.short:2: end: the program was killed by SIGKILL")


def test_program_that_gives_up_in_the_middle_accuses_nobody(stub: Stub) -> None:
    shell = f"[ \"$from\" ] && {{ echo '{json.dumps(RUN)}'; echo '{json.dumps(END)}'; exit; }}\ncat $lines"
    shell += "\necho 'ipck-failnth: namespaces: Cannot allocate memory' >&2; exit 2"
    done, _ = found(stub(RUN, start("msgsnd.short", 1), shell=shell))
    assert (done.status, done.violations) == (2, [])
    assert done.undecided == ["msgsnd.short:1: namespaces: Cannot allocate memory"]


def test_kernel_that_dies_at_each_step_comes_to_an_end(stub: Stub) -> None:
    line = json.dumps(start("msgsnd.short", 0))
    shell = f"echo '{json.dumps(RUN)}'\nn=${{from#*:}}\necho '{line}' | sed \"s/0}}$/${{n:-1}}}}/\"\nexit 3"
    done, said = found(stub(shell=shell))
    assert done.status == 2 and "the kernel died 64 times: the rest was not tried" in done.undecided[-1]
    assert len(done.violations) == 64 and not done.complete


def test_silence_is_noticed(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failnth, "_STEP_SECONDS", 0.1)
    monkeypatch.setattr(failnth, "_GRACE", 0.1)
    shell = f"[ \"$from\" ] && {{ echo '{json.dumps(RUN)}'; echo '{json.dumps(END)}'; exit; }}\ncat $lines; sleep 60"
    done, _ = found(stub(RUN, start("msgsnd.short", 1), shell=shell))
    assert [(one.n, one.kind) for one in done.violations] == [(1, "hang")]
    assert "gave no result for 0.2 s" in done.violations[0].detail


def test_garbage_is_told_and_the_rest_is_kept(stub: Stub) -> None:
    garbage = ("{", '{"type": "party"}', '{"type": "step"}', "[]", '{"type": "start", "operation": "x", "n": "y"}')
    done, said = found(stub(RUN, *garbage, *whole("msgsnd.short", step("msgsnd.short", 1)), END))
    assert done.status == 2 and len(done.undecided) == len(garbage) and done.counts == {"msgsnd.short": 1}
    assert all(message.startswith("ipck-failnth printed what is no result (") for message in done.undecided)
    assert not done.complete and sum(line.startswith("ERROR ") for line in said) == len(garbage)


def test_step_that_could_not_be_decided_is_no_pass(stub: Stub) -> None:
    changes = {"outcome": "undecided", "error": "msgget(): No space left on device"}
    done, _ = found(stub(RUN, start("msgsnd.short", 0), step("msgsnd.short", 0, **changes)[1], END))
    assert done.status == 2 and done.undecided == ["msgsnd.short:0: undecided: msgget(): No space left on device"]


@pytest.mark.parametrize(
    "shell, said",
    [
        ("echo 'ipck-failnth: this kernel has no debugfs at /sys' >&2; exit 2", "^this kernel has no debugfs at /sys$"),
        ("echo party >&2; exit 7", "host-glibc: the program exited with status 7: party"),
        ("exit 0", "host-glibc: the program ended$"),
    ],
)
def test_what_keeps_it_from_starting_is_said(stub: Stub, shell: str, said: str) -> None:
    with pytest.raises(IpckError, match=said):
        found(stub(shell=shell))


def test_kernel_without_a_kind_of_faults_is_told(stub: Stub) -> None:
    done, said = found(stub({**RUN, "lacks": ["CONFIG_FAIL_PAGE_ALLOC"]}, *whole("msgsnd.short"), END))
    assert done.status == 0 and said[0] == "this kernel lacks CONFIG_FAIL_PAGE_ALLOC: not every step was failed"


def test_program_that_is_not_there_is_said(tmp_path: Path) -> None:
    (tmp_path / "glibc").mkdir()
    (tmp_path / "glibc/ipck-points").symlink_to(BUILD / "glibc/ipck-points")
    with pytest.raises(IpckError, match="host-glibc: .*ipck-failnth is not built"):
        found(tmp_path)


def test_two_targets_are_refused() -> None:
    with pytest.raises(IpckError, match="one target at a time"):
        failnth.target(["host-glibc,host-musl"])


def test_bad_list_of_deviations_is_one_message(tmp_path: Path) -> None:
    path = tmp_path / "known.toml"
    path.write_text(entry(kind="party"))
    with pytest.raises(IpckError, match=r"known.toml:5: deviation number 1: key 'kind': is 'party', must be one of"):
        failnth.load_known(path)


def test_findings_of_the_list_exist() -> None:
    listed = failnth.load_known()
    assert listed
    for one in listed:
        if one.reference.startswith("reports/"):
            assert (ROOT / one.reference.partition(" ")[0]).exists(), one.reference


def test_page_shows_what_is_wrong(stub: Stub, tmp_path: Path) -> None:
    wrong = {"problems": ["state: -queue 0 qnum: <1>"]}
    lines = whole("msgsnd.short", step("msgsnd.short", 1, **wrong), step("msgsnd.short", 2, error="EIO"))
    done, _ = found(stub(RUN, *lines, *whole("msgget.open"), END), known=entry())
    failnth.write(tmp_path, done)
    data = failnth.read(tmp_path)
    assert data["operations"][0] == {"name": "msgsnd.short", "call": "msgsnd", "steps": 2, "outcome": "succeeded"}
    assert [one["n"] for one in data["steps"]] == [1, 2] and data["unfired"] == ["msgget.open"]
    assert [(one["kind"], one["known"]) for one in data["violations"]] == [("state", "seen"), ("errno", "")]
    pages = report.render(RunResults(), catalogue(requirement("semop.a")), extras={"failnth": data})
    page = pages[PAGES["failnth"].page]
    assert "2 operations, 2 steps failed: 1 violation that is not listed" in page
    assert "EIO, which msgsnd() may not report" in page and "-queue 0 qnum: &lt;1&gt;" in page
    assert "<p>msgget.open</p>" in page and "style=" not in page


def test_broken_results_are_told(tmp_path: Path) -> None:
    (tmp_path / failnth.NAME).write_text('{"schema": 9}')
    with pytest.raises(IpckError, match="is no result of ipck fault-kernel: remove it"):
        failnth.read(tmp_path)
    assert failnth.read(tmp_path / "nowhere") == {}


@pytest.mark.skipif(not PROGRAM.exists(), reason=f"{PROGRAM} is not built")
def test_program_lists_its_operations() -> None:
    names = failnth.names()
    assert len(names) > 100 and len(set(names)) == len(names) and all("." in name for name in names)
    assert {"msgsnd", "semop", "shmat", "mq_send", "unshare"} <= {name.partition(".")[0] for name in names}


@pytest.mark.skipif(not PROGRAM.exists(), reason=f"{PROGRAM} is not built")
@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--party"], "--party is not understood"),
        (["--from=semop.one"], "write NAME:N"),
        (["--list", "semop.one:x"], "write NAME:N, with a step from 1 to 500"),
    ],
)
def test_bad_arguments_are_one_message(arguments: "list[str]", said: str) -> None:
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and said in done.stderr and done.stderr.startswith("ipck-failnth: ")


@pytest.mark.skipif(not PROGRAM.exists(), reason=f"{PROGRAM} is not built")
@pytest.mark.skipif(Path("/proc/thread-self/fail-nth").exists(), reason="this kernel has fault injection")
def test_kernel_without_fault_injection_is_said(world: World) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ipck", "fault-kernel", "--target", "host-glibc-static", f"--build={BUILD}"],
        capture_output=True, text=True, env=world.environment(), check=False,
    )  # fmt: skip
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "fault injection" in done.stderr or "only root" in done.stderr
