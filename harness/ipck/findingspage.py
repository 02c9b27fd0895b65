"""The page of the findings: what is wrong in released implementations, from the texts in reports/findings."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from .findings import Finding
from .tree import ROOT
from .visible import visible

if TYPE_CHECKING:
    from .rows import Row

FOLDER = ROOT / "reports" / "findings"
_REFERENCE = re.compile(r"reports/findings/([A-Za-z0-9_-]+)\.md")
_BAR = re.compile(r"(?<!\\)\|")
_CODE_INDENT = "    "
_CODE = re.compile(r"`([^`]+)`")


@dataclass(frozen=True, slots=True)
class Text:
    """A finding as its file says it."""

    name: str
    subject: str  # the implementation
    title: str
    facts: Mapping[str, str]  # the table at its top
    body: Markup


@dataclass(frozen=True, slots=True)
class Entry:
    """A finding with the rows that show it in this run."""

    text: Text
    rows: tuple["Row", ...]

    @property
    def anchor(self) -> str:
        """The finding's fragment."""
        return "finding:" + self.text.name


@dataclass(frozen=True, slots=True)
class FindingsPage:
    """All findings by implementation."""

    subjects: tuple[tuple[str, tuple[Entry, ...]], ...]

    @property
    def total(self) -> int:
        """How many there are."""
        return sum(len(entries) for _, entries in self.subjects)

    @property
    def seen(self) -> int:
        """Those that this run shows."""
        return sum(bool(entry.rows) for _, entries in self.subjects for entry in entries)


def load(folder: Path = FOLDER) -> tuple[Text, ...]:
    """The findings in FOLDER, by name."""
    return tuple(parse(path.stem, path.read_text("utf-8")) for path in sorted(folder.glob("*.md")))


def page_of(texts: Iterable[Text], rows: Sequence["Row"]) -> FindingsPage:
    """The findings, each with the ROWS whose known deviations refer to it."""
    named: dict[str, list[Row]] = {}
    for row in rows:
        for name in dict.fromkeys(name for finding in row.findings for name in names_in(_reference(finding))):
            named.setdefault(name, []).append(row)
    subjects: dict[str, list[Entry]] = {}
    for text in texts:
        subjects.setdefault(text.subject, []).append(Entry(text, tuple(named.get(text.name, ()))))
    return FindingsPage(tuple((subject, tuple(entries)) for subject, entries in sorted(subjects.items())))


def names_in(reference: str) -> list[str]:
    """The findings that a deviation's REFERENCE names."""
    return _REFERENCE.findall(reference)


def linked(reference: str, page: str, known: Iterable[str]) -> Markup:
    """REFERENCE with a link to each finding that is KNOWN."""
    names = set(known)
    reference = visible(reference)
    parts = []
    rest = 0
    for found in _REFERENCE.finditer(reference):
        if found[1] in names:
            parts.append(escape(reference[slice(rest, found.start())]))
            parts.append(Markup(f'<a href="{page}#finding:{found[1]}">{found[1]}</a>'))
            rest = found.end()
    return Markup("").join([*parts, escape(reference[rest:])])


def parse(name: str, text: str) -> Text:
    """A finding from the TEXT of its file: a title `IMPLEMENTATION: WHAT`, a table of two columns, then the rest."""
    title, _, rest = text.partition("\n")
    subject, _, what = title.removeprefix("# ").partition(": ")
    blocks = _blocks(rest)
    facts: dict[str, str] = {}
    if blocks and blocks[0].startswith("|"):
        facts = {row[0]: row[1] for row in _table(blocks.pop(0)) if len(row) == 2 and row[0]}
    return Text(name, subject, what or subject, facts, _rendered(blocks))


def inline(text: str) -> Markup:
    """TEXT of a line, with what stands between backquotes as code."""
    parts = _CODE.split(visible(text))
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number % 2 else escape(part) for number, part in enumerate(parts)
    )


def _rendered(blocks: Iterable[str]) -> Markup:
    """The little of Markdown that the findings use: headings, code, tables, lists, paragraphs."""
    parts = []
    for block in blocks:
        lines = block.splitlines()
        first = lines[0]
        if first.startswith("#"):
            parts.append(Markup("<h4>{}</h4>").format(inline(first.lstrip("# "))))
            if lines[1:]:
                parts.append(_rendered(["\n".join(lines[1:])]))
        elif first.startswith(_CODE_INDENT):
            parts.append(Markup("<pre>{}</pre>").format(visible("\n".join(line[4:] for line in lines))))
        elif first.startswith("|"):
            cells = (Markup("").join(Markup("<td>{}").format(inline(cell)) for cell in row) for row in _table(block))
            parts.append(Markup("<table>{}</table>").format(Markup("").join(Markup("<tr>") + row for row in cells)))
        elif re.match(r"[-*] ", first):
            items = re.split(r"(?:^|\n)[-*] ", block)[1:]
            said = Markup("").join(Markup("<li>{}").format(inline(item)) for item in items)
            parts.append(Markup("<ul>{}</ul>").format(said))
        else:
            parts.append(Markup("<p>{}</p>").format(inline(block)))
    return Markup("\n").join(parts)


def _blocks(text: str) -> list[str]:
    """What blank lines part; those inside of code part nothing."""
    blocks: list[str] = []
    for block in filter(str.strip, re.split(r"\n[ \t]*(?=\n)", text)):
        block = block.strip("\n")
        if blocks and block.startswith(_CODE_INDENT) and blocks[-1].startswith(_CODE_INDENT):
            blocks[-1] += f"\n\n{block}"
        else:
            blocks.append(block)
    return blocks


def _table(block: str) -> list[list[str]]:
    """The rows of a table, without the line that parts the head from the rest."""
    lines = [line for line in block.splitlines() if not re.fullmatch(r"[| :-]*", line)]
    return [[cell.strip() for cell in _BAR.split(line.strip().strip("|"))] for line in lines]


def _reference(finding: Finding) -> str:
    return finding.deviation.reference if finding.deviation else ""
