"""The results of the torture as data: keys of faults.json, and lines for the terminal."""

from collections.abc import Iterable
from typing import Any

from .torture import Results, Violation


def as_json(results: Results) -> dict[str, Any]:
    """The keys of faults.json that the torture owns."""
    return {
        "pairs": len(results.pairs),
        "fired": len(results.fired),
        "explained": len(results.explained),
        "runs": results.runs,
        "seconds": round(results.seconds, 1),
        "complete": results.complete,
        "unfired": [{"point": pair.point, "fault": pair.fault} for pair in results.unfired],
        "explanations": [
            {"point": pair.point, "fault": pair.fault, "reason": reason} for pair, reason in results.explained.items()
        ],
        "clients": [
            {
                "name": one.client.name,
                "program": one.client.program,
                "package": one.client.package,
                "runs": one.runs,
                "points": one.points,
                "skipped": one.skipped,
            }
            for one in results.clients
        ],
        "violations": [_violation(one) for one in results.violations],
        "undecided": list(results.undecided),
        "stale": list(results.stale),
    }


def lines(results: Results) -> Iterable[str]:
    """What to say at the end."""
    for one in results.clients:
        if one.skipped:
            yield f"skipped {one.client.name}: {one.skipped}"
    for pair in results.unfired:
        yield f"UNFIRED {pair.point}:{pair.fault}: no client meets it, and fault/explained.toml does not say why"
    for message in results.stale:
        yield f"STALE {message}"
    known = len(results.violations) - len(results.new)
    yield (
        f"{sum(not one.skipped for one in results.clients)} clients, {results.runs} runs in {results.seconds:.0f} s: "
        f"{len(results.fired)} of {len(results.pairs)} pairs of point and fault fired, {len(results.explained)} "
        f"explained; {len(results.new)} violations, {known} known"
    )


def _violation(one: Violation) -> dict[str, Any]:
    return {
        "engine": "libfiu",
        "client": one.client,
        "point": one.pair.point,
        "fault": one.pair.fault,
        "n": one.n,
        "kind": one.kind,
        "detail": one.detail,
        "reproduce": one.reproduce,
        "known": one.known,
    }
