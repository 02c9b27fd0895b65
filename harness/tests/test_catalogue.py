"""The catalogue: what is refused and how, and what the C programs get."""

import shutil
import subprocess
from pathlib import Path

import pytest

from ipck import catalogue
from ipck.errors import IpckError
from ipck.tree import REQUIREMENTS
from stubs import World, short

ROW = {
    "id": '"semop.adds"',
    "kind": '"state"',
    "level": '"posix-shall"',
    "statement": '"Adds"',
    "source": '"XSH semop"',
    "needs": '["root", "threads"]',
}


def top_of(name: str) -> str:
    """What stands before the rows of a catalogue file."""
    return f'interface = "{name}"\ntitle = "{name}()"\narea = "Processes"\n'


def file_of(*rows: dict[str, str], top: str = top_of("semop")) -> str:
    """A catalogue file; row N begins at line 4 + 8 * N."""
    blocks = ["[[requirement]]\n" + "".join(f"{key} = {value}\n" for key, value in row.items()) for row in rows]
    return top + "\n".join(blocks)


def faults(folder: Path) -> tuple[str, ...]:
    """The messages about the catalogue in FOLDER, with the folder cut off."""
    with pytest.raises(IpckError) as caught:
        catalogue.load(folder)
    return tuple(message.replace(f"{folder}/", "") for message in caught.value.messages)


def test_rows_come_in_the_order_of_files_and_of_rows(tmp_path: Path) -> None:
    (tmp_path / "semop.toml").write_text(file_of(ROW | {"id": '"semop.z"'}, ROW | {"id": '"semop.a"'}))
    (tmp_path / "exit.toml").write_text(
        file_of(ROW | {"id": '"exit.undo"', "untestable": '"no clock"'}, top=top_of("exit"))
    )
    rows = catalogue.load(tmp_path)
    assert [row.id for row in rows] == ["exit.undo", "semop.z", "semop.a"]
    assert [interface.name for interface in rows.interfaces] == ["exit", "semop"]
    assert rows["exit.undo"].untestable == "no clock" and rows["semop.a"].untestable == ""
    assert rows["semop.a"].needs == ("root", "threads")
    assert rows["exit.undo"].interface == "exit"


def test_own_catalogue_is_whole() -> None:
    assert len(catalogue.load(REQUIREMENTS)) > 1000


@pytest.mark.parametrize(
    ("change", "line", "problem"),
    [
        ({"level": '"posix"'}, 7, "requirement semop.adds: key 'level': is 'posix', must be one of: posix-shall, "),
        ({"kind": "[]"}, 6, "requirement semop.adds: key 'kind': is [], must be one of"),
        ({"statement": '"  "'}, 8, "requirement semop.adds: key 'statement': must be a non-empty string"),
        ({"source": "3"}, 9, "requirement semop.adds: key 'source': must be a non-empty string"),
        ({"needs": '["root", "luck"]'}, 10, "requirement semop.adds: key 'needs': has 'luck', must be out of: root, "),
        ({"needs": '["root", "root"]'}, 10, "requirement semop.adds: key 'needs': names one thing twice"),
        ({"needs": '"root"'}, 10, "requirement semop.adds: key 'needs': must be a list of strings"),
        ({"id": '"semop adds"'}, 5, "requirement semop adds: key 'id': must be made of letters"),
        ({"id": '"3rd.semop"'}, 5, "requirement 3rd.semop: key 'id': must not begin with a digit"),
        ({"id": '"IPCK.REQUIREMENTS"'}, 5, "requirement IPCK.REQUIREMENTS: key 'id': is IPCK_REQUIREMENTS, which"),
        ({"id": "7"}, 5, "requirement number 1: key 'id': must be made of"),
        ({"untestable": '""'}, 11, "requirement semop.adds: key 'untestable': must be a non-empty string"),
        ({"flavour": '"x"'}, 11, "requirement semop.adds: key 'flavour': is unknown; known: id, kind"),
    ],
    ids=short,
)
def test_bad_value_is_named_with_line_and_key(change: dict[str, str], line: int, problem: str, tmp_path: Path) -> None:
    (tmp_path / "semop.toml").write_text(file_of(ROW | change))
    (message,) = faults(tmp_path)
    assert message.startswith(f"semop.toml:{line}: {problem}")


def test_missing_key_is_named_at_its_row(tmp_path: Path) -> None:
    second = {key: value for key, value in ROW.items() if key != "kind"} | {"id": '"semop.b"'}
    (tmp_path / "semop.toml").write_text(file_of(ROW, second))
    assert faults(tmp_path) == ("semop.toml:12: requirement semop.b: key 'kind': is missing",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('interface = "sem"\ntitle = "t"\n', "semop.toml:1: key 'requirement': is missing"),
        ('interface = "semop"\ntitle = ""\nrequirement = 3\n', "semop.toml:2: key 'title': must be a non-empty string"),
        (
            'title = "t"\n\ninterface = "semget"\n',
            "semop.toml:3: key 'interface': is 'semget', so the file must be semget.toml",
        ),
        (
            'title = "t"\nrequirement = 3\n',
            "semop.toml:2: key 'requirement': must be one or more [[requirement]] tables",
        ),
        (
            'title = "t"\n\nauthor = "me"\n',
            "semop.toml:3: key 'author': is unknown; known: interface, title, area, requirement",
        ),
        ('title = "t"\narea = "Sockets"\n', "semop.toml:2: key 'area': is 'Sockets', must be one of: System V "),
        ('title = "t"\nrequirement = [\n', "semop.toml:3: Invalid value"),
        ('title = "t"\ntitle = "t"\n', "semop.toml:2: Cannot overwrite a value"),
        ('title = "t', "semop.toml:1: Unterminated string"),
        ("title = " + "[" * 5000, "semop.toml:1: nested too deeply"),
    ],
    ids=short,
)
def test_bad_file_is_named_with_line_and_key(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "semop.toml").write_text(text)
    assert any(fault.startswith(message) for fault in faults(tmp_path)), faults(tmp_path)


