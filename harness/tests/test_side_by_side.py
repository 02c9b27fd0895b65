"""Many targets side by side: who disagrees with whom, what those have in common, and what is known of each."""

import re
from dataclasses import replace

import pytest
from test_report import INFO, Element, Reader, catalogue, judged, read, requirement, result, row_of, run_of, target_run

from ipck import report
from ipck.columns import Columns, columns_of
from ipck.differences import reasons
from ipck.publish import NOTES, OVERVIEW, PAGE, TARGETS
from ipck.results import Deviation, Outcome, RunResults, TargetRun, Verdict

PASS: list[Outcome] = ["pass"]
FAIL: list[Outcome] = ["fail"]
ROWS = catalogue(requirement("semop.a"), requirement("semop.b"), requirement("semop.c"))


def kind(name: str, *targets: str, **info: object) -> list[TargetRun]:
    """Targets of one kind that ran nothing."""
    return [target_run(target, kind=name, info=replace(INFO, **info)) for target in targets]


def eleven() -> list[TargetRun]:
    """Three kinds of targets."""
    return [
        *kind("host", "host-glibc", "host-musl"),
        *kind("qemu-user", *(f"qemu-user-{name}" for name in ("arm", "mips", "ppc", "s390x", "sparc"))),
        *kind("kernels", *(f"qemu-{name}" for name in ("5.10", "6.1", "6.12", "7.2"))),
    ]


def matrix(*outcomes: Outcome | None, names: str = "semop.a") -> RunResults:
    """Eleven targets, one outcome each for all the requirements NAMES; None is no verdict."""
    runs = []
    for run, outcome in zip(eleven(), outcomes):
        wanted, got = ("0", "-1 EINVAL") if outcome in ("fail", "known") else ("", "")
        rows = names.split() if outcome else []
        verdicts = [Verdict(name, outcome, outcome, wanted=wanted, got=got) for name in rows if outcome]
        runs.append(replace(run, tests=(result(run.target, *verdicts),) if verdicts else ()))
    return run_of(*runs)


def blocks(page: Element) -> list[tuple[str, str, list[str]]]:
    """Name, heading and rows of the blocks above the interfaces."""
    return [
        (block.one("code").text, block.one("span", "say").text, [row.one("code").text for row in block.all("", "r")])
        for block in page.all("details", "g")
        if block.attributes["id"].startswith("block:")
    ]


# Columns


