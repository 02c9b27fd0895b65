"""Objects that count: what the compiler wrote beside them, and gcov's view of counters."""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ..errors import IpckError
from ..records import clean
from ..tree import shown
from .gcda import Broken, Layout, notes_stamp
from .view import File, View

GCOV = "gcov"
_OPTIMIZATION = re.compile(r"-O\S*|-fno-inline\S*")


@dataclass(frozen=True, slots=True)
class Objects:
    """A folder of objects of a kernel, and the source that they are made of."""

    folder: Path
    source: Path

    @classmethod
    def beside(cls, image: Path) -> "Objects":
        """Those of a kernel's IMAGE; IpckError when there are none beside it."""
        folder = next((up for up in image.absolute().parents if (up / "ipc" / "sem.gcno").exists()), None)
        if folder is None:
            raise IpckError(
                f"{shown(image)}: there is no ipc/sem.gcno beside it: what was counted can be told only with what the "
                "compiler wrote when the kernel was built; scripts/build-kernel builds one and keeps that"
            )
        return cls(folder, (folder / "source").resolve() if (folder / "source").exists() else folder.resolve())

    def notes(self, path: str) -> Path:
        """The .gcno file of the counters that the kernel calls PATH; IpckError where there is none."""
        parts = PurePosixPath(path).with_suffix(".gcno").parts
        for first in range(1, len(parts)):
            if (notes := self.folder.joinpath(*parts[first:])).exists():
                return notes
        raise IpckError(f"{shown(self.folder)} has no notes for the counters {path}: they are of another build")

    def lay_out(self, folder: Path, layouts: Mapping[str, Layout], values: Mapping[str, dict[int, int]]) -> list[Path]:
        """Put files with the VALUES of counters below FOLDER, their notes beside them; returns the former."""
        made = []
        for path, layout in layouts.items():
            notes = self.notes(path)
            place = folder / notes.relative_to(self.folder)
            place.parent.mkdir(parents=True, exist_ok=True)
            try:
                if notes_stamp(notes) != layout.stamp:
                    raise Broken("these notes are of another build than what counted: build it again")
            except Broken as error:
                raise IpckError(f"{shown(notes)}: {error}") from None
            place.symlink_to(notes.resolve())
            counters = place.with_suffix(".gcda")
            counters.write_bytes(layout.file(values.get(path, {})))
            made.append(counters)
        return made

    def name(self, path: str) -> str | None:
        """A source file's name as it is in the tree; None for one that is not part of it."""
        try:
            return str((self.folder / path).resolve().relative_to(self.source))
        except ValueError:
            return None

    def whole(self, name: str) -> bool:
        """Whether all of this file is of interest, not only the functions that a table names."""
        return name.startswith("ipc/")

    def flags(self) -> str:
        """How ipc/ was optimized: what the compiler was told about it last."""
        try:
            command = (self.folder / "ipc" / ".sem.o.cmd").read_text("utf-8").partition("\n")[0]
        except OSError:
            return ""
        found = _OPTIMIZATION.findall(command)
        level = [flag for flag in found if flag.startswith("-O")][-1:]
        return " ".join([*level, *dict.fromkeys(flag for flag in found if flag not in level and "-f" in flag)])

    def config(self) -> str:
        """The configuration that they were compiled with, as a .config; empty where it is not there."""
        try:
            return (self.folder / ".config").read_text("utf-8")
        except OSError:
            return ""

    def machine(self) -> str:
        """What they were compiled for, as the kernel's build calls it: um, x86; and whether it has 32 bits only."""
        config = self.config()
        if not (found := re.search(r"^# Linux/(\S+) ", config, re.M)):
            return ""
        return found[1] if "\nCONFIG_64BIT=y\n" in config else f"{found[1]}, 32 bits"

    def library(self) -> str:
        """The C library that they are part of, with its version; empty for a kernel's."""
        return ""

    def release(self) -> str:
        """The version of the kernel."""
        try:
            return (self.folder / "include/config/kernel.release").read_text("utf-8").strip()
        except OSError:
            return ""


def view(objects: Objects, counters: Sequence[Path]) -> View:
    """What gcov makes of files of COUNTERS, by the names of the source files in the tree."""
    seen: View = {}
    for unit in _gcov(objects, counters):
        for data in unit["files"]:
            if (name := objects.name(data["file"])) is not None:
                seen.setdefault(name, File()).merge(_file(data))
    return seen


def _file(data: dict[str, Any]) -> File:
    """A source file as part of one object."""
    file = File()
    for function in data["functions"]:
        file.add_function(function["name"], function["start_line"], function["execution_count"])
    for line in data["lines"]:
        branches = [branch["count"] for branch in line["branches"]]
        file.add_line(line["line_number"], line["count"], line.get("function_name", ""), branches)
    return file


def _gcov(objects: Objects, counters: Sequence[Path]) -> Iterator[dict[str, Any]]:
    command = (GCOV, "--json-format", "--stdout", "--branch-probabilities", *map(str, counters))
    try:
        done = subprocess.run(command, capture_output=True, cwd=objects.folder, check=False)
    except FileNotFoundError:
        raise IpckError("gcov is not installed: apt-get install gcc") from None
    if done.returncode:
        words = clean(done.stderr[-300:].decode("utf-8", "backslashreplace").strip())
        raise IpckError(f"gcov makes nothing of the counters: {words}")
    for text in done.stdout.splitlines():
        if text.strip():
            yield json.loads(text)
