"""The lecture notes: what their table must look like, and the page that is made of it."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from ipck import catalogue, notes, report, targets
from ipck.catalogue import Catalogue
from ipck.errors import IpckError
from ipck.notes import Document, Notes, Statement
from ipck.publish import NOTES, OVERVIEW, PAGE, TARGETS
from ipck.results import Verdict
from ipck.tree import NOTES_FILE
from ipck.visible import visible
from stubs import CATALOGUE, World, short
from test_report import HOSTILE, Element, Reader, requirement, result, run_of, sample, target_run
from test_report import catalogue as catalogue_of

ROW = {
    "id": '"notes.adds"',
    "document": '"000.txt"',
    "statement": '"It adds."',
    "truth": '"wrong"',
    "why": '"It does not."',
    "requirements": '["semop.adds"]',
    "tests": '["sysv.sem.semop.adds"]',
    "clients": '["adder"]',
}
TOP = '[[document]]\nfile = "000.txt"\ntitle = "Adding"\nlanguage = "German"\n\n'


def file_of(*rows: dict[str, str], top: str = TOP) -> str:
    """A file of notes; row N, of eight keys, begins at line 6 + 10 * N."""
    blocks = ["[[statement]]\n" + "".join(f"{key} = {value}\n" for key, value in row.items()) for row in rows]
    return top + "\n".join(blocks)


def without(*keys: str) -> dict[str, str]:
    """A row that lacks these keys."""
    return {key: value for key, value in ROW.items() if key not in keys}


def load(folder: Path, text: str) -> Notes:
    """The notes of a file with this text, beside a program called adder."""
    (folder / NOTES_FILE).write_text(text)
    (folder / "adder.c").touch()
    return notes.load(CATALOGUE, folder, folder)


def faults(folder: Path, text: str) -> tuple[str, ...]:
    """The messages about it, with the folder cut off."""
    with pytest.raises(IpckError) as caught:
        load(folder, text)
    return tuple(message.replace(f"{folder}/", "") for message in caught.value.messages)


# The table


def test_statements_stand_under_their_document_in_order(tmp_path: Path) -> None:
    top = TOP + TOP.replace("000", "001")
    rows = [ROW, ROW | {"id": '"notes.b"', "document": '"001.txt"'}, ROW | {"id": '"notes.a"'}]
    loaded = load(tmp_path, file_of(*rows, top=top))
    assert [(document.file, [row.id for row in document.statements]) for document in loaded.documents] == [
        ("000.txt", ["notes.adds", "notes.a"]),
        ("001.txt", ["notes.b"]),
    ]
    assert loaded.documents[0].statements[0] == Statement(
        "notes.adds", "000.txt", "It adds.", "wrong", "It does not.", ("semop.adds",), ("sysv.sem.semop.adds",),
        ("adder",),
    )  # fmt: skip


def test_a_true_statement_needs_no_reason(tmp_path: Path) -> None:
    (statement,) = load(tmp_path, file_of(without("why") | {"truth": '"true"'})).statements
    assert statement.why == ""


@pytest.mark.parametrize("truth", ("outdated", "wrong", "implementation-defined"))
def test_every_other_statement_needs_a_reason(truth: str, tmp_path: Path) -> None:
    text = file_of(without("why") | {"truth": f'"{truth}"'})
    assert faults(tmp_path, text) == (
        f"notes.toml:6: statement notes.adds: key 'why': is missing: say why the statement is {truth}",
    )


@pytest.mark.parametrize("kept", ("requirements", "tests", "clients"))
def test_one_kind_of_evidence_is_enough(kept: str, tmp_path: Path) -> None:
    dropped = [key for key in ("requirements", "tests", "clients") if key != kept]
    assert load(tmp_path, file_of(without(*dropped))).statements


def test_a_statement_without_evidence_says_why_there_is_none(tmp_path: Path) -> None:
    bare = without("requirements", "tests", "clients")
    assert load(tmp_path, file_of(bare | {"untestable": '"a matter of taste"'})).statements
    assert faults(tmp_path, file_of(bare)) == (
        "notes.toml:6: statement notes.adds: has no evidence: give requirements, tests, clients, or the reason as "
        "untestable",
    )
    assert faults(tmp_path, file_of(ROW | {"untestable": '"a matter of taste"'})) == (
        "notes.toml:15: statement notes.adds: key 'untestable': contradicts the evidence: remove one of the two",
    )


@pytest.mark.parametrize(
    ("change", "line", "problem"),
    [
        ({"requirements": '["semop.adds", "semop.lost"]'}, 12, "key 'requirements': 'semop.lost' is not in the catalo"),
        ({"document": '"002.txt"'}, 8, "key 'document': '002.txt' is no [[document]] of this file"),
        ({"clients": '["subtractor"]'}, 14, "key 'clients': 'subtractor' is no program of fault/clients"),
        ({"truth": '"maybe"'}, 10, "key 'truth': is 'maybe', must be one of: true, outdated, wrong, implementation-de"),
        ({"statement": '" "'}, 9, "key 'statement': must be a non-empty string"),
        ({"why": '""'}, 11, "key 'why': must be a non-empty string"),
        ({"tests": "[]"}, 13, "key 'tests': must be a list of non-empty strings, and is left out where there is none"),
        ({"tests": '["a", ""]'}, 13, "key 'tests': must be a list of non-empty strings"),
        ({"tests": '["a", "a"]'}, 13, "key 'tests': names one thing twice"),
        ({"tests": '"a"'}, 13, "key 'tests': must be a list of non-empty strings"),
        ({"author": '"me"'}, 15, "key 'author': is unknown; known: id, document, statement, truth"),
    ],
    ids=short,
)
def test_bad_value_is_named_with_line_and_key(change: dict[str, str], line: int, problem: str, tmp_path: Path) -> None:
    (message,) = faults(tmp_path, file_of(ROW | change))
    assert message.startswith(f"notes.toml:{line}: statement notes.adds: {problem}")


@pytest.mark.parametrize("key", ("id", "document", "statement", "truth"))
def test_missing_key_is_named_at_its_row(key: str, tmp_path: Path) -> None:
    (message,) = faults(tmp_path, file_of(ROW | {"id": '"notes.first"'}, without(key)))
    name = "number 2" if key == "id" else "notes.adds"
    assert message == f"notes.toml:16: statement {name}: key '{key}': is missing"


def test_an_id_is_given_once(tmp_path: Path) -> None:
    assert faults(tmp_path, file_of(ROW, ROW)) == (
        "notes.toml:17: statement notes.adds: key 'id': is taken already in line 7",
    )


def test_a_document_is_named_once(tmp_path: Path) -> None:
    assert faults(tmp_path, file_of(ROW, top=TOP + TOP)) == (
        "notes.toml:7: document 000.txt: key 'file': is taken already in line 2",
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TOP, "notes.toml:1: key 'statement': is missing"),
        ("statement = 3\ndocument = []\n", "notes.toml:2: key 'document': must be one or more [[document]] tables"),
        (
            TOP.replace("language", "tongue") + file_of(ROW, top=""),
            "notes.toml:4: document number 1: key 'tongue': is unknown; known: file, title, language",
        ),
        (TOP + "[[statement]\n", "notes.toml:6: Expected ']]'"),
        (TOP + '[[statement]]\nid = "a\n', "notes.toml:7: Illegal character"),
    ],
    ids=short,
)
def test_a_broken_file_is_named_with_its_line(text: str, message: str, tmp_path: Path) -> None:
    assert any(found.startswith(message) for found in faults(tmp_path, text)), faults(tmp_path, text)


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    second = without("why") | {"id": '"notes.b"', "requirements": '["semop.lost"]'}
    assert len(faults(tmp_path, file_of(ROW | {"document": '"002.txt"'}, second))) == 3


def test_no_file_is_no_notes(tmp_path: Path) -> None:
    assert notes.load(CATALOGUE, tmp_path) == Notes()


def test_the_catalogue_leaves_the_file_alone(world: World) -> None:
    rows = catalogue.load(world.requirements)
    (world.requirements / NOTES_FILE).write_text("[[statement]]\n")
    assert catalogue.load(world.requirements) == rows
    done = world.ipck("catalogue")
    assert done.returncode == 2
    assert "notes.toml:1: key 'document': is missing" in done.stderr


def test_a_run_does_not_begin_with_bad_notes(world: World) -> None:
    world.program()
    (world.requirements / NOTES_FILE).write_text(file_of(without("clients") | {"requirements": '["semop.lost"]'}))
    done = world.ipck("run")
    assert done.returncode == 2
    assert "notes.toml:12: statement notes.adds: key 'requirements': 'semop.lost' is not in the catalogue" in (
        done.stdout + done.stderr
    )


def test_unknown_tests_are_named() -> None:
    row = Statement("notes.adds", "000.txt", "It adds.", "true", tests=("sysv.sem.a", "sysv.sem.b.*", "sysv.sem.c"))
    known = ("sysv.sem.a.libc", "sysv.sem.a.raw", "sysv.sem.b.one")
    found = notes.unknown_tests(Notes((Document("000.txt", "Adding", "German", (row,)),)), known)
    assert found == ["notes.adds names the unknown test 'sysv.sem.c'"]


def test_own_notes_are_whole() -> None:
    rows = catalogue.load()
    own = notes.load(rows)
    assert len(own.documents) == 5
    assert len(own.statements) > 200
    assert {statement.truth for statement in own.statements} == set(notes.TRUTHS)
    assert all(document.statements for document in own.documents)
    listed = [test.id for test in targets.list_tests(targets.TARGETS["host-glibc"], rows)]
    assert notes.unknown_tests(own, listed) == []


# The page


def judged() -> tuple[Notes, Catalogue, Element]:
    """Four statements about what two targets judged, and the page."""
    rows = catalogue_of(
        requirement("semop.a"), requirement("semop.b"), requirement("semop.c", untestable="needs a broken clock")
    )
    statements = (
        Statement("notes.a", "000.txt", "It adds.", "true", requirements=("semop.a",)),
        Statement("notes.b", "000.txt", "It never fails.", "wrong", "It can.", ("semop.a", "semop.b"), ("sysv.x",)),
        Statement("notes.c", "001.txt", "It is loved.", "outdated", "No more.", untestable="a matter of taste"),
        Statement("notes.d", "001.txt", "It is slow.", "implementation-defined", "Who?", ("semop.c",), clients=("x",)),
    )
    said = Notes(
        (
            Document("000.txt", "Adding", "German", statements[:2]),
            Document("001.txt", "Feeling", "Polish", statements[2:]),
        )
    )
    run = run_of(
        target_run("host-glibc", result("host-glibc", Verdict("semop.a", "pass"), Verdict("semop.b", "fail"))),
        target_run("host-musl", result("host-musl", Verdict("semop.a", "pass"))),
    )
    return said, rows, Reader(report.render(run, rows, said)[NOTES]).top


def statement_of(page: Element, name: str) -> Element:
    """A statement's part of the page."""
    return next(part for part in page.all("article") if part.attributes["id"] == f"note:{name}")


