"""The targets: where the test programs run, and how.

Each module beside this one that makes targets has TARGETS, those with a name of their own, and KINDS, the ways to make
one from an argument: `--target KIND:ARGUMENT`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ..errors import IpckError
from . import emulated, foreign, host, kernels, libcs, remote, uml, wrapped
from .listing import list_tests
from .model import STRESS, VARIANTS, Need, Target, Test, Unavailable, group, subject, without_variant

_MODULES = (host, libcs, uml, kernels, foreign, emulated, wrapped, remote)

TARGETS: dict[str, Target] = {target.name: target for module in _MODULES for target in module.TARGETS}
KINDS: dict[str, Callable[[str], Target]] = {name: make for module in _MODULES for name, make in module.KINDS.items()}

DEFAULT = ("host-glibc", "host-glibc-static", "host-musl", "host-i386")
GROUPS: dict[str, tuple[str, ...]] = {
    "default": DEFAULT,
    "matrix": tuple(target.name for target in TARGETS.values() if target.usual),
    "all": tuple(TARGETS),
}
"""What stands for several targets, of which those that are not available are left out."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A target that is to run."""

    target: Target
    by_name: bool  # False: as one of a group


def named(value: str) -> Target | None:
    """The target that VALUE names: with a name of its own, or KIND:ARGUMENT."""
    kind, colon, argument = value.partition(":")
    return KINDS[kind](argument) if colon and kind in KINDS else TARGETS.get(value)


def choose(values: Iterable[str]) -> list[Choice]:
    """What the VALUES of --target mean, each target once, in that order; IpckError for one that means nothing.

    A value is KIND:ARGUMENT, or names of targets and of groups, separated by commas.
    """
    choices: dict[str, Choice] = {}
    for value in values:
        if target := named(value):
            _add(choices, target, True)
            continue
        for name in filter(None, map(str.strip, value.split(","))):
            if name in TARGETS:
                _add(choices, TARGETS[name], True)
            elif name in GROUPS:
                for member in GROUPS[name]:
                    _add(choices, TARGETS[member], False)
            else:
                kinds = ", ".join(f"{kind}:.." for kind in KINDS)
                raise IpckError(f"unknown target {name!r}; known targets: {', '.join((*GROUPS, *TARGETS))}, {kinds}")
    return list(choices.values()) or choose(["default"])


def _add(choices: dict[str, Choice], target: Target, by_name: bool) -> None:
    before = choices.get(target.name)
    if before and before.target != target:
        raise IpckError(f"two targets would be called {target.name}: run them one after the other")
    choices[target.name] = Choice(target, by_name or bool(before and before.by_name))


__all__ = [
    "DEFAULT", "GROUPS", "KINDS", "STRESS", "TARGETS", "VARIANTS", "Choice", "Need", "Target", "Test", "Unavailable",
    "choose", "group", "list_tests", "named", "subject", "without_variant",
]  # fmt: skip
