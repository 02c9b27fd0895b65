"""Which targets there are, and what brings those that are not here."""

import re
from pathlib import Path

import pytest

from ipck import availability
from ipck.targets import KINDS, TARGETS, Choice, Target, Unavailable, choose

from stubs import World


class Lacking(Target):
    """A target that lacks the file at `flavour`."""

    def check(self, build: Path = Path()) -> None:
        """The file must be there."""
        if not Path(self.flavour).exists():
            raise Unavailable("the file is missing", self.prefix)


def lacking(path: Path, *remedy: str) -> Choice:
    """The choice of a target that lacks PATH until REMEDY was run."""
    return Choice(Lacking("lame", str(path), "a stub", prefix=remedy), True)


def fetched(*choices: Choice) -> tuple[list[str], list[str]]:
    """What was said, and what is still lacking."""
    said: list[str] = []
    left = availability.fetch(choices, said.append)
    return said, left


def test_names_are_fit_for_files_and_for_the_command_line() -> None:
    for target in TARGETS.values():
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", target.name) and target.kind and target.description
    assert not set(KINDS) & {"out", "seed", "jobs", "target"} and all(name.isalpha() for name in KINDS)


def test_what_is_missing_is_brought(tmp_path: Path) -> None:
    command = ("touch", str(tmp_path / "file"))
    assert fetched(lacking(tmp_path / "file", *command)) == ([" ".join(command)], [])
    assert fetched(lacking(tmp_path / "file", *command)) == ([], [])


@pytest.mark.parametrize(
    ("remedy", "said"),
    [
        (("sh", "-c", "echo no network >&2; exit 2"), ["sh -c 'echo no network >&2; exit 2'", "  no network"]),
        (("true",), ["true"]),
        (("no-such-program",), ["no-such-program", "  no-such-program: No such file or directory"]),
        ((), []),
    ],
    ids=["fails", "without effect", "missing", "none"],
)
def test_what_cannot_be_brought_is_told(remedy: tuple[str, ...], said: list[str], tmp_path: Path) -> None:
    why = "target lame: the file is missing" + (f": run {said[0]}" if remedy else "")
    assert fetched(lacking(tmp_path / "file", *remedy)) == (said, [why])


def test_table_says_what_is_missing(tmp_path: Path) -> None:
    (line,) = availability.table([lacking(tmp_path / "file", "touch", "x")])
    assert line == "lame  a stub\n      the file is missing: run touch x"


def test_targets_are_listed(world: World) -> None:
    world.program()
    done = world.ipck("targets", "host-glibc,host-musl")
    musl = world.build / "musl/ipck-tests"
    assert done.stdout.splitlines() == [
        "host-glibc  this kernel, glibc",
        "host-musl   this kernel, musl linked statically",
        f"            {musl} is not built: run make {musl}",
    ]
    assert len(world.ipck("targets").stdout.splitlines()) >= len(choose(["all"]))


def test_fetch_tells_what_is_still_lacking(world: World) -> None:
    done = world.ipck("fetch", "kernel:/no/bzImage")
    assert done.returncode == 2 and "target kernel-bzImage: /no/bzImage: there is no such kernel" in done.stderr