def test_targets_of_a_kind_stand_side_by_side() -> None:
    runs = eleven()
    columns = columns_of(run_of(runs[3], runs[0], runs[8], runs[4], runs[1], TargetRun("x", unavailable="no")))
    assert columns.names == ("qemu-user-mips", "qemu-user-ppc", "host-glibc", "host-musl", "qemu-6.1")
    assert [(kind.name, kind.first, len(kind.names)) for kind in columns.kinds] == [
        ("qemu-user", 0, 2), ("host", 2, 2), ("kernels", 4, 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("argv", "kind"), [((), "host"), (("/b/ipck-tests",), "host"), (("/usr/bin/runsc", "do", "/b/ipck-tests"), "runsc")]
)
def test_results_without_a_kind_tell_it_by_the_command(argv: tuple[str, ...], kind: str) -> None:
    assert [one.name for one in columns_of(run_of(target_run("a", argv=argv))).kinds] == [kind]


def test_what_the_names_of_a_kind_have_in_common_is_said_once() -> None:
    heads = [(kind.head, kind.tails[:2]) for kind in Columns(tuple(eleven())).kinds]
    assert heads == [("", ("host-glibc", "host-musl")), ("qemu-user-", ("arm", "mips")), ("qemu-", ("5.10", "6.1"))]


@pytest.mark.parametrize(
    ("columns", "among", "said"),
    [
        ((0,), range(11), "host-glibc"),
        (range(11), range(11), "every target"),
        ((0,), (0,), "host-glibc"),
        ((0, 2, 3), range(11), "host-glibc, qemu-user-arm, qemu-user-mips"),
        (range(2, 7), range(11), "qemu-user (all 5)"),
        ((0, 7, 8, 9, 10), range(11), "host-glibc, kernels (all 4)"),
        (range(1, 11), range(11), "every target but host-glibc"),
        (range(2, 7), (0, *range(2, 7)), "every target but host-glibc"),
    ],
)
def test_targets_are_said_in_few_words(columns: range, among: range, said: str) -> None:
    assert Columns(tuple(eleven())).say(columns, among) == said


# Where targets differ


def test_rows_are_put_together_by_who_deviates_the_gravest_first() -> None:
    first = matrix("known", *PASS * 10, names="semop.a semop.b")
    second = matrix(*PASS * 10, "fail", names="semop.c")
    runs = [replace(one, tests=one.tests + two.tests) for one, two in zip(first.targets, second.targets)]
    page = read(run_of(*runs), ROWS)
    assert [(name, rows) for name, _, rows in blocks(page)] == [
        ("qemu-7.2", ["semop.c"]), ("host-glibc", ["semop.a", "semop.b"]),
    ]  # fmt: skip
    assert [section.one("h2").text for section in page.all("section", "sec")] == [
        "Where targets differ 3 requirements", "All interfaces",
    ]  # fmt: skip
    assert "≠ 3 differ between 11 targets" in page.one("ul", "legend").text
    assert page.one("p", "worst").text == "F Failures on qemu-7.2 1"


def test_what_could_not_judge_takes_no_side() -> None:
    page = read(matrix("fail", "skip", None, "error", *PASS * 7), ROWS)
    assert [name for name, _, _ in blocks(page)] == ["host-glibc"]
    assert "differ" in page.one("section", "sec").one("h2").text
    assert "wherever" in read(matrix("fail", "skip", "error"), ROWS).one("section", "sec").one("h2").text


def test_both_sides_stand_beside_each_other() -> None:
    deviation = Deviation("t", "semop.a", "fail", "an old bug", "reports/findings/x.md; ipc/sem.c", "5.10")
    run = matrix("pass", "pass", *FAIL * 5, *PASS * 4)
    known = Verdict("semop.a", "known", "fail", 1, "t.c:3", "semop()", "0", "-1 ENOSYS", deviation=deviation)
    targets = [*run.targets]
    targets[3] = replace(targets[3], tests=(result(targets[3].target, known),))
    row = row_of(read(replace(run, targets=tuple(targets)), ROWS), "semop.a")
    said = [" ".join(found.text.split()) for found in row.all("div", "v")]
    assert said[0].startswith("F fail on qemu-user-arm, qemu-user-ppc, qemu-user-s390x, qemu-user-sparc")
    assert said[0].endswith("wanted0got-1 EINVAL")
    assert said[1].startswith("K known deviation on qemu-user-mips t.c:3") and "got-1 ENOSYS" in said[1]
    assert "baselinean old bugreferencereports/findings/x.md; ipc/sem.csince5.10" in said[1]
    assert said[2] == "✓ pass on host-glibc, host-musl, kernels (all 4) got0 as wanted"
    assert row.one("span", "vh").text == (
        "fail: qemu-user-arm, qemu-user-ppc, qemu-user-s390x, qemu-user-sparc; known deviation: qemu-user-mips"
    )


def test_deviations_in_different_ways_are_a_disagreement() -> None:
    run = judged(a=Verdict("semop.a", "fail", got="-1 EACCES"), b=Verdict("semop.a", "fail", got="-1 ENOENT"))
    page = read(run, ROWS)
    assert "differ" in page.one("section", "sec").one("h2").text
    assert blocks(page)[0][:2] == ("every target", "1 fail · each in its own way")
    assert [text.text for text in row_of(page, "semop.a").all("dd")] == ["-1 EACCES a", "-1 ENOENT b"]
    same = judged(a=Verdict("semop.a", "fail", got="0"), b=Verdict("semop.a", "fail", got="0"))
    assert "wherever" in read(same, ROWS).one("section", "sec").one("h2").text


def test_answers_to_what_is_left_open_stand_side_by_side() -> None:
    run = judged(a=Verdict("semop.a", "pass", observed="restarts"), b=Verdict("semop.a", "pass", observed="EINTR"))
    page = read(run, ROWS)
    assert "Left open" in page.one("section", "sec").one("h2").text
    assert [text.text for text in row_of(page, "semop.a").all("dd")] == ["restarts a", "EINTR b"]
    same = judged(a=Verdict("semop.a", "pass", observed="EINTR"), b=Verdict("semop.a", "pass", observed="EINTR"))
    assert not blocks(read(same, ROWS))


def with_facts(run: TargetRun, **facts: str) -> TargetRun:
    """RUN on a machine with these FACTS."""
    pairs = tuple((name.replace("_", " "), text) for name, text in sorted(facts.items()))
    return replace(run, info=replace(run.info, facts=pairs))


def test_what_one_side_alone_has_in_common_is_named() -> None:
    runs = eleven()
    runs[1] = replace(runs[1], info=replace(runs[1].info, libc="musl 1.2.3"))
    assert reasons(runs, [1], [0, 2]) == ["libc musl"]
    orders = ("big endian" if at in (3, 4, 5) else "little endian" for at in range(11))
    runs = [with_facts(run, byte_order=order) for run, order in zip(runs, orders)]
    assert reasons(runs, [3, 4], [0, 2]) == ["byte order big endian"]
    assert reasons(runs, [3, 4], [0, 5]) == []
    assert reasons(runs, [3, 0], [2]) == []
    assert reasons(runs, [3], []) == []


def test_versions_of_kernels_tell_sides_apart() -> None:
    runs = [
        replace(run, info=replace(run.info, kernel=f"Linux {version}.0-9-cloud-amd64 #1 SMP"))
        for run, version in zip(kind("kernels", "a", "b", "c", "d"), ("5.10", "6.1", "6.12", "7.2"))
    ]
    assert reasons(runs, [0, 1], [2, 3]) == ["kernels up to 6.1"]
    assert reasons(runs, [2, 3], [0, 1]) == ["kernels from 6.12"]
    assert reasons(runs, [0, 2], [1, 3]) == []
    assert reasons([*runs, target_run("e", info=replace(INFO, kernel=""))], [0], [3, 4]) == []


def test_the_reason_stands_in_the_heading() -> None:
    run = matrix("pass", "known", *PASS * 9)
    targets = [*run.targets]
    targets[1] = replace(targets[1], info=replace(INFO, libc="musl 1.2.3"))
    assert blocks(read(replace(run, targets=tuple(targets)), ROWS))[0][1] == "1 known · alone with libc musl"
    libcs = ("glibc 2.41" if at % 2 else "musl 1" for at in range(11))
    others = [replace(one, info=replace(INFO, libc=libc)) for one, libc in zip(targets, libcs)]
    assert blocks(read(replace(run, targets=tuple(others)), ROWS))[0][1] == "1 known"


# Many columns


def test_cells_of_a_kind_that_are_alike_are_one() -> None:
    page = read(matrix("pass", "pass", *FAIL * 4, "pass", *PASS * 4), ROWS)
    cells = row_of(page, "semop.a").one("span", "c").all("b")
    assert [[cell.text for cell in block.all("i")] for block in cells] == [["✓"], ["F", "F", "F", "F", "✓"], ["✓"]]
    heads = page.one("div", "h").all("span", "c")[1].all("b")
    assert [head.text for head in heads][:4] == ["host-glibc", "host-musl", "arm", "mips"]
    assert [head.attributes["title"] for head in heads][2:4] == ["qemu-user-arm", "qemu-user-mips"]


def test_every_column_and_every_kind_can_be_hidden_without_a_script() -> None:
    page = read(matrix(*PASS * 11), ROWS)
    boxes = [box.attributes["id"] for box in page.all("input") if box.attributes.get("type") == "checkbox"]
    assert boxes == [
        "kind:0", "column:0", "column:1", "kind:1", *(f"column:{column}" for column in range(2, 7)),
        "kind:2", *(f"column:{column}" for column in range(7, 11)),
    ]  # fmt: skip
    style = page.one("style").text
    for box in boxes:
        assert f'body:has([id="{box}"]:not(:checked))' in style
    assert "body:has([id=\"column:6\"]:not(:checked)) .k1 > :nth-child(5):not(:only-child) { display: none; }" in style


@pytest.mark.parametrize("name", (PAGE, OVERVIEW, TARGETS))
def test_forty_five_targets_make_pages_of_bearable_size(name: str) -> None:
    rows = [requirement(f"call{number % 50}.some-aspect.row-{number}", "a statement " * 9) for number in range(1714)]
    runs = []
    for column in range(45):
        verdicts = []
        for number, row in enumerate(rows):
            wrong = Verdict(row.id, "fail", "fail", 1, "conformance/x.c:33", "semop(id, &op, 1)", "-1 EIDRM", "0")
            verdicts.append(wrong if (number * 7 + column // 9 * 11) % 30 == 0 else Verdict(row.id, "pass"))
        tests = [result(f"t-{column}", verdict, test=f"sysv.sem.x.row_{at}") for at, verdict in enumerate(verdicts)]
        runs.append(target_run(f"t-{column}", *tests, kind=f"kind {column // 9}"))
    assert len(report.render(run_of(*runs), catalogue(*rows))[name].encode()) < 2_500_000


# The targets


def targets_page(run: RunResults) -> Element:
    """The page of the targets."""
    return Reader(report.render(run, ROWS)[TARGETS]).top


def facts_of(page: Element) -> dict[str, list[str]]:
    """What is said under each name."""
    found: dict[str, list[str]] = {}
    for line in page.all("dl", "facts"):
        name = ""
        for child in line.children:
            if child.tag == "dt":
                name = child.text.strip()
            else:
                found.setdefault(name, []).extend(part.text.strip() for part in child.children)
    return found


def test_what_is_known_of_targets_is_told_differences_first_and_marked() -> None:
    runs = [with_facts(run, page_size="4096", SHMLBA="4096") for run in eleven()]
    runs[4] = with_facts(runs[4], page_size="65536", SHMLBA="4096")
    runs[0] = replace(runs[0], info=replace(runs[0].info, config=(("HZ", "250"), ("SYSVIPC", "y"))))
    runs[1] = replace(runs[1], info=replace(runs[1].info, config=(("SYSVIPC", "y"),)))
    page = targets_page(run_of(*runs))
    facts = facts_of(page)
    assert facts["page size"][:2] == ["4096 every target but qemu-user-ppc", "65536 qemu-user-ppc"]
    assert facts["SHMLBA"][0] == "4096"
    assert facts["CONFIG_HZ"][:2] == ["250 host-glibc", "not set host-musl"]
    assert facts["limit sem"][0] == "32000 1024000000 500 32000"
    assert [mark.text for mark in page.all("mark")] == ["65536", "65536"]  # in the comparison, and of the target itself
    assert [head.text for head in page.all("h2")] == ["How they differ", "The same everywhere", "Each target"]


def test_old_results_without_facts_make_the_page_as_well() -> None:
    page = targets_page(run_of(TargetRun("a"), target_run("b")))
    assert "kernel" in facts_of(page)
    assert Reader(report.render(run_of(TargetRun("a")), ROWS)[TARGETS]).top.one("h1").text == "1 target"


def test_unavailable_targets_are_named_with_the_reason() -> None:
    away = TargetRun("gvisor", "gVisor", unavailable="runsc is not installed: apt-get install runsc")
    run = run_of(target_run("a"), away)
    assert facts_of(targets_page(run))["gvisor"] == ["runsc is not installed: apt-get install runsc gVisor"]
    for name in (PAGE, TARGETS):
        assert "1 target, 1 unavailable" in Reader(report.render(run, ROWS)[name]).top.text
    line = read(run, ROWS).one("tr", "gone").text
    assert line.strip() == "gvisorunavailable: runsc is not installed: apt-get install runsc"


def test_each_target_has_an_address() -> None:
    pages = report.render(matrix(*PASS * 11), ROWS)
    links = [link.attributes["href"] for link in Reader(pages[PAGE]).top.one("table", "targets").all("a")]
    anchors = re.findall(r'id="(target:\d+)"', pages[TARGETS])
    assert links == [f"{TARGETS}#{anchor}" for anchor in anchors] and len(links) == 11
    assert NOTES not in pages
