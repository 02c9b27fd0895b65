"""The HTML report: nothing from outside becomes markup, nothing is left out, and the same run makes the same page."""

import base64
import hashlib
import os
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ipck import findings, report
from ipck.catalogue import AREAS, Catalogue, Interface, Requirement
from ipck.errors import IpckError
from ipck.publish import OVERVIEW, PAGE, TARGETS
from ipck.results import Deviation, Fault, Outcome, RunInfo, RunResults, TargetRun, TestResult, Verdict, worst
from ipck.visible import visible

DEVIATION = Deviation("sysv.sem.wait.eidrm", "semop.eidrm", "fail", "returns 0", "bug 1234", "1.2.3")
INFO = RunInfo(
    program="ipck-tests", flavour="glibc", compiler="gcc 12.2.0", libc="glibc 2.36", kernel="Linux 6.18.44",
    machine="x86_64", uid=0, user="root", isolation="namespaces", missing_capabilities=("CAP_SYS_RESOURCE",),
    limits=(("sem", "32000 1024000000 500 32000"), ("shmmni", "4096")), seed=12345, jobs=2, deadline=10.0, tests=3,
)  # fmt: skip
VOID = {"meta", "link", "input", "br", "rect"}


class Element:
    """An element of the page with everything inside."""

    def __init__(self, tag: str, attributes: dict[str, str], parent: "Element | None") -> None:
        self.tag = tag
        self.attributes = attributes
        self.parent = parent
        self.children: list[Element] = []
        self.parts: list[str | Element] = []

    @property
    def text(self) -> str:
        """All text inside."""
        return "".join(part if isinstance(part, str) else part.text for part in self.parts)

    def all(self, tag: str = "", css: str = "") -> "list[Element]":
        """The elements inside, in the order of the page."""
        found: list[Element] = []
        for child in self.children:
            if tag in ("", child.tag) and (not css or css in child.attributes.get("class", "").split()):
                found.append(child)
            found += child.all(tag, css)
        return found

    def one(self, tag: str = "", css: str = "") -> "Element":
        """The first of them."""
        return self.all(tag, css)[0]

    def within(self, css: str) -> bool:
        """Whether an element of that class lies around this one."""
        node = self.parent
        while node and css not in node.attributes.get("class", "").split():
            node = node.parent
        return node is not None


