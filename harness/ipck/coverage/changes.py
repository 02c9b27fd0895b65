"""Which lines that a patch adds or changes were executed: what a reviewer of the patch wants to know."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import IpckError
from ..tree import shown
from .view import File


@dataclass(frozen=True, slots=True)
class Change:
    """A line as it is with the patch."""

    file: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Judged:
    """The lines of a patch."""

    executed: tuple[Change, ...]
    missed: tuple[Change, ...]
    uncounted: tuple[Change, ...]  # no code, or of a file that is not measured


def read(path: Path) -> list[Change]:
    """The lines that the patch at PATH adds; IpckError when it is none, or adds none."""
    try:
        import unidiff  # type: ignore[import]  # of use here alone
    except ModuleNotFoundError:
        raise IpckError("reading a patch needs the Python module unidiff: apt-get install python3-unidiff") from None
    try:
        patch = unidiff.PatchSet.from_filename(str(path), encoding="utf-8", errors="replace")
    except OSError as error:
        raise IpckError(f"{shown(path)}: cannot be read: {error.strerror}") from None
    except unidiff.UnidiffParseError as error:
        raise IpckError(f"{shown(path)}: is no patch as diff -u and git write it: {error}") from None
    lines = [
        Change(file.path, line.target_line_no, line.value.rstrip("\n"))
        for file in patch for hunk in file for line in hunk if line.is_added
    ]  # fmt: skip
    if not lines:
        raise IpckError(f"{shown(path)}: is a patch that adds no line: there is nothing to execute")
    return lines


def judge(changes: list[Change], view: Mapping[str, File], source: Path) -> Judged:
    """What VIEW says of CHANGES; IpckError where the SOURCE does not have them: it was built without the patch."""
    kinds: dict[int | None, list[Change]] = {0: [], 1: [], None: []}
    texts: dict[str, list[str]] = {}
    for change in changes:
        if change.file not in texts:
            texts[change.file] = _text(source / change.file)
        text = texts[change.file]
        if text[change.line - 1:change.line] != [change.text]:
            raise IpckError(
                f"{shown(source)} does not have the patch: {change.file}:{change.line} is not {change.text.strip()!r}; "
                "apply it, and name the tree by --source"
            )
        count = view[change.file].lines.get(change.line) if change.file in view else None
        kinds[count and 1].append(change)
    return Judged(tuple(kinds[1]), tuple(kinds[0]), tuple(kinds[None]))


def render(judged: Judged, measured: Mapping[str, File]) -> Iterator[str]:
    """JUDGED for a reviewer."""
    for change in judged.missed:
        yield f"NOT EXECUTED {change.file}:{change.line}: {change.text.strip()}"
    for file in sorted({change.file for change in judged.uncounted} - measured.keys()):
        yield f"not measured: {file}"
    code = len(judged.executed) + len(judged.missed)
    yield f"{len(judged.executed)} of {code} changed lines with code were executed; {len(judged.uncounted)} have none"


def _text(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8", "replace").splitlines()
    except OSError as error:
        raise IpckError(f"{shown(path)}: cannot be read: {error.strerror}: name the patched tree by --source") from None