def test_a_statement_has_its_truth_as_a_word_and_its_reason() -> None:
    said, _, page = judged()
    looks = set()
    for statement in said.statements:
        part = statement_of(page, statement.id)
        mark = part.one("p", "truth").one("i")
        assert mark.text == statement.truth
        looks.add(mark.attributes["class"])
        assert statement.statement in part.text and statement.why in part.text
    assert len(looks) == 4


def test_evidence_is_linked_and_has_a_cell_for_each_target() -> None:
    _, _, page = judged()
    lines = statement_of(page, "notes.b").all("li")
    assert [line.one("a").attributes["href"] for line in lines] == [f"{PAGE}#semop.a", f"{PAGE}#semop.b"]
    assert [[cell.text for cell in line.one("span", "c").all("i")] for line in lines] == [["✓", "✓"], ["F", "·"]]
    assert [line.one("span", "vh").text.strip() for line in lines] == ["pass", "fail: host-glibc"]
    assert "test sysv.x" in statement_of(page, "notes.b").text
    assert "program x" in statement_of(page, "notes.d").text
    assert "– untestable" in statement_of(page, "notes.d").text
    assert "Untestable: a matter of taste" in statement_of(page, "notes.c").text


def test_counts_stand_at_the_top() -> None:
    _, _, page = judged()
    assert page.one("h1").text == "4 statements of 2 documents"
    legend = page.one("ul", "legend").text.split()
    assert legend == ["true", "1", "outdated", "1", "wrong", "1", "implementation-defined", "1"]
    rows = [[cell.text.strip() for cell in row.all("td")] for row in page.one("table").all("tr")]
    assert rows == [
        [],
        ["2", "1", "0", "1", "0", "2", "0"],
        ["2", "0", "1", "0", "1", "0", "1"],
        ["4", "1", "1", "1", "1", "2", "1"],
    ]
    assert "000.txt · German · 1 true, 1 wrong" in page.text


