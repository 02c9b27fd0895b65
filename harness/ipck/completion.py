"""What argcomplete, where it is installed, completes values with."""

import argparse
from collections.abc import Iterable


def complete(parser: argparse.ArgumentParser, name: str, completer: object) -> None:
    """Tell argcomplete how to complete the values of NAME."""
    for action in parser._actions:
        if action.dest == name and action.option_strings in ([], [f"--{name}"]):
            setattr(action, "completer", completer)


class Names:
    """Completes names, the last of a list with commas."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = list(names)

    def __call__(self, prefix: str, **_: object) -> list[str]:
        before, comma, _last = prefix.rpartition(",")
        return [f"{before}{comma}{name}" for name in self._names]
