"""Pages of the report that other commands than `ipck run` fill: each leaves data of its own in the folder, which stays
there when the reports are made again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import coveragepage, failnthpage, faultspage, interleaving, mutantspage
from .bench import page as benchpage
from .bench import results as bench
from .coverage import results as coverage
from .faults import failnth
from .faults import results as faults
from .stress import page as stresspage
from .stress import results as stress

if TYPE_CHECKING:
    from .rows import Row


@dataclass(frozen=True, slots=True)
class Extra:
    """A page, and the data that it is made of; its template sees what page_of() returns by the page's variable."""

    name: str
    title: str
    read: Callable[[Path], Any]  # the data in a folder, nothing where there is none; IpckError when it is broken
    page_of: Callable[[Any, Mapping[str, "Row"]], Any]  # of the data and the report's rows, by requirement

    @property
    def variable(self) -> str:
        """What it is called in templates."""
        return self.name.replace("-", "_")

    @property
    def page(self) -> str:
        """The name of its file."""
        return f"{self.name}.html"

    @property
    def data(self) -> str:
        """The name of the file with its data."""
        return f"{self.name}.json"


EXTRAS = (
    Extra("mutants", "Mutants", lambda out: mutantspage.read(out / "mutants.json"), mutantspage.page_of),
    Extra("faults", "Faults", faults.read, faultspage.page_of),
    Extra("failnth", "Kernel faults", failnth.read, failnthpage.page_of),
    Extra("stress", "Stress", stress.read, stresspage.page_of),
    Extra("interleave", "Races", interleaving.read, interleaving.page_of),
    Extra("bench", "Benchmarks", bench.read, benchpage.page_of),
    Extra("coverage", "Coverage", lambda out: coverage.read(coverage.file(out, coverage.KERNEL)), coveragepage.page_of),
    Extra(
        "coverage-libc", "Coverage of a libc", lambda out: coverage.read(coverage.file(out, coverage.LIBRARY)),
        coveragepage.page_of,
    ),
)
PAGES = {extra.name: extra for extra in EXTRAS}


def read(out: Path) -> dict[str, Any]:
    """The data in the folder OUT, by page."""
    return {extra.name: found for extra in EXTRAS if (found := extra.read(out))}
