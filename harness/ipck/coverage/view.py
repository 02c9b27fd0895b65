"""Which lines, functions and branches of source files were executed, and lcov's tracefile of it (geninfo(1))."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

Counted = tuple[int, int]
"""How many of how many were executed."""


@dataclass(slots=True)
class File:
    """Counts of executions in one source file."""

    lines: dict[int, int] = field(default_factory=dict)
    functions: dict[str, tuple[int, int]] = field(default_factory=dict)  # line and count
    branches: dict[int, list[int]] = field(default_factory=dict)  # by line
    function: dict[int, str] = field(default_factory=dict)  # that a line belongs to

    def add_function(self, name: str, line: int, count: int) -> None:
        """Count executions of a function."""
        self.functions[name] = (line, count + self.functions.get(name, (line, 0))[1])

    def add_line(self, line: int, count: int, function: str, branches: Sequence[int]) -> None:
        """Count executions of a line, and of the branches at its end."""
        self.lines[line] = self.lines.get(line, 0) + count
        self.function.setdefault(line, function)
        if branches:
            self.branches.setdefault(line, []).extend(branches)

    def merge(self, other: "File") -> None:
        """Count what OTHER counted of the same file, compiled another time: each line has its branches once."""
        for name, (line, count) in other.functions.items():
            self.add_function(name, line, count)
        for line, count in other.lines.items():
            self.add_line(line, count, other.function[line], ())
        for line, counts in other.branches.items():
            pairs = zip_longest(self.branches.get(line, ()), counts, fillvalue=0)
            self.branches[line] = [one + more for one, more in pairs]

    def unite(self, other: "File") -> None:
        """Count what OTHER counted of the same file, compiled for another machine.

        There a line's branches may stand in another order, so they are those of the machine that took most of them.
        """
        for line, counts in other.branches.items():
            before = self.branches.get(line, [])
            if sum(map(bool, counts)) * len(before) >= sum(map(bool, before)) * len(counts):
                self.branches[line] = list(counts)
        self.merge(File(other.lines, other.functions, {}, other.function))

    def only(self, functions: Iterable[str]) -> "File":
        """The part of it that these functions are."""
        kept = frozenset(functions)
        lines = {line for line in self.lines if self.function[line] in kept}
        return File(
            {line: count for line, count in self.lines.items() if line in lines},
            {name: value for name, value in self.functions.items() if name in kept},
            {line: counts for line, counts in self.branches.items() if line in lines},
            {line: name for line, name in self.function.items() if line in lines},
        )

    def counts(self) -> tuple[Counted, Counted, Counted]:
        """Lines, functions, branches. What a macro makes of one definition, as SYSCALL_DEFINE3(), is one function."""
        defined: dict[int, int] = {}
        for line, count in self.functions.values():
            defined[line] = defined.get(line, 0) + count
        branches = [count for counts in self.branches.values() for count in counts]
        return _counted(self.lines.values()), _counted(defined.values()), _counted(branches)

    def reached(self) -> set[int]:
        """The lines that were executed."""
        return {line for line, count in self.lines.items() if count}

    def missed(self) -> list[int]:
        """The lines that were not."""
        return sorted(line for line, count in self.lines.items() if not count)


View = dict[str, File]
"""By the name of the source file."""


def united(views: Iterable[View]) -> View:
    """What any of several machines executed of one source."""
    whole: View = {}
    for view in views:
        for name, file in view.items():
            whole.setdefault(name, File()).unite(file)
    return whole


def _counted(counts: Collection[int]) -> Counted:
    return sum(count > 0 for count in counts), len(counts)


def tracefile(view: Mapping[str, File], root: str) -> str:
    """VIEW for lcov and genhtml; ROOT is the folder of the source files."""
    return "".join(f"{line}\n" for name, file in sorted(view.items()) for line in _records(f"{root}/{name}", file))


def _records(path: str, file: File) -> Iterator[str]:
    lines, _, branches = file.counts()
    functions = _counted([count for _, count in file.functions.values()])
    yield f"TN:\nSF:{path}"
    for name, (line, _) in file.functions.items():
        yield f"FN:{line},{name}"
    for name, (_, count) in file.functions.items():
        yield f"FNDA:{count},{name}"
    yield f"FNF:{functions[1]}\nFNH:{functions[0]}"
    for line, counts in sorted(file.branches.items()):
        for number, count in enumerate(counts):
            yield f"BRDA:{line},0,{number},{count if file.lines[line] else '-'}"
    yield f"BRF:{branches[1]}\nBRH:{branches[0]}"
    for line, count in sorted(file.lines.items()):
        yield f"DA:{line},{count}"
    yield f"LF:{lines[1]}\nLH:{lines[0]}\nend_of_record"
