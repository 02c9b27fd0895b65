"""The findings: each has its place in the report, names what the catalogue and the baselines know, and is reachable."""

import fnmatch
import re
from pathlib import Path

import pytest
from test_report import HOSTILE, Reader, catalogue, judged, requirement, row_of

from ipck import catalogue as catalogues
from ipck import findingspage, report, tomlfile
from ipck.findingspage import Text
from ipck.publish import FINDINGS, PAGE
from ipck.results import Deviation, Verdict
from ipck.tree import BASELINES

SAMPLE = """# glibc: sem_open() fails with `ENOENT`

| | |
|---|---|
| requirements | `sem_open.eacces` |
| seen on | glibc 2.36 \\| musl |

## Why

A line with `code` and <b>no markup</b>,
and another.

    int main(void)
    {

            return 0;
    }

- one
- two

| version | fails |
|---|---|
| 2.36 | yes |
"""


def test_a_finding_is_read_in_its_parts() -> None:
    text = findingspage.parse("glibc-x", SAMPLE)
    assert (text.subject, text.title) == ("glibc", "sem_open() fails with `ENOENT`")
    assert text.facts == {"requirements": "`sem_open.eacces`", "seen on": "glibc 2.36 \\| musl"}
    top = Reader(text.body).top
    assert [child.tag for child in top.children] == ["h4", "p", "pre", "ul", "table"]
    assert top.one("p").text == "A line with code and <b>no markup</b>,\nand another."
    assert top.one("pre").text == "int main(void)\n{\n\n        return 0;\n}"
    assert [item.text.strip() for item in top.all("li")] == ["one", "two"]
    assert [cell.text.strip() for cell in top.all("td")] == ["version", "fails", "2.36", "yes"]


def test_a_reference_leads_to_the_finding_and_back() -> None:
    reference = "reports/findings/glibc-x.md; reports/findings/gone.md; nptl/sem_open.c"
    deviation = Deviation("t", "semop.a", "fail", "r", reference, "s")
    run = judged(host=Verdict("semop.a", "known", deviation=deviation))
    texts = [findingspage.parse("glibc-x", SAMPLE), findingspage.parse("linux-y", "# Linux: y\n\ntext\n")]
    pages = report.render(run, catalogue(requirement("semop.a")), findings=texts)
    row = row_of(Reader(pages[PAGE]).top, "semop.a")
    assert [link.attributes["href"] for link in row.all("a")] == [f"{FINDINGS}#finding:glibc-x"]
    assert "glibc-x; reports/findings/gone.md; nptl/sem_open.c" in row.text
    page = Reader(pages[FINDINGS]).top
    assert [part.attributes["id"] for part in page.all("div", "d")] == ["finding:linux-y", "finding:glibc-x"]
    assert "1 of them" in page.one("header").text and page.one("h1").text == "2 findings"
    assert [link.attributes["href"] for link in page.one("main").all("a")] == [f"{PAGE}#semop.a"]


def test_without_findings_there_is_no_page() -> None:
    pages = report.render(judged(host=None), catalogue(requirement("semop.a")))
    assert FINDINGS not in pages and not any(FINDINGS in page for page in pages.values())


@pytest.mark.parametrize("text", HOSTILE)
def test_text_of_a_finding_stays_text(text: str) -> None:
    finding = findingspage.parse("x", f"# {text}: {text}\n\n| {text} | {text} |\n\n## {text}\n\n{text}\n\n    {text}\n")
    page = report.render(judged(host=None), catalogue(requirement("semop.a")), findings=[finding])[FINDINGS]
    page.encode("utf-8")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page)
    top = Reader(page).top
    assert not top.all("script") and len(top.all("style")) == 1 and not top.all("img")
    for element in top.all():
        assert not [name for name in element.attributes if name.startswith("on") or name in ("style", "src")]


# The findings in the tree


OURS = findingspage.load()
KNOWN = [row.id for row in catalogues.load()]


@pytest.mark.parametrize("text", OURS, ids=[text.name for text in OURS])
def test_a_finding_has_what_a_reader_looks_for(text: Text) -> None:
    assert text.subject and text.title != text.subject
    assert text.name.startswith(text.subject.lower().split()[0])
    assert {"promised", "seen on", "effect"} <= text.facts.keys()
    assert "<pre>" in text.body  # a program that shows it
    for names in (value for name, value in text.facts.items() if name.startswith("requirement")):
        assert not [name for name in re.findall(r"`([^`]+)`", names) if not fnmatch.filter(KNOWN, name)]


def test_baselines_refer_to_findings_that_exist() -> None:
    named = {
        name
        for path in BASELINES.glob("*.toml")
        for row in tomlfile.read(path).data.get("deviation", [])
        for name in findingspage.names_in(row["reference"])
    }
    assert named <= {text.name for text in OURS}


def test_the_page_holds_all_findings(tmp_path: Path) -> None:
    page = report.render(judged(host=None), catalogue(requirement("semop.a")), findings=OURS)[FINDINGS]
    assert len(OURS) == len(list(findingspage.FOLDER.glob("*.md"))) == len(Reader(page).top.all("details", "g"))
    assert findingspage.load(tmp_path) == ()
