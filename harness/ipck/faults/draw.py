"""Chance as fault/preload/scenario.c has it: a function of the seed, the scenario and the number of the call."""

from ..calls import Call

_ALL = 2**64 - 1


def drawn_error(call: Call, place: int, n: int, seed: int) -> str:
    """The error that a scenario without one, at PLACE in the list, fails the N-th call with."""
    return tuple(call.errors)[_draw(seed, place, n, 1) % len(call.errors)]


def _draw(seed: int, number: int, n: int, what: int) -> int:
    x = seed + 0x9E3779B97F4A7C15 * (n + 1) + 0xD1342543DE82EF95 * (2 * number + what + 1) & _ALL
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & _ALL
    x = (x ^ x >> 27) * 0x94D049BB133111EB & _ALL
    return x ^ x >> 31