def test_file_that_is_not_text(tmp_path: Path) -> None:
    (tmp_path / "semop.toml").write_bytes(b'interface = "semop"\n\ntitle = "\xff"\n')
    assert faults(tmp_path) == ("semop.toml:3: is not UTF-8: save it as UTF-8",)


def test_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "semop.toml").mkdir()
    assert faults(tmp_path) == ("semop.toml: cannot be read: Is a directory",)


def test_no_files_at_all(tmp_path: Path) -> None:
    assert faults(tmp_path) == (f"{tmp_path}: no catalogue files (*.toml): run from a complete clone",)


def test_one_id_in_two_files(tmp_path: Path) -> None:
    (tmp_path / "semop.toml").write_text(file_of(ROW, ROW | {"id": '"semop.sub"'}))
    (tmp_path / "semtimedop.toml").write_text(
        file_of(ROW | {"id": '"x.y"'}, ROW | {"id": '"semop-sub"'}, top=top_of("semtimedop"))
    )
    (message,) = faults(tmp_path)
    assert message == (
        "semtimedop.toml:13: requirement semop-sub: key 'id': "
        "the C name semop_sub is taken by semop.sub in semop.toml: choose another id"
    )


def test_faults_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "semop.toml").write_text(file_of(ROW | {"kind": '"x"', "level": '"y"'}))
    (tmp_path / "exit.toml").write_text("=")
    assert len(faults(tmp_path)) == 3


def test_lines_are_right_after_strings_and_lists_over_several_lines(tmp_path: Path) -> None:
    row = ROW | {
        "statement": '"""two\n[[requirement]]\nkind = "three" # no comment"""  # a comment: kind = 1 """',
        "needs": '[ # kind = 2\n  "root",\n  "thr\'eads",\n]',
        "source": "'a # \"b'",
    }
    (tmp_path / "semop.toml").write_text(file_of(row, ROW | {"id": '"semop.b"', "kind": '"?"'}))
    first, second = faults(tmp_path)
    assert first.startswith("semop.toml:12: requirement semop.adds: key 'needs': has \"thr'eads\"")
    assert second.startswith("semop.toml:19: requirement semop.b: key 'kind': is '?'")


def test_list_inside_a_list_is_not_taken_for_a_table(tmp_path: Path) -> None:
    (tmp_path / "semop.toml").write_text(file_of(ROW | {"needs": "[\n[1],\n]", "untestable": '""'}))
    assert [message.partition(" ")[0] for message in faults(tmp_path)] == ["semop.toml:10:", "semop.toml:13:"]


def test_generated_c_compiles_and_keeps_the_order(world: World) -> None:
    rows = catalogue.load(world.requirements)
    folder = world.root / "generated"
    assert [path.name for path in catalogue.emit_c(rows, folder)] == ["reqs.h", "reqs.c"]
    lines = (folder / "reqs.h").read_text().splitlines()
    first = lines.index("enum ipck_requirement {")
    assert lines[first:][:6] == [
        "enum ipck_requirement {",
        "\tsemget_new,",
        "\tsemop_adds,",
        "\tsemop_eidrm,",
        "\tsemop_eintr,",
        "\tIPCK_REQUIREMENTS",
    ]
    assert '\t"semop.eidrm",\n' in (folder / "reqs.c").read_text()
    if compiler := shutil.which("gcc"):
        subprocess.run([compiler, "-Wall", "-Werror", "-fsyntax-only", str(folder / "reqs.c")], check=True)


def test_generated_c_is_rewritten_only_when_it_changes(world: World) -> None:
    rows = catalogue.load(world.requirements)
    header = catalogue.emit_c(rows, world.root)[0]
    before = header.stat()
    assert not catalogue.emit_c(rows, world.root)
    assert (header.stat().st_mtime_ns, header.stat().st_ino) == (before.st_mtime_ns, before.st_ino)
    assert catalogue.emit_c(catalogue.Catalogue(rows.interfaces[:1]), world.root)


def test_command_counts_or_complains(world: World) -> None:
    good = world.ipck("catalogue")
    assert (good.returncode, good.stdout) == (0, "4 requirements of 2 interfaces, 0 untestable\n")
    (world.requirements / "semop.toml").write_text("?")
    bad = world.ipck("catalogue", f"--emit-c={world.root / 'c'}")
    assert bad.returncode == 2 and not (world.root / "c").exists()
    assert bad.stderr == f"ipck: {world.requirements}/semop.toml:1: Invalid statement\n"
