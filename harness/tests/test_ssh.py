"""Another machine by ssh, which is this one: through an sshd of our own."""

import os
import select
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ipck import ssh
from ipck.errors import IpckError
from ipck.ssh import Remote
from ipck.targets import KINDS, Unavailable, list_tests
from sshd import ROOT, USER, Sshd
from stubs import ADDS, ADDS_RAW, CATALOGUE, MAKES, TESTS, WAITS, World, end, result, run_line, start, whole

as_root = pytest.mark.skipif(not ROOT, reason="needs root")
FLAVOUR = "glibc-static"


@pytest.fixture
def far(server: Sshd, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that every user may look into, for programs to be put below it by the machine that is reached by ssh."""
    with tempfile.TemporaryDirectory(prefix="ipck-test-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "tmp").mkdir()
        (folder / "tmp").chmod(0o1777)
        server.rc(f"TMPDIR={folder}/tmp; export TMPDIR")
        monkeypatch.setenv("PATH", f"{server.folder}/bin:{os.environ['PATH']}")
        yield folder


@pytest.fixture
def there(far: Path) -> World:
    """A world whose programs that machine can read."""
    (far / "world").mkdir()
    return World(far / "world")


def run(there: World, place: str = "here", *more: str) -> "subprocess.CompletedProcess[str]":
    """`ipck run` over ssh."""
    return there.ipck("run", f"--ssh={place}", "--seed=1", *more)


def sent(far: Path) -> list[Path]:
    """The programs that were put there."""
    return [path for path in (far / "tmp").glob("ipck-*/*")]


@pytest.mark.parametrize("user", ["", pytest.param(f"{USER}@", marks=as_root)])
def test_run_as_somebody(user: str, there: World, far: Path) -> None:
    there.program(whole(), shell=f"id -u >{far}/tmp/who", flavour=FLAVOUR)
    there.baseline("", f"host-{FLAVOUR}")
    done = run(there, f"{user}here")
    assert (done.returncode, done.stderr) == (0, "") and len(there.outcomes()) == len(TESTS)
    who = int((far / "tmp/who").read_text())
    (program,) = sent(far)
    assert who == (4711 if user else os.getuid()) and program.parent.name == f"ipck-{who}"
    assert program.stat().st_uid == who and program.parent.stat().st_mode & 0o777 == 0o700
    (line,) = there.lines("run")
    assert line["target"] == "ssh-" + f"{user}here".replace("@", "-") and line["argv"][0] == "ssh"


def test_program_is_sent_once(there: World, far: Path) -> None:
    there.program(whole(), flavour=FLAVOUR)
    run(there)
    (first,) = sent(far)
    before = first.stat().st_ino
    run(there)
    assert [path.stat().st_ino for path in sent(far)] == [before]
    there.program(whole(), shell="# another", flavour=FLAVOUR)
    run(there)
    assert len(sent(far)) == 2


def test_what_was_not_used_for_a_week_goes(there: World, far: Path) -> None:
    there.program(whole(), flavour=FLAVOUR)
    run(there)
    (first,) = sent(far)
    os.utime(first, (0, 0))
    before = first.stat().st_ino
    run(there)
    assert [path.stat().st_ino for path in sent(far)] == [before] and first.stat().st_mtime > 0
    os.utime(first, (0, 0))
    there.program(whole(), shell="# another", flavour=FLAVOUR)
    run(there)
    assert first not in sent(far) and len(sent(far)) == 1


def test_words_arrive_as_they_are(server: Sshd, far: Path) -> None:
    program = far / "program"
    program.write_text('#!/bin/sh\nfor word; do printf "<%s>" "$word"; done; cat; echo apart >&2\n')
    words = ["a b", "it's", 'do"uble', "back\\slash\\n", "two\nlines", "", "*", "$HOME", "%s", "-n", "ümlaut"]
    with Remote(("ssh", "here"), lambda machine: program, words, "select\n\\\n") as process:
        out = b""
        while (piece := process.read(1)) is not None:
            out += piece
        assert (process.finish(), process.status, process.last_words()) == ("", 0, "apart")
    assert out.decode() == "".join(f"<{word}>" for word in words) + "select\n\\\n"


def test_what_start_up_files_say_is_passed_over(server: Sshd, there: World, far: Path) -> None:
    server.rc(f"TMPDIR={far}/tmp; export TMPDIR; echo Welcome; printf 'no newline'; echo; echo ipck-sshd: hello")
    there.program(whole(), flavour=FLAVOUR)
    assert (run(there).returncode, list(there.lines("error"))) == (0, [])


@pytest.fixture
def twice(there: World) -> Callable[[str], None]:
    """Makes a program that ends as SHELL says while WAITS is running, and does the rest when it is started again.

    Before that end it waits until the harness has the result of the test that came first.
    """

    def make(shell: str) -> None:
        first = [run_line(), start(ADDS), result(ADDS), start(WAITS)]
        rest = "\n".join([run_line(), start(ADDS_RAW), result(ADDS_RAW), start(MAKES), result(MAKES), end(2)])
        again, results = there.root / "again", there.out / "results.jsonl"
        for path, lines in ((there.root / "first", first), (there.root / "rest", [rest])):
            path.write_text("\n".join(lines) + "\n")
        there.program(
            shell=f": $lines; [ ! -e {again} ] || exec cat {there.root}/rest\n: >{again}; cat {there.root}/first\n"
            f"until grep -q {ADDS.id} {results}; do sleep 0.01; done\n{shell}",
            flavour=FLAVOUR,
        )

    return make


def check_twice(there: World, fault: str) -> None:
    """What comes of such a program."""
    assert there.outcomes() == {ADDS.id: "pass", WAITS.id: "error", ADDS_RAW.id: "pass", MAKES.id: "pass"}
    (line,) = there.lines("error")
    assert line["message"].startswith(fault)  # the shell over there may add its own words


def test_program_that_dies_there_is_started_again(twice: Callable[[str], None], there: World) -> None:
    twice("kill -SEGV $$")
    run(there)
    check_twice(there, "the program was killed by SIGSEGV before its last line")


def test_program_that_fails_there(twice: Callable[[str], None], there: World) -> None:
    twice("echo no more >&2; exit 7")
    run(there)
    check_twice(there, "the program exited with status 7 before its last line: no more")


def test_connection_that_breaks_loses_nothing_that_came(
    server: Sshd, twice: Callable[[str], None], there: World
) -> None:
    twice(f"sleep 60 & echo $! >{there.root}/child; kill -9 $(cat {server.folder}/ssh.pid); wait")
    run(there)
    check_twice(there, "the connection to here broke: ssh was killed by SIGKILL before its last line")
    gone(int((there.root / "child").read_text()))


def test_other_side_that_goes_away(twice: Callable[[str], None], there: World) -> None:
    session = "$(cut -d' ' -f4 /proc/$PPID/stat)"
    twice(f"sleep 60 & echo $! >{there.root}/child; kill -9 {session}; wait")
    run(there)
    check_twice(there, "the connection to here broke before its last line: Connection ")
    gone(int((there.root / "child").read_text()))


def test_machine_that_goes_away_for_good(server: Sshd, twice: Callable[[str], None], there: World) -> None:
    twice(f"echo 'echo closed for the night >&2; exit 1' >{server.folder}/rc; kill -9 $(cat {server.folder}/ssh.pid)")
    run(there)
    assert there.outcomes() == {ADDS.id: "pass", WAITS.id: "error", ADDS_RAW.id: "error", MAKES.id: "error"}
    broke, refused_then = (line["message"] for line in there.lines("error"))
    assert broke == "the connection to here broke: ssh was killed by SIGKILL before its last line"
    why = "here: the shell there cannot start the program: closed for the night"
    assert refused_then == f"the program cannot be executed ({why})"
    (last,) = (line["reason"] for line in there.lines("test") if line["test"] == MAKES.id)
    assert last == f"no result: {refused_then} before this test began"


def gone(process: int, seconds: float = 10) -> None:
    """Wait for the end of a process that is no child of ours."""
    try:
        descriptor = os.pidfd_open(process)
    except ProcessLookupError:
        return
    try:
        assert select.select([descriptor], [], [], seconds)[0], f"process {process} is still there"
    finally:
        os.close(descriptor)


def test_harness_that_is_killed_leaves_nothing_there(there: World) -> None:
    ready = there.root / "ready"
    os.mkfifo(ready)
    there.program([run_line(), start(ADDS)], shell=f"sleep 60 & echo $$ $! >{ready}; wait", flavour=FLAVOUR)
    command = there.command("run", "--ssh=here")
    with subprocess.Popen(command, env=there.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT) as one:
        with open(ready, "r+b", buffering=0) as pipe:  # opened for both, for which it waits for nobody
            assert select.select([pipe], [], [], 30)[0], "the program was not started"
            processes = [int(word) for word in pipe.read(100).split()]
        one.kill()
    for process in processes:
        gone(process)


BIG = "#" + "x" * 100_000


def refused(there: World, place: str = "here") -> str:
    """Why the target is not available."""
    with pytest.raises(Unavailable) as caught:
        list_tests(KINDS["ssh"](place), CATALOGUE, there.build)
    return str(caught.value)


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("closed", "closed: ssh: connect to host 127.0.0.1 port {port}: Connection refused"),
        ("refused", "refused: {me}@127.0.0.1: Permission denied (publickey)."),
        ("nobody-at-all@here", "nobody-at-all@here: nobody-at-all@127.0.0.1: Permission denied (publickey)."),
    ],
)
def test_machine_that_cannot_be_reached(place: str, why: str, server: Sshd, there: World) -> None:
    there.program(whole(), flavour=FLAVOUR)
    want = why.format(port=server.closed, me=server.me)
    assert refused(there, place) == f"{want}: ssh {place} true must work without a question"


def test_machine_that_cannot_be_reached_is_an_error_of_the_run(there: World) -> None:
    done = run(there, "closed")
    said = done.stdout + done.stderr
    assert done.returncode == 2 and "ERROR: target ssh-closed is unavailable: closed: ssh: connect" in said


def reasons(there: World) -> list[str]:
    """Why the machine has no place for the program."""
    before, _, after = refused(there).partition("here: no place for the program: ")
    assert not before
    return after.split("; ")


@as_root
def test_folders_that_cannot_hold_the_program(server: Sshd, there: World, far: Path) -> None:
    """/var/tmp of our sshd allows no execution."""
    name = f"ipck-{os.getuid()}"
    (far / "open").mkdir()
    (far / "open" / name).mkdir()
    (far / "open" / name).chmod(0o777)
    (far / "cache").write_text("no folder")
    there.program(whole(), BIG, flavour=FLAVOUR)
    noexec = f"/var/tmp/{name}: programs there cannot be executed (noexec)"
    server.rc(f"export TMPDIR={far}/open XDG_CACHE_HOME={far}/cache/x")
    first, second, third = reasons(there)
    assert first == f"{far}/open/{name} is not a private folder of this user"
    assert second == noexec and third.startswith("mkdir: ") and third.endswith("Not a directory")
    server.rc(f"export TMPDIR={server.folder}/small XDG_CACHE_HOME={far}/cache")
    assert reasons(there)[0].startswith(f"{server.folder}/small/{name}: 16 KiB are free, the program needs 9")
    server.rc(f"export TMPDIR={server.folder}/small XDG_CACHE_HOME={far}/new")
    assert run(there).returncode == 0
    assert [path.parent.parent for path in far.glob("*/ipck-*/*")] == [far / "new"]


def test_program_that_does_not_come_whole(server: Sshd, there: World, far: Path) -> None:
    there.program(whole(), BIG, flavour=FLAVOUR)
    server.rc(f"TMPDIR={far}/tmp; export TMPDIR; ulimit -f 16")
    assert "File size limit" in reasons(there)[0]
    assert not sent(far)


def machine(server: Sshd, far: Path, name: str) -> None:
    """Let uname call it NAME."""
    (far / "uname").write_text(f"#!/bin/sh\necho {name}\n")
    (far / "uname").chmod(0o755)
    server.rc(f"PATH={far}:$PATH TMPDIR={far}/tmp; export TMPDIR")


@pytest.mark.parametrize(("name", "flavour"), [("s390x", "s390x"), ("i686", "i386-static"), ("armv7l", "arm")])
def test_machine_of_another_kind(name: str, flavour: str, server: Sshd, there: World, far: Path) -> None:
    machine(server, far, name)
    there.program(whole(), flavour=FLAVOUR)
    program = f"{there.build}/{flavour}/ipck-tests"
    assert refused(there) == f"here is a machine of the kind {name}, {program} is not built: run make {program}"
    there.program(whole(), flavour=flavour)
    assert run(there).returncode == 0


def test_flavour_by_name(server: Sshd, there: World, far: Path) -> None:
    machine(server, far, "vax")
    there.program(whole(), flavour="musl")
    there.baseline("", "host-musl")
    assert run(there, "here/musl").returncode == 0
    (line,) = there.lines("run")
    assert line["target"] == "ssh-here-musl"


def test_machine_that_says_nothing(
    server: Sshd, there: World, far: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh, "_PATIENCE", 0.5)
    server.rc("exec sleep 60")
    assert refused(there) == "here: it gave no answer within 0.5 s"


def test_shell_that_cannot_do_it(server: Sshd, there: World) -> None:
    server.rc("echo this account is closed >&2; exit 1")
    there.program(whole(), flavour=FLAVOUR)
    assert refused(there) == "here: the shell there cannot start the program: this account is closed"


@pytest.mark.parametrize(
    ("place", "parts"),
    [
        ("board", ("board", None)),
        ("root@board.lan:2222", ("root@board.lan", "2222")),
        ("[fe80::1%eth0]:22/musl", ("[fe80::1%eth0]", "22")),
        ("-oProxyCommand=x", None),
        ("a b", None),
        ("board:port", None),
        ("", None),
        ("board/../x", None),
    ],
)
def test_places(place: str, parts: tuple[str, str | None] | None) -> None:
    if not parts:
        with pytest.raises(IpckError, match=r"is no place: want ssh:\[USER@\]HOST\[:PORT\]\[/FLAVOUR\]"):
            KINDS["ssh"](place)
        return
    argv = KINDS["ssh"](place).argv()
    assert argv[-2:] == (parts[0], "ipck-tests") and argv[-3] == "--"
    assert (argv[-4] if argv[-5] == "-p" else None) == parts[1]


def test_ssh_that_is_not_installed(there: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Unavailable, match="ssh is not installed: .*apt-get install openssh-client"):
        KINDS["ssh"]("board").check()
