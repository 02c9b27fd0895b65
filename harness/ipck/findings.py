"""What is worth saying about a requirement: every outcome that is no plain pass, and where it was found.

What several targets and variants say alike is said once; long texts are kept once for the whole page.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from .columns import Columns
from .results import NO_RESULT, Deviation, TestResult, Verdict
from .targets import without_variant

FIELD_LIMIT = 1000  # characters of one expression, value or reason
OUTPUT_LIMIT = 4000  # characters of one test's output
OUTPUTS_LIMIT = 300_000  # characters of all outputs, so that a run that fails everywhere still opens


@dataclass(frozen=True, slots=True)
class Look:
    """How an outcome is shown: never by colour alone."""

    css: str
    sign: str
    word: str
    plural: str  # as a heading above a count
    meaning: str


LOOKS: dict[str, Look] = {
    "pass": Look("p", "✓", "pass", "verified", "every check held"),
    "fail": Look("f", "F", "fail", "failed", "the implementation is wrong"),
    "fixed": Look("x", "!", "fixed", "fixed", "a listed deviation that passes now: remove it from the baseline"),
    "error": Look("e", "E", "error", "errors", "the suite could not decide"),
    "known": Look("k", "K", "known deviation", "known", "deviates as the target's baseline says"),
    "skip": Look("s", "U", "unsupported", "unsupported", "the target lacks what the test needs"),
    "untested": Look("n", "·", "untested", "untested", "no test judged it in this run"),
    "untestable": Look("z", "–", "untestable", "untestable", "no test can judge it, for the reason given"),
}
ATTENTION = ("fail", "fixed", "error", "known")
SEVERITY = ("fail", "fixed", "error", "known", "pass", "skip", "untested")


@dataclass(frozen=True, slots=True)
class Output:
    """A long text at the end of the page, kept once and linked to."""

    number: int
    title: str
    text: str


@dataclass(slots=True)
class Outputs:
    """The long texts of the page, each once, up to a budget."""

    items: list[Output] = field(default_factory=list)
    _numbers: dict[str, int] = field(default_factory=dict)
    _room: int = OUTPUTS_LIMIT

    def add(self, title: str, text: str) -> int:
        """The number of TEXT on the page; 0 when there is no room left for it."""
        text = cut(text.rstrip("\n"), OUTPUT_LIMIT)
        if text not in self._numbers:
            if len(text) > self._room:
                return 0
            self._room -= len(text)
            self._numbers[text] = len(self.items) + 1
            self.items.append(Output(len(self.items) + 1, title, text))
        return self._numbers[text]


@dataclass(frozen=True, slots=True)
class Link:
    """A reference to an output; number 0 when the output was left out."""

    label: str
    number: int


@dataclass(frozen=True, slots=True)
class Said:
    """Something that was said of a check, each distinct text with the places it is true of ("" for all)."""

    label: str
    texts: tuple[tuple[str, str], ...]
    code: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing worth saying about a requirement, and all the places where it was found."""

    look: Look
    test: str  # without the variant; empty when the requirement has one test only
    places: str
    said: tuple[Said, ...]
    where: str
    deviation: Deviation | None
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Heard:
    """One verdict with the target and the test it came from."""

    column: int
    test: TestResult
    verdict: Verdict


def gravest(outcomes: Iterable[str]) -> str:
    """The outcome that speaks for several; one that could not judge does not spoil the verdict of those that could."""
    return min(outcomes, key=SEVERITY.index, default="untested")


def cut(text: str, limit: int) -> str:
    """TEXT, or its beginning and end when it is longer than LIMIT."""
    if len(text) <= limit:
        return text
    tail = limit // 3
    gone = len(text) - limit
    return f"{text[: limit - tail]}\n[{gone} characters left out: see results.jsonl]\n{text[len(text) - tail:]}"


def split_variant(test: str) -> tuple[str, str]:
    """A test's id without its variant, and the variant (empty when it has none)."""
    base = without_variant(test)
    return base, test[len(base):].lstrip(".")


def findings_of(
    heard: Sequence[Heard], columns: Columns, several: bool, differ: bool, outputs: Outputs
) -> tuple[Finding, ...]:
    """All that is to be said of a requirement on the targets, the gravest first.

    SEVERAL: more than one test verifies the requirement, so that each finding names its test. DIFFER: some targets
    deviate and others do not, so that those which hold are named as well.
    """
    alike: dict[tuple[object, ...], list[Heard]] = {}
    for item in heard:
        verdict = item.verdict
        if verdict.outcome != "pass":
            key = (
                verdict.outcome, split_variant(item.test.test)[0], verdict.where, verdict.expression, verdict.wanted,
                verdict.row, verdict.deviation, reason_of(item),
            )  # fmt: skip
            alike.setdefault(key, []).append(item)
        elif verdict.observed or differ:
            alike.setdefault(("pass",), []).append(item)
    findings = []
    wanted = {(item.verdict.wanted, item.verdict.row) for item in heard if item.verdict.got}
    for items in sorted(alike.values(), key=lambda items: SEVERITY.index(items[0].verdict.outcome)):
        test, verdict = items[0].test, items[0].verdict
        passed = verdict.outcome == "pass"
        findings.append(
            Finding(
                look=LOOKS[verdict.outcome],
                test=split_variant(test.test)[0] if several and not passed else "",
                places=_places(items, heard, columns),
                said=_said(items, heard, columns, wanted if differ else frozenset()),
                where="" if passed else verdict.where,
                deviation=verdict.deviation,
                links=() if passed else links_of(items, columns.names, outputs),
            )
        )
    return tuple(findings)