def test_the_pages_link_to_each_other() -> None:
    said, rows, _ = judged()
    pages = {name: Reader(text).top for name, text in report.render(run_of(), rows, said).items()}
    assert set(pages) == {PAGE, OVERVIEW, TARGETS, NOTES}
    anchors: set[str] = set()
    for name, page in pages.items():
        hrefs = {link.attributes["href"] for link in page.one("header").all("a")}
        assert hrefs == set(pages) - {name}
        names = [element.attributes["id"] for element in page.all() if "id" in element.attributes]
        assert len(names) == len(set(names))
        anchors |= {f"{name}#{identifier}" for identifier in names}
    for link in pages[NOTES].one("main").all("a"):
        href = link.attributes["href"]
        assert (href if href[0] != "#" else NOTES + href) in anchors


def test_without_notes_there_is_no_page() -> None:
    pages = report.render(*sample())
    assert set(pages) == {PAGE, OVERVIEW, TARGETS}
    assert not any(NOTES in page for page in pages.values())


@pytest.mark.parametrize("text", HOSTILE)
def test_text_of_the_notes_stays_text(text: str) -> None:
    rows = catalogue_of(requirement("semop.a", text))
    row = Statement(text, text, text, "wrong", text, ("semop.a",), (text,), (text,))
    plain = replace(row, id="notes.untestable", requirements=(), tests=(), clients=(), untestable=text)
    page = report.render(run_of(), rows, Notes((Document(text, text, text, (row, plain)),)))[NOTES]
    page.encode("utf-8")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page)
    top = Reader(page).top
    _, _, usual = judged()
    assert {element.tag for element in top.all()} <= {element.tag for element in usual.all()}
    for element in top.all():
        assert not [name for name in element.attributes if name.startswith("on") or name in ("style", "src")]
        assert element.attributes.get("href", "#").startswith(("#", PAGE, OVERVIEW, TARGETS))
    assert top.one("main").text.count(visible(text)) >= 9


def test_own_notes_make_a_page_of_bearable_size() -> None:
    rows = catalogue.load()
    page = report.render(run_of(), rows, notes.load(rows))[NOTES]
    assert len(page.encode()) < 500_000
    assert len(Reader(page).top.all("article")) == len(notes.load(rows).statements)


def test_report_writes_the_page_and_a_new_run_removes_it(world: World) -> None:
    world.program()
    (world.requirements / NOTES_FILE).write_text(file_of(without("clients")))
    assert world.ipck("run").returncode in (0, 1, 2)
    assert "It adds." in (world.out / NOTES).read_text()
    (world.out / NOTES).write_text("of an earlier run")
    assert world.ipck("report", str(world.out / "results.jsonl")).returncode in (0, 1, 2)
    assert "It adds." in (world.out / NOTES).read_text()
    (world.requirements / NOTES_FILE).unlink()
    world.ipck("run")
    assert not (world.out / NOTES).exists()
