"""What carries scenarios out: a library that is loaded into the program, or a tracer of its system calls."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..tree import BUILD, INSTALLED, shown
from .log import Event, read
from .program import Program
from .scenario import Scenario

LOG = "faults.jsonl"


@dataclass(frozen=True, slots=True)
class Order:
    """A command to run under scenarios. FOLDER is the engine's own for the time of the run."""

    argv: tuple[str, ...]
    program: Program
    scenarios: tuple[Scenario, ...]
    seed: int
    folder: Path
    build: Path = BUILD
    control: str = ""  # beginning of the names of fiu-ctrl(1)'s pipes; empty: no control from outside


class Engine(Protocol):
    """One way to make calls fail."""

    name: str

    def refuses(self, program: Program, scenarios: Sequence[Scenario]) -> str:
        """Why it cannot; empty when it can."""

    def lacks(self, order: Order) -> str:
        """What is not there, and how to get it; empty when all is."""

    def command(self, order: Order) -> tuple[tuple[str, ...], Mapping[str, str]]:
        """What to execute instead of the command, and what to add to the environment."""

    def events(self, order: Order) -> tuple[Event, ...]:
        """What fired, once the command has ended."""


class Preload:
    """The library ipck-fault.so, with libfiu's points of failure."""

    name = "libfiu"
    _RUN = Path("/usr/lib/fiu/fiu_run_preload.so")

    def refuses(self, program: Program, scenarios: Sequence[Scenario]) -> str:
        """Steps inside the kernel are not the library's own, and only dynamic programs of glibc take it along."""
        inside = next((one for one in scenarios if one.action == "step"), None)
        return f"{inside.text}: takes --engine kernel" if inside else self.refuses_program(program)

    def refuses_program(self, program: Program) -> str:
        """Why the program does not take the library along; empty when it does."""
        if program.privileged:
            return "it gets rights that its caller lacks, and thus no faults: run it as the user that it belongs to"
        if not program.loader:
            return "it is linked statically: try --engine strace"
        if program.musl:
            return "it is linked with musl: try --engine strace"
        return ""

    def library(self, program: Program, build: Path) -> Path:
        """The library for programs of this word length."""
        return build.absolute() / ("glibc" if program.bits == 64 else "i386") / "ipck-fault.so"

    def lacks(self, order: Order) -> str:
        """The library is built with the tree; libfiu is needed for control from outside only."""
        library = self.library(order.program, order.build)
        if not library.exists():
            return f"{shown(library)} is not part of this installation" if INSTALLED else f"run make {shown(library)}"
        if order.control and not self._RUN.exists():
            return "--control needs libfiu: apt-get install fiu-utils"
        return ""

    def command(self, order: Order) -> tuple[tuple[str, ...], Mapping[str, str]]:
        """The command itself, with the library in it."""
        libraries = [str(self.library(order.program, order.build))]
        added = {
            "IPCK_FAULT": " ".join(one.text for one in order.scenarios),
            "IPCK_FAULT_SEED": str(order.seed),
            "IPCK_FAULT_LOG": str(order.folder / LOG),
        }
        if any(one.count == "tree" for one in order.scenarios):
            added["IPCK_FAULT_TREE"] = str(order.folder / "tree")
        if order.control:
            libraries.append(str(self._RUN))
            added["FIU_CTRL_FIFO"] = order.control
        if before := os.environ.get("LD_PRELOAD"):
            libraries.append(before)
        return order.argv, {**added, "LD_PRELOAD": ":".join(libraries)}

    def events(self, order: Order) -> tuple[Event, ...]:
        """The lines of the log, which need not exist when nothing fired."""
        log = order.folder / LOG
        return read(log) if log.exists() else ()


class Kernel(Preload):
    """The same library, which only tells the kernel at which of its own steps the call is to fail."""

    name = "kernel"
    _NTH = Path("/proc/thread-self/fail-nth")
    _WAITING = Path("/sys/kernel/debug/failslab/ignore-gfp-wait")

    def refuses(self, program: Program, scenarios: Sequence[Scenario]) -> str:
        """What it has nothing to do with."""
        other = next((one for one in scenarios if one.action != "step"), None)
        return f"{other.text}: fails no step inside the kernel (step=N)" if other else self.refuses_program(program)

    def lacks(self, order: Order) -> str:
        """The kernel's fault injection, as set up by who may: most allocations are exempt at first."""
        if not self._NTH.exists():
            return f"this kernel has no {self._NTH}: CONFIG_FAULT_INJECTION is off (scripts/build-kernel builds others)"
        if not os.access(self._WAITING, os.R_OK):
            return f"{self._WAITING} cannot be read: it takes root, debugfs, and CONFIG_FAULT_INJECTION_DEBUG_FS"
        if self._WAITING.read_text("ascii").strip() != "N":
            return f"ordinary allocations are exempt from failure: echo N > {self._WAITING}"
        return super().lacks(order)