def reason_of(item: Heard) -> str:
    """Why there is no better verdict: the requirement's own reason, else the first line of the test's."""
    own = item.verdict.reason or (item.test.reason if item.verdict.outcome in ("error", "skip") else "")
    line = own.partition("\n")[0]
    return f"{item.test.status}: {line}" if line and item.test.status in {"timeout", *NO_RESULT} else line


def _said(
    items: Sequence[Heard], heard: Sequence[Heard], columns: Columns, wanted: Collection[tuple[str, str]]
) -> tuple[Said, ...]:
    """What the checks of ITEMS said, in the order in which it is read; WANTED is what those that hold have given."""
    verdict = items[0].verdict
    observed = _distinct("observed", [(item.verdict.observed, item) for item in items], heard, columns)
    if verdict.outcome == "pass":
        got = next(iter(wanted))[0] if len(wanted) == 1 else ""
        held = (_alike("got", f"{got} as wanted" if got else "", code=True),)
        return tuple(line for line in (*held, observed) if line.texts)
    missing = "declared by the test, no verdict" if verdict.verdict == "missing" else ""
    said = (
        _alike("table row", verdict.row),
        _alike("check", verdict.expression, code=True),
        _alike("wanted", verdict.wanted, code=True),
        _distinct("got", [(item.verdict.got, item) for item in items], heard, columns, code=True),
        observed,
        _alike("reason", reason_of(items[0]) or missing),
    )
    return tuple(line for line in said if line.texts)


def _alike(label: str, text: str, code: bool = False) -> Said:
    return Said(label, ((cut(text, FIELD_LIMIT), ""),) if text else (), code)


def _distinct(
    label: str, texts: Iterable[tuple[str, Heard]], heard: Sequence[Heard], columns: Columns, code: bool = False
) -> Said:
    """Each of TEXTS once, with its places when there are several."""
    found: dict[str, list[Heard]] = {}
    for text, item in texts:
        found.setdefault(cut(text, FIELD_LIMIT), []).append(item)
    places = {text: _places(items, heard, columns) if len(found) > 1 else "" for text, items in found.items() if text}
    return Said(label, tuple(places.items()), code)


def _places(items: Sequence[Heard], heard: Sequence[Heard], columns: Columns) -> str:
    """Where something was found: targets, each with the variants unless it is all that ran there."""
    whole_columns: set[int] = set()
    parts: dict[str, list[str]] = {}
    for column in sorted({item.column for item in items}):
        found = {split_variant(item.test.test) for item in items if item.column == column}
        bases = {base for base, _ in found}
        ran = {split_variant(item.test.test) for item in heard if item.column == column}
        whole = found == {test for test in ran if test[0] in bases}
        variants = [f"{variant} only" for _, variant in found if variant]
        if whole or not variants:
            whole_columns.add(column)
        else:
            parts[columns.names[column]] = variants
    said = [columns.say(whole_columns, {item.column for item in heard})] if whole_columns else []
    return ", ".join([*said, *([_listed(parts)] if parts else [])])


def links_of(items: Sequence[Heard], names: Sequence[str], outputs: Outputs) -> tuple[Link, ...]:
    """What the tests printed and the states of hung processes, one link for each distinct text."""
    links: dict[tuple[str, int], dict[str, list[str]]] = {}
    for item in items:
        name, variant = names[item.column], split_variant(item.test.test)[1]
        texts = [("details", reason) for reason in (item.test.reason, item.verdict.reason) if "\n" in reason.strip()]
        for what, text in [("output", item.test.output), *texts]:
            if text.strip():
                number = outputs.add(f"{item.test.test} on {name}: {what}", text)
                links.setdefault((what, number), {}).setdefault(name, []).append(variant)
    return tuple(Link(f"{what} on {_listed(places)}", number) for (what, number), places in links.items())


def _listed(places: Mapping[str, Iterable[str]]) -> str:
    """Targets, each with the variants in brackets if there are any."""
    said = ((name, ", ".join(sorted(set(filter(None, variants))))) for name, variants in places.items())
    return ", ".join(f"{name} ({variants})" if variants else name for name, variants in said)
