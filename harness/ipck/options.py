"""The options of `ipck run` and `ipck gate`: for pytest, which reads them, and for our own help and completion."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import shards
from .targets import GROUPS, KINDS
from .tree import BASELINES, BUILD, OUT, REQUIREMENTS, shown

_TARGET = f"targets, separated by commas ({', '.join(GROUPS)} stand for several), or KIND:ARGUMENT; see ipck targets"
_SIDE = "targets that run at the same time (default: one a processor, at least two)"
_OUT = f"folder of the reports (default: {shown(OUT)}); a name that ends in .jsonl: a file for the results alone"


def add_run(add: Callable[..., Any], gate: bool = True) -> None:
    """Call ADD, an add_argument() or pytest's addoption(), for each; with GATE also for those of ipck gate alone."""
    add_target(add)
    add("--seed", type=natural, metavar="N", help="seed of the tests' order and choices (default: a new one)")
    add("--jobs", type=natural, default=0, metavar="N", help="tests that a program runs at a time")
    add("--side-by-side", type=natural, default=0, metavar="N", help=_SIDE)
    add("--time-scale", type=factor, default=1.0, metavar="X", help="how much slower everything may be")
    add("--prepare", action="append", default=[], metavar="SPEC", help="tests' namespaces get it, as kernel.msgmni=16")
    add("--shard", type=shard, metavar="I/N", help="run the I-th of N parts; ipck merge puts them together")
    add("--out", type=Path, default=OUT, metavar="DIR", help=_OUT)
    if gate:
        add("--gate", action="store_true", help=argparse.SUPPRESS)
        add_kcidb(add)
    add_folders(add)


def add_target(add: Callable[..., Any]) -> None:
    """What is judged."""
    add("--target", metavar="NAMES", action="append", default=[], help=_TARGET)
    for kind in KINDS:
        add(f"--{kind}", metavar="ARGUMENT", action=_Kind, help=f"the same as --target {kind}:ARGUMENT")


def add_gate(add: Callable[..., Any]) -> None:
    """Options of the commands that can do with stored results what ipck gate does."""
    add("--gate", action="store_true", help="as ipck gate: a short list of what is new, and files for CI systems")
    add_kcidb(add)


def add_kcidb(add: Callable[..., Any]) -> None:
    """What kcidb.json needs to know from people."""
    add("--kcidb-origin", metavar="NAME", help="who sends kcidb.json, as KCIDB knows it (default: ipck)")
    add("--kcidb-build", metavar="ID", help="the build that kcidb.json is about, by its id in KCIDB")


def add_folders(add: Callable[..., Any]) -> None:
    """Where the inputs lie."""
    add("--build", type=Path, default=BUILD, metavar="DIR", help="where the test programs are")
    add("--baselines", type=Path, default=BASELINES, metavar="DIR", help="where the baselines are")
    add("--requirements", type=Path, default=REQUIREMENTS, metavar="DIR", help="where the catalogue is")


class _Kind(argparse.Action):
    """`--kernel bzImage` adds `kernel:bzImage` to the targets."""

    def __call__(self, parser: object, options: argparse.Namespace, value: Any, option: str | None = None) -> None:
        options.target = [*options.target, f"{(option or '').lstrip('-')}:{value}"]


def natural(text: str) -> int:
    """Option value: 0, 1, 2 .."""
    if not text.isascii() or not text.isdigit() or len(text) > 19:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)


def shard(text: str) -> shards.Shard:
    """Option value: 2/5"""
    try:
        return shards.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def factor(text: str) -> float:
    """Option value: a number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number between 0 and 1000")
    return value