class Reader(HTMLParser):
    """Reads the page as a browser would, as far as the report's own markup goes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.top = self.now = Element("", {}, None)
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        while (tag, self.now.tag) in ENDED_BY and self.now.parent:
            self.now = self.now.parent
        element = Element(tag, {name: value or "" for name, value in attrs}, self.now)
        self.now.children.append(element)
        self.now.parts.append(element)
        if tag not in VOID:
            self.now = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        node = self.now
        while node.tag != tag:
            assert node.parent, f"</{tag}> closes nothing"
            node = node.parent
        self.now = node.parent or node

    def handle_data(self, data: str) -> None:
        self.now.parts.append(data)


# A start tag ends these elements, whose end tags the page leaves out.
ENDED_BY = {(new, old) for group in ("dt dd", "th td", "li") for new in group.split() for old in group.split()}
ENDED_BY |= {("tr", "td"), ("tr", "th"), ("tr", "tr")}


def requirement(name: str, statement: str = "", **more: object) -> Requirement:
    """A row of the interface that the id begins with."""
    row = Requirement(name, name.partition(".")[0], "errno", "posix-shall", statement or f"about {name}", "XSH semop")
    return replace(row, **more)


def catalogue(*rows: Requirement) -> Catalogue:
    """A catalogue of ROWS."""
    names = sorted({row.interface for row in rows})
    titles = {"semop": "semop(): semaphore operations"}
    return Catalogue(
        tuple(
            Interface(name, titles.get(name, ""), tuple(row for row in rows if row.interface == name), AREAS[1])
            for name in names
        )
    )


def result(target: str, *verdicts: Verdict, test: str = "sysv.sem.wait.eidrm.libc", **more: object) -> TestResult:
    """A test with VERDICTS on a target."""
    outcome = worst([verdict.outcome for verdict in verdicts])
    made = TestResult(target, test, outcome, outcome, "conformance/sysv/sem/wait.c", 12, verdicts=verdicts)
    return replace(made, **more)


def target_run(name: str, *tests: TestResult, **more: object) -> TargetRun:
    """A complete run of a target."""
    return replace(TargetRun(name, info=INFO, seconds=1.25, tests=tests), **more)


def run_of(*targets: TargetRun) -> RunResults:
    """A run over TARGETS."""
    return RunResults("scripts/ipck run", "d3adb33f", 12345, "2026-11-21T01:18:33+00:00", targets)


def judged(**verdicts: Verdict | None) -> RunResults:
    """One test, with a verdict for each target."""
    names = {name: name.replace("_", "-") for name in verdicts}
    return run_of(
        *(
            target_run(names[name], *([result(names[name], verdict)] if verdict else []))
            for name, verdict in verdicts.items()
        )
    )


def read(run: RunResults, rows: Catalogue) -> Element:
    """The page of a run."""
    return Reader(report.render(run, rows)[PAGE]).top


def overview(run: RunResults, rows: Catalogue) -> Element:
    """The page of counts of a run."""
    return Reader(report.render(run, rows)[OVERVIEW]).top


def row_of(page: Element, name: str) -> Element:
    """The matrix row of a requirement."""
    return next(row for row in page.all("details", "r") if row.one("code").text == name)


def sample() -> tuple[RunResults, Catalogue]:
    """One requirement for every outcome, judged on two targets."""
    outcomes: tuple[Outcome, ...] = ("skip", "known", "pass", "error", "fixed", "fail")
    rows = [requirement(f"semop.{outcome}") for outcome in outcomes]
    rows += [requirement("semop.later"), requirement("semget.never", untestable="needs a broken clock")]
    targets = []
    for name in ("host-glibc", "host-musl"):
        tests = []
        for outcome in outcomes:
            listed = DEVIATION if outcome in ("known", "fixed") else None
            verdict = Verdict(f"semop.{outcome}", outcome, got=f"{outcome} here", deviation=listed)
            tests.append(result(name, verdict, test=f"sysv.sem.wait.{outcome}.raw"))
        targets.append(target_run(name, *tests))
    return run_of(*targets), catalogue(*rows)


# Nothing from outside becomes markup


HOSTILE = (
    "</script><script>alert(1)</script>",
    "</style><style>*{display:none}</style>",
    "\"><img src=x onerror='alert(1)'>",
    "' onmouseover='alert(1)",
    "<!-- <b>bold</b> -->]]>&amp;&lt;",
    "{{ 7 * 7 }}{% raw %}{# #}",
    "javascript:alert(1)",
    "a\x00b\x1b[31mc\x0b\rd\x7fe\x85f",
    "\ud800 \udfff \uffff \U0010ffff",
    "abc\u202edcba\u2066x\u200b\ufeff",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_text_from_outside_stays_text(text: str) -> None:
    listed = Deviation(text, text, text, text, text, text)
    rows = catalogue(
        replace(requirement("semop.a", text, source=text, needs=(text,)), kind=text, level=text),
        requirement("semop.b", untestable=text),
    )
    rows = Catalogue((replace(rows.interfaces[0], title=f"semop: {text}"), Interface(text, text)))
    verdicts = [
        Verdict("semop.a", "known", text, 1, text, text, text, text, text, text, text, listed),
        Verdict(text, "fail", "fail", 1, text, text, text, text, text, text, text),
    ]
    info = RunInfo(text, text, text, text, text, text, 0, text, text, (text,), ((text, text),))
    tests = (
        result(text, *verdicts, test=text, file=text, reason=f"{text}\n{text}", output=text),
        result(text, test=text, outcome="error", status=text, reason=text),
    )
    target = target_run(text, *tests, info=info, faults=(Fault(text, text, 3),), description=text, argv=(text,))
    away = TargetRun("away", unavailable=text)
    pages = report.render(RunResults(text, text, 1, text, (target, away)), rows)
    for page in pages.values():
        page.encode("utf-8")
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page)
    assert visible(text) in Reader(pages[OVERVIEW]).top.one("table").text
    top = Reader(pages[PAGE]).top
    plain = read(*sample())
    assert {element.tag for element in top.all()} <= {element.tag for element in plain.all()} | {"br", "h3", "pre"}
    for tag in ("script", "style", "title", "h1"):
        assert len(top.all(tag)) == 1
    assert top.one("script").text == plain.one("script").text
    for element in top.all():
        assert not [name for name in element.attributes if name.startswith("on") or name in ("style", "src")]
        assert element.attributes.get("href", "#").startswith(("#", OVERVIEW, TARGETS))
    said = visible(text)
    for css, times in (("v", 2), ("facts", 6), ("problems", 1), ("targets", 2), ("h", 1)):
        assert " ".join(element.text for element in top.all("", css)).count(said) >= times, css
    assert said in top.one("pre").text and said in row_of(top, "semop.a").one("p", "m").text
    assert said in row_of(top, said).text


def test_what_a_browser_would_drop_is_spelt_out() -> None:
    assert visible("a\x00\x1b[0m\x0b\r\n\tb") == "a\\x00\\x1b[0m\\x0b\\x0d\n\tb"
    assert visible("\ud800\u202e\U0010ffff") == "\\ud800\\u202e\\U0010ffff"
    assert visible("größer ≥ 3 \N{REPLACEMENT CHARACTER} 猫") == "größer ≥ 3 \N{REPLACEMENT CHARACTER} 猫"


def test_a_strange_requirement_is_shown_without_an_address() -> None:
    page = read(judged(host=Verdict('x" y', "fail")), catalogue(requirement("semop.a")))
    row = row_of(page, 'x" y')
    assert "id" not in row.attributes
    assert "not in the catalogue" in row.text
    assert row.one("i").text == "F"


# One page, no network, the same bytes


def test_the_pages_refer_to_each_other_only() -> None:
    run, rows = sample()
    run = replace(run, targets=(replace(run.targets[0], tests=(
        result("host-glibc", Verdict("semop.fail", "fail"), output="https://example.org/"),
    )),))  # fmt: skip
    pages = {name: Reader(text).top for name, text in report.render(run, rows).items()}
    targets: set[str] = set()
    for name, top in pages.items():
        names = [element.attributes["id"] for element in top.all() if "id" in element.attributes]
        assert len(names) == len(set(names))
        targets.update(f"{name}#{fragment}" for fragment in ("", *names))
    for name, top in pages.items():
        links = [element.attributes["href"] for element in top.all() if "href" in element.attributes]
        whole = [link if "#" in link else f"{link}#" for link in links]
        assert links and {name + link if link[0] == "#" else link for link in whole} <= targets
        assert not [element for element in top.all() if {"src", "srcset", "action", "data"} & set(element.attributes)]
    top = pages[PAGE]
    assert not re.search(r"url\(|@import|@font-face|fetch\(|XMLHttpRequest|//[a-z]", top.one("style").text)
    assert not re.search(r"fetch\(|XMLHttpRequest|import\(|innerHTML|eval|//[a-z]", top.one("script").text)


def test_the_policy_allows_this_style_and_script_and_nothing_else() -> None:
    page = read(*sample())
    policy = next(
        meta.attributes["content"] for meta in page.all("meta") if meta.attributes.get("http-equiv")
    )  # fmt: skip
    assert "default-src 'none'" in policy and "unsafe" not in policy
    for tag in ("style", "script"):
        digest = base64.b64encode(hashlib.sha256(page.one(tag).text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def digest() -> str:
    """Of all pages of the sample."""
    return hashlib.sha256(str(report.render(*sample())).encode()).hexdigest()


def test_the_same_run_makes_the_same_page() -> None:
    code = "import test_report as t; print(t.digest())"
    here = Path(__file__).resolve().parent
    digests = set()
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": f"{here}:{here.parent}"}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
        )  # fmt: skip
        digests.add(done.stdout)
    assert digests == {digest() + "\n"}


# Every outcome by sign and by word


@pytest.mark.parametrize("outcome", ("pass", "fail", "fixed", "error", "known", "skip"))
def test_an_outcome_has_a_sign_and_a_word(outcome: str) -> None:
    page = read(*sample())
    look = findings.LOOKS[outcome]
    row = row_of(page, f"semop.{outcome}")
    cells = row.one("span", "c").all("i")
    assert [(cell.attributes["class"], cell.text) for cell in cells] == [(look.css, look.sign)] * 2
    if outcome != "pass":
        assert f"{look.sign} {look.word} on every target" in row.one("div", "v").text
    assert f"{look.sign} 1 {look.plural}" in page.one("ul", "legend").text
    assert look.word in page.one("div", "chips").text


def test_signs_differ_without_colour() -> None:
    looks = findings.LOOKS.values()
    assert len({look.sign for look in looks}) == len({look.css for look in looks}) == len(looks)


@pytest.mark.parametrize("name, word", (("semop.later", "untested"), ("semget.never", "untestable")))
def test_a_row_without_a_verdict_says_so(name: str, word: str) -> None:
    row = row_of(read(*sample()), name)
    assert row.one("span", "c").text == f"{findings.LOOKS[word].sign} {word}"
    assert ("Untestable: needs a broken clock" in row.text) == (word == "untestable")


def test_a_target_that_did_not_run_a_test_is_named() -> None:
    run = judged(host_glibc=Verdict("semop.a", "pass"), host_musl=None)
    row = row_of(read(run, catalogue(requirement("semop.a"))), "semop.a")
    assert [cell.text for cell in row.one("span", "c").all("i")] == ["✓", "·"]
    assert "not run on host-musl" in row.text


@pytest.mark.parametrize(
    "outcomes, said",
    (
        ((), "Nothing was judged"),
        (("skip",), "Nothing was judged"),
        (("pass",), "The 1 judged requirement holds"),
        (("pass", "pass", "skip"), "All 2 judged requirements hold"),
        (("pass", "known"), "1 of 2 judged requirements hold, 1 deviate as listed"),
        (("pass", "error", "known"), "1 of 3 judged requirements could not be decided"),
        (("fixed", "error"), "1 listed deviation passes now"),
        (("fail", "pass", "error", "fixed"), "1 of 4 judged requirements fails"),
        (("fail", "fail"), "2 of 2 judged requirements fail"),
    ),
)
def test_the_headline_tells_the_worst(outcomes: tuple[Outcome, ...], said: str) -> None:
    rows = [requirement(f"semop.r{number}") for number in range(len(outcomes) + 1)]
    verdicts = [Verdict(row.id, outcome) for row, outcome in zip(rows, outcomes)]
    page = read(run_of(target_run("host", result("host", *verdicts))), catalogue(*rows))
    assert page.one("h1").text.endswith(said)
    assert page.one("title").text == f"ipck: {said}"


# What was judged, and the counts


def test_the_head_says_what_was_judged() -> None:
    facts = read(*sample()).one("dl", "facts").text
    for text in (
        "scripts/ipck run", "d3adb33f", "started2026-11-21 01:18:33 UTC", "12345", "Linux 6.18.44", "x86_64",
        "glibc 2.36", "gcc 12.2.0", "root (uid 0)", "namespaces", "CAP_SYS_RESOURCE",
    ):  # fmt: skip
        assert text in facts
    assert "host-glibc" not in facts
    nameless = [target_run("a", info=replace(INFO, user=""))]
    assert "useruid 0" in read(run_of(*nameless), catalogue(requirement("semop.a"))).one("dl", "facts").text


def numbers(row: Element) -> list[str]:
    return [cell.text.strip() for cell in row.all("td")]


def test_counts_of_interfaces_and_targets() -> None:
    page, counts = read(*sample()), overview(*sample())
    heads = counts.one("table").one("tr").all("th")
    assert [head.text.split()[-1] for head in heads[1:-1]] == [
        "total", "tested", "verified", "failed", "fixed", "errors", "known", "unsupported", "untested", "untestable",
    ]  # fmt: skip
    assert [head.text for head in heads[-1].all("b")] == ["host-glibc", "host-musl"]
    lines = {row.one("th").text.strip(): numbers(row) for row in page.all("tr") + counts.all("tr") if row.all("td")}
    assert lines["semop semaphore operations"] == ["7", "6", "1", "1", "1", "1", "1", "1", "1", "0", "F1F1"]
    assert lines["semget"] == ["1", "0", "0", "0", "0", "0", "0", "0", "0", "1", "· untested"]
    assert lines["System V semaphores"] == ["8", "6", "1", "1", "1", "1", "1", "1", "1", "1", "F1F1"]
    assert lines["all"] == lines["System V semaphores"]
    assert lines["host-musl"] == ["1", "1", "1", "1", "1", "1", "1", "6", "1.2 s"]


def test_interfaces_stand_in_their_areas_in_a_fixed_order() -> None:
    row = requirement("semop.a")
    areas = (AREAS[1], "", AREAS[0], AREAS[1])
    rows = Catalogue(tuple(Interface(f"i{i}", f"i{i}", (row,) if not i else (), area) for i, area in enumerate(areas)))
    page = overview(judged(host=Verdict("semop.a", "pass"), other=None), rows)
    heads = [row.one("th").text.strip() for row in page.all("tr")]
    assert heads == ["interface", AREAS[0], "i2", AREAS[1], "i0", "i3", "Other", "i1", "all"]


def test_a_target_that_cannot_judge_does_not_spoil_the_verdict_of_the_others() -> None:
    run = judged(host_glibc=Verdict("semop.a", "skip", reason="needs 32 bits"), host_i386=Verdict("semop.a", "pass"))
    page = read(run, catalogue(requirement("semop.a")))
    assert "All" not in page.one("h1").text and page.one("h1").text.endswith("The 1 judged requirement holds")
    assert "unsupported on host-glibc" in row_of(page, "semop.a").text
    assert "needs 32 bits" in row_of(page, "semop.a").text


# What a row tells


def test_a_failure_tells_everything() -> None:
    verdict = Verdict(
        "semop.eidrm", "fail", "fail", 2, "wait.c:33", "semop(id, &op, 1)", "-1 EIDRM", "0", "two waiters", "woke late"
    )
    rows = catalogue(requirement("semop.eidrm", "waiters get EIDRM", needs=("processes",)))
    page = read(run_of(target_run("host", result("host", verdict, output="set 7"))), rows)
    row = row_of(page, "semop.eidrm")
    assert row.attributes["id"] == "semop.eidrm"
    assert "waiters get EIDRM" in row.one("summary").text
    assert row.one("p", "m").text == "errno · POSIX shall · XSH semop · needs processes"
    assert "wait.c:33" in row.one("div", "v").text
    said = {term.text: text.text for term, text in zip(row.all("dt"), row.all("dd"))}
    assert said == {
        "table row": "two waiters", "check": "semop(id, &op, 1)", "wanted": "-1 EIDRM", "got": "0",
        "observed": "woke late",
    }  # fmt: skip
    assert row.one("li").text == "verified by sysv.sem.wait.eidrm libc conformance/sysv/sem/wait.c:12"
    assert page.one("pre").text.strip() == "set 7"
    assert row.one("a", "out").attributes["href"] == f"#{page.one('pre').attributes['id']}"


def test_a_known_deviation_is_told_with_its_reference() -> None:
    run = judged(host=Verdict("semop.eidrm", "known", deviation=DEVIATION))
    text = row_of(read(run, catalogue(requirement("semop.eidrm"))), "semop.eidrm").text
    assert "returns 0" in text and "bug 1234" in text and "1.2.3" in text


def test_what_is_the_same_everywhere_is_said_once() -> None:
    wrong = Verdict("semop.a", "fail", "fail", 1, "wait.c:33", "semop()", "-1 EIDRM", "0")
    fine = Verdict("semop.a", "pass")
    tests = {
        "a": (result("a", wrong, test="t.x.libc"), result("a", wrong, test="t.x.raw")),
        "b": (result("b", wrong, test="t.x.libc"), result("b", replace(wrong, got="1"), test="t.x.raw")),
        "c": (result("c", fine, test="t.x.libc"), result("c", wrong, test="t.x.raw")),
    }
    run = run_of(*(target_run(name, *results) for name, results in tests.items()))
    row = row_of(read(run, catalogue(requirement("semop.a"))), "semop.a")
    assert "fail on a, b, c (raw only) wait.c:33" in row.text
    assert row.text.count("-1 EIDRM") == 1
    assert [text.text for text in row.all("dd")] == ["semop()", "-1 EIDRM", "0 a, b (libc only), c (raw only)",
                                                     "1 b (raw only)"]  # fmt: skip
    run = run_of(*(target_run(name, *tests[name]) for name in "ab"))
    assert "fail on every target" in row_of(read(run, catalogue(requirement("semop.a"))), "semop.a").text


def test_each_finding_names_its_test_when_there_are_several() -> None:
    tests = (
        result("a", Verdict("semop.a", "fail"), test="t.one"), result("a", Verdict("semop.a", "error"), test="t.two"),
    )  # fmt: skip
    row = row_of(read(run_of(target_run("a", *tests)), catalogue(requirement("semop.a"))), "semop.a")
    assert [found.one("code").text for found in row.all("div", "v")] == ["t.one", "t.two"]
    assert [cell.text for cell in row.one("span", "c").all("i")] == ["F"]


def test_behaviour_that_passes_is_recorded() -> None:
    run = judged(
        a=Verdict("semop.a", "pass", observed="restarts"), b=Verdict("semop.a", "pass", observed="returns EINTR")
    )  # fmt: skip
    row = row_of(read(run, catalogue(requirement("semop.a", level="posix-may"))), "semop.a")
    assert [text.text for text in row.all("dd")] == ["restarts a", "returns EINTR b"]
    assert "POSIX may" in row.one("p", "m").text


def test_a_time_out_shows_the_state_of_the_hung_processes() -> None:
    test = result("a", Verdict("semop.a", "error", "missing"), status="timeout", reason="10 s\npid 7: state S\n")
    page = read(run_of(target_run("a", test)), catalogue(requirement("semop.a")))
    row = row_of(page, "semop.a")
    assert "timeout: 10 s" in row.one("div", "v").text
    assert row.one("a", "out").text == "details on a (libc)"
    assert page.one("pre").text.strip() == "10 s\npid 7: state S"


def test_a_requirement_without_a_verdict_gives_the_reason() -> None:
    run = judged(a=Verdict("semop.a", "error", "missing"))
    assert "declared by the test, no verdict" in row_of(read(run, catalogue(requirement("semop.a"))), "semop.a").text


# What is open and what is folded


def sections(page: Element) -> list[str]:
    """The headings above rows."""
    return [section.one("h2").text for section in page.all("section", "sec")]


def test_what_needs_attention_comes_first_and_open_the_rest_is_folded() -> None:
    page = read(*sample())
    assert sections(page) == [
        "Deviates wherever it was judged 2 requirements", "Holds now, although listed as a deviation 1 requirement",
        "Could not be decided 1 requirement", "All interfaces",
    ]  # fmt: skip
    blocks = [group for group in page.all("details", "g") if group.attributes["id"].startswith("block:")]
    groups = [group for group in page.all("details", "g") if group.attributes["id"].startswith("group:")]
    assert all("open" in block.attributes for block in blocks)
    assert not any("open" in group.attributes for group in groups)
    assert [row.one("code").text for block in blocks for row in block.all("details", "r")] == [
        "semop.fail", "semop.known", "semop.fixed", "semop.error",
    ]  # fmt: skip
    assert [group.attributes["id"] for group in groups] == ["group:semop", "group:semget"]
    assert [link.attributes["href"] for link in groups[0].one("p", "above").all("a")] == [
        "#semop.known", "#semop.error", "#semop.fixed", "#semop.fail",
    ]  # fmt: skip
    assert [row.one("code").text for row in groups[0].all("details", "r") if row.within("fold")] == [
        "semop.pass", "semop.skip", "semop.later",
    ]  # fmt: skip
    assert [fold.one("summary").text for fold in groups[0].all("details", "fold")] == [
        "1 hold on every target that judged them", "1 unsupported", "1 untested",
    ]  # fmt: skip
    assert not any("open" in fold.attributes for fold in page.all("details", "fold"))


def test_the_group_tells_the_worst_of_each_target() -> None:
    rows = catalogue(requirement("semop.a"), requirement("semop.b"), requirement("semget.a"))
    wrong, fine = Verdict("semop.a", "fail"), Verdict("semop.b", "pass")
    run = run_of(
        target_run("a", result("a", wrong, replace(wrong, requirement="semop.b"))),
        target_run("b", result("b", replace(wrong, outcome="known"), fine)),
        target_run("c", result("c", fine)),
    )
    page = read(run, rows)
    groups = {group.attributes["id"][6:]: group.one("summary") for group in page.all("details", "g")}
    assert [cell.text for cell in groups["semop"].all("i")] == ["F2", "K1", "✓"]
    assert groups["semop"].one("span", "say").text == "semaphore operations · 2 fail"
    assert groups["semget"].one("span", "c").text == "· untested"


def test_groups_with_more_failures_come_first() -> None:
    rows = [requirement(name) for name in ("a.one", "b.one", "c.one", "c.two", "d.one")]
    outcomes: tuple[Outcome, ...] = ("pass", "fail", "fail", "fail", "known")
    verdicts = [Verdict(row.id, outcome) for row, outcome in zip(rows, outcomes)]
    page = read(run_of(target_run("a", result("a", *verdicts))), catalogue(*rows))
    names = [group.attributes["id"] for group in page.all("details", "g") if "group:" in group.attributes["id"]]
    assert names == ["group:c", "group:b", "group:d", "group:a"]


# What went wrong beside the requirements


def test_problems_of_the_run_are_told() -> None:
    lost = TestResult("b", "t.lost", "error", "lost", reason="no result came\nsignal 9")
    run = run_of(
        target_run("a", faults=(Fault("a", "not JSON: x", 17),)), target_run("b", lost, complete=False),
        TargetRun("c", unavailable="no such program", faults=(Fault("c", "cannot be run"),)),
    )  # fmt: skip
    page = read(run, catalogue(requirement("semop.a")))
    assert page.one("h1").text.endswith("The run had problems")
    problems = [" ".join(item.text.split()) for item in page.one("ul", "problems").children]
    assert problems == [
        "a line 17 of its output not JSON: x",
        "b 2 problems the run was cut short: what came before it counts t.lost lost: no result came details on b",
        "c cannot be run",
    ]  # fmt: skip
    assert "open" in page.one("ul", "problems").one("details").attributes
    assert "unavailable: no such program" in page.one("table", "targets").text
    assert [head.text for head in page.one("div", "h").all("b")] == ["a", "b"]


def test_a_test_whose_requirements_tell_is_no_problem_of_the_run() -> None:
    page = read(*sample())
    assert not page.all("ul", "problems")


def test_a_run_without_targets_still_makes_a_page() -> None:
    page = read(RunResults(), catalogue(requirement("semop.a")))
    assert page.one("h1").text.endswith("Nothing was judged")
    assert read(RunResults(), Catalogue()).one("h1").text.endswith("Nothing was judged")


# Size


def test_long_texts_are_cut_and_kept_once() -> None:
    test = result("a", Verdict("semop.a", "fail", expression="e" * 5000), Verdict("semop.b", "fail"), output="o" * 9000)
    page = read(run_of(target_run("a", test)), catalogue(requirement("semop.a"), requirement("semop.b")))
    assert "4000 characters left out: see results.jsonl" in row_of(page, "semop.a").text
    assert len(page.all("pre")) == 1
    assert "5000 characters left out: see results.jsonl" in page.one("pre").text
    assert len(page.all("a", "out")) == 2


def test_outputs_end_where_the_page_would_grow_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    outputs = findings.Outputs(_room=10)
    assert [outputs.add("a", text) for text in ("123456", "123456\n", "12345", "1234")] == [1, 1, 0, 2]
    monkeypatch.setattr(findings.Outputs, "add", lambda *_: 0)
    page = read(
        run_of(target_run("a", result("a", Verdict("semop.a", "fail"), output="x"))), catalogue(requirement("semop.a"))
    )  # fmt: skip
    assert "output on a (libc): see results.jsonl" in row_of(page, "semop.a").text
    assert not page.all("a", "out")


def test_a_large_run_stays_small() -> None:
    rows = [requirement(f"call{number % 50}.some-aspect.row-{number}", "a statement " * 9) for number in range(1256)]
    targets = []
    for column in range(12):
        tests = []
        for number, row in enumerate(rows):
            failed = (number * 7 + column * 11) % 60 == 0
            wrong = Verdict(row.id, "fail", "fail", 1, "conformance/x.c:33", "semop(id, &op, 1)", "-1 EIDRM", "0")
            verdict = wrong if failed else Verdict(row.id, "pass")
            test = f"sysv.sem.call{number % 50}_aspect.row_{number}"
            tests.append(result(f"target-{column}", verdict, test=test))
        targets.append(target_run(f"target-{column}", *tests))
    assert len(report.render(run_of(*targets), catalogue(*rows))[PAGE].encode()) < 1_500_000


# The file


def test_the_report_is_written_whole(tmp_path: Path) -> None:
    path = report.write_report(*sample(), tmp_path / "out")
    assert path == tmp_path / "out" / "index.html"
    pages = report.render(*sample())
    assert {entry.name: entry.read_text("utf-8") for entry in path.parent.iterdir()} == pages


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "out" / "index.html").mkdir(parents=True)
    with pytest.raises(IpckError, match="index.html: cannot be written: .*--out"):
        report.write_report(*sample(), tmp_path / "out")
