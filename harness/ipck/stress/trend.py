"""Whether something grows all the time of a soak, although what else runs on the machine comes and goes."""

from collections.abc import Iterator, Sequence

from .results import Resources

_WARM_UP = 4
"""This part of the cycles, from the first on, fills caches: one of so many."""
_PARTS = 4
_LEAST_CYCLES = 16
_EXACT = ("queues", "sets", "segments")
_NOISE = {"memory": 16384.0, "unreclaimable": 4096.0, "shared": 4096.0, "processes": 20.0}
"""What may come together by chance; of slab caches, _OBJECTS."""
_OBJECTS = 500.0


def growing(resources: Sequence[Resources]) -> Iterator[str]:
    """A message for each resource that grows.

    What is the program's own, objects of its namespace, must be after each cycle as after the first. What the whole
    machine shares grows when, after a warm-up, each of four parts of the time has its lowest value above the highest of
    the part before, and what came together is more than chance brings: a neighbour that comes and goes, and a cache
    that fills and is emptied, do not do that.
    """
    if len(resources) < 2:
        return
    for name in resources[0].used:
        values = [one.used[name] for one in resources if name in one.used]
        if name in _EXACT:
            if values[-1] > values[0]:
                yield f"{values[-1] - values[0]:.0f} {name} are left behind"
        elif len(values) >= _LEAST_CYCLES and _grows(values, _NOISE.get(name, _OBJECTS)):
            begin, end = values[len(values) // _WARM_UP], values[-1]
            yield f"{name} grows all the time, from {begin:.0f} to {end:.0f}"


def _grows(values: Sequence[float], noise: float) -> bool:
    rest = values[len(values) // _WARM_UP:]
    size = len(rest) // _PARTS
    parts = [rest[n * size:(n + 1) * size] for n in range(_PARTS)]
    rises = all(min(later) > max(earlier) for earlier, later in zip(parts, parts[1:]))
    return rises and min(parts[-1]) - max(parts[0]) > noise
