"""The command as people meet it: help, manual page, completion, and installed into a folder."""

import argparse
import itertools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipck import usage
from ipck.targets import KINDS
from stubs import HARNESS, World

TREE = HARNESS.parent
PAGE = HARNESS / "command/ipck.1"
PROGRAM = TREE / "build/glibc/ipck-tests"


def commands() -> dict[str, argparse.ArgumentParser]:
    """The parser of each command."""
    for action in usage.parser({})._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    raise AssertionError("no commands")


def options() -> Iterator[tuple[str, str]]:
    """Each command with each long option that its help shows."""
    for name, parser in commands().items():
        for action in parser._actions:
            if action.help != argparse.SUPPRESS:
                yield from ((name, option) for option in action.option_strings if option.startswith("--"))


@pytest.mark.parametrize("name", commands())
def test_each_command_has_help(name: str, world: World) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ipck", name, "--help"],
        capture_output=True, text=True, env=world.environment(), cwd=world.root, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: ipck {name} ") and max(map(len, done.stdout.splitlines())) <= 120
    if name != "catalogue":
        assert "examples:\n" in done.stdout
    if name not in ("targets", "catalogue", "list"):
        assert "exit status:" in done.stdout


def test_examples_of_the_help_are_commands_that_exist() -> None:
    texts = [usage.parser({}).epilog or "", *(parser.epilog or "" for parser in commands().values())]
    examples = [line.strip() for text in texts for line in text.splitlines() if line.startswith("  ipck ")]
    assert len(examples) > 20
    known = set(options())
    for example in examples:
        command = re.split(r"  +|;", example)[0].split()
        assert command[1] in commands(), example
        for word in itertools.takewhile(lambda word: word != "--", command[2:]):
            if word.startswith("--"):
                assert (command[1], word.partition("=")[0]) in known, example


def test_bad_command_line_is_one_message(world: World) -> None:
    lines: list[list[str]] = [["party"], [], ["report"], ["merge", "--shout"], ["list", "--targ=x"]]
    for arguments in lines:
        done = subprocess.run(
            [sys.executable, "-m", "ipck", *arguments],
            capture_output=True, text=True, env=world.environment(), check=False,
        )  # fmt: skip
        assert done.returncode == 2 and "error: " in done.stderr and "Traceback" not in done.stderr


def test_manual_page_has_all_commands_and_options() -> None:
    page = PAGE.read_text().replace("\\-", "-")
    for name in commands():
        assert f'.SY "ipck {name}"' in page and f".B {name}\n" in page, name
    for name, option in options():
        assert option in page or option.removeprefix("--") in KINDS, (name, option)


@pytest.mark.skipif(not shutil.which("man"), reason="man is not installed")
def test_manual_page_is_well_formed() -> None:
    done = subprocess.run(
        ["man", "--warnings", "-E", "UTF-8", "-l", str(PAGE)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=os.environ | {"MANWIDTH": "80"}, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def completions(line: str, world: World) -> list[str]:
    """What a shell would offer after LINE."""
    pytest.importorskip("argcomplete", reason="python3-argcomplete is not installed")
    answer = world.root / "answer"
    shell = {"_ARGCOMPLETE": "1", "_ARGCOMPLETE_STDOUT_FILENAME": str(answer), "_ARGCOMPLETE_IFS": "\n"}
    subprocess.run(
        [sys.executable, "-m", "ipck"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
        env=world.environment() | shell | {"COMP_LINE": line, "COMP_POINT": str(len(line)), "COMP_TYPE": "9"},
    )  # fmt: skip
    return [word.strip() for word in answer.read_text().split("\n") if word]


def test_completion(world: World) -> None:
    assert completions("ipck ba", world) == ["baseline"]
    assert set(completions("ipck run --s", world)) >= {"--seed", "--shard", "--side-by-side"}
    assert set(completions("ipck run --target host-g", world)) == {"host-glibc", "host-glibc-static"}
    assert completions("ipck run --target host-glibc,host-mu", world) == ["host-glibc,host-musl"]
    assert completions("ipck baseline host-mu", world) == ["host-musl"]


@pytest.fixture(name="prefix", scope="module")
def _prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the command is installed, with one program."""
    folder = tmp_path_factory.mktemp("installed")
    programs = str(PROGRAM.relative_to(TREE))
    done = subprocess.run(
        ["make", "-s", "-o", programs, "install", f"DESTDIR={folder}", "PREFIX=/usr", f"installed_programs={programs}"],
        capture_output=True, text=True, cwd=TREE, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "usr"


def installed(prefix: Path, cwd: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the installed command in CWD, without anything of this tree in its environment."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))}
    return subprocess.run(
        [prefix / "bin/ipck", *arguments], capture_output=True, text=True, cwd=cwd, env=environment, check=False
    )


def test_installed_command_judges_from_anywhere(prefix: Path, tmp_path: Path) -> None:
    (tmp_path / "ipck").mkdir()
    (tmp_path / "pytest.py").write_text("raise SystemExit('this is not yours')")
    done = installed(prefix, tmp_path, "run", "-k", "semget_lookup", "--target", "host-glibc")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "report: ipck-out/index.html\n" in done.stdout and (tmp_path / "ipck-out/index.html").exists()
    assert str(TREE) not in (tmp_path / "ipck-out/results.jsonl").read_text()
    again = installed(prefix, tmp_path, "compare", ":host-glibc", ":host-glibc")
    assert again.returncode == 0 and "no difference" in again.stdout
    assert installed(prefix, tmp_path, "list", "--untested").returncode == 0


def test_installed_command_works_through_a_link(prefix: Path, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/ipck").symlink_to(prefix / "bin/ipck")
    done = installed(tmp_path, tmp_path, "catalogue")
    assert done.returncode == 0 and "requirements of" in done.stdout


def test_installed_command_says_what_it_is(prefix: Path, tmp_path: Path) -> None:
    done = installed(prefix, tmp_path, "--version")
    assert re.fullmatch(r"ipck [0-9.]+( [0-9a-f]{40}(-dirty)?)?\n", done.stdout)


def test_flavour_that_is_not_installed_is_named_so(prefix: Path, tmp_path: Path) -> None:
    done = installed(prefix, tmp_path, "run", "--target", "host-musl")
    assert done.returncode == 2
    assert "host-musl is unavailable: " in done.stderr and "is not part of this installation" in done.stderr


def test_page_and_completions_are_installed(prefix: Path) -> None:
    for name in ("man/man1/ipck.1", "bash-completion/completions/ipck", "fish/vendor_completions.d/ipck.fish"):
        assert (prefix / "share" / name).read_text(), name
    completion = prefix / "share/bash-completion/completions/ipck"
    pytest.importorskip("argcomplete", reason="python3-argcomplete is not installed")
    command = ["bash", "-uc", f". {completion}; complete -p ipck"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "") and "ipck" in done.stdout


def test_uninstalling_leaves_nothing(tmp_path: Path) -> None:
    words = [f"DESTDIR={tmp_path}", "PREFIX=/usr", "installed_programs="]
    for goal in ("install", "uninstall"):
        subprocess.run(["make", "-s", goal, *words], stdout=subprocess.DEVNULL, cwd=TREE, check=True)
    assert not [path for path in tmp_path.rglob("*") if not path.is_dir()]
