"""`ipck merge`: the shards of a run become the run, as if it had never been cut."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from .catalogue import Catalogue
from .errors import IpckError
from .judge import undecided
from .results import Fault, RunInfo, RunResults, TargetRun
from .shards import Shard, of_catalogue, parse
from .store import Recorder, load, replay
from .tree import shown

_DIGESTS = {"baselines": "other baselines", "catalogue": "another catalogue", "selection": "other tests"}
"""What is to be said where a value is of no use to people."""
_SAME_RUN = "merge the shards of one run only: one commit, one --seed and the same options but for --shard and --out"


@dataclass(frozen=True, slots=True)
class _Part:
    """A shard's results and where they lie."""

    path: Path
    shard: Shard
    run: RunResults

    @property
    def targets(self) -> Mapping[str, TargetRun]:
        return {target.target: target for target in self.run.targets}

    @property
    def lacking(self) -> int:
        """How many tests it should have judged and did not."""
        done = {name: len(target.tests) for name, target in self.targets.items()}
        return sum(share.here - done.get(share.target, 0) for share in self.run.chosen)


def merge(paths: Sequence[Path], catalogue: Catalogue) -> tuple[RunResults, list[str]]:
    """The run that the journals at PATHS are the shards of, and what it lacks, in words with the remedy.

    IpckError when they are not shards of one run, or CATALOGUE is not the one that they were judged with.
    """
    filled, empty = _filled(paths)
    parts = sorted(_parts(filled), key=lambda part: part.shard.number)
    faults = [*_twice(parts), *_strange(parts), *_unlike(parts)]
    if dict(parts[0].run.inputs).get("catalogue") != of_catalogue(catalogue):
        tree = f"the tree at commit {commit}" if (commit := parts[0].run.commit) else "the tree that made them"
        faults.append(f"the catalogue here is another than that of the shards: merge them with {tree}")
    if faults:
        raise IpckError(*faults)
    return _together(parts), [*empty, *_gaps(parts)]


def _filled(paths: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """The journals that hold something, and a message for each that was cut before its first line was whole."""
    filled: list[Path] = []
    empty: list[Path] = []
    for path in paths:
        try:
            (filled if b"\n" in path.read_bytes() else empty).append(path)
        except OSError as error:
            raise IpckError(f"{shown(path)}: cannot be read: {error.strerror}") from None
    if not filled:
        raise IpckError(*(f"{shown(path)}: holds no results" for path in empty))
    return filled, [f"{shown(path)}: holds no results: its shard counts as missing" for path in empty]


def _parts(paths: Sequence[Path]) -> list[_Part]:
    parts = []
    faults = []
    for path in paths:
        run = load([path])
        try:
            parts.append(_Part(path, parse(run.shard), run))
        except ValueError:
            faults.append(f"{shown(path)}: holds a whole run and no shard: ipck report puts whole runs together")
    if faults:
        raise IpckError(*faults)
    return parts


def _twice(parts: Sequence[_Part]) -> Iterator[str]:
    for before, part in zip(parts, parts[1:]):
        if before.shard == part.shard:
            yield f"shard {part.shard} is there twice, {shown(before.path)} and {shown(part.path)}: leave one out"


def _strange(parts: Sequence[_Part]) -> Iterator[str]:
    """Parts that are not of the first one's run, and why."""
    first = parts[0]
    for part in parts[1:]:
        ours, theirs = _identity(first), _identity(part)
        names = [name for name in ours | theirs if ours.get(name) != theirs.get(name)]
        if said := "; ".join(_differs(name, ours.get(name, ""), theirs.get(name, "")) for name in names):
            yield f"{shown(part.path)} is of another run than {shown(first.path)}: {said}: {_SAME_RUN}"


def _identity(part: _Part) -> dict[str, str]:
    """What all shards of a run have in common, by name."""
    counts = ", ".join(f"{share.target} {share.tests}" for share in part.run.chosen)
    plain = {"shards": str(part.shard.of), "seed": str(part.run.seed), "commit": part.run.commit, "tests": counts}
    return plain | dict(part.run.inputs)


def _differs(name: str, ours: str, theirs: str) -> str:
    return _DIGESTS.get(name) or f"{name} {theirs or 'unknown'}, not {ours or 'unknown'}"


def _unlike(parts: Sequence[_Part]) -> Iterator[str]:
    """Targets whose shards ran on machines that are not alike: one column would show two implementations."""
    first: dict[str, tuple[_Part, RunInfo]] = {}
    for part in parts:
        for target in part.run.targets:
            info = replace(target.info, tests=0, jobs=0, deadline=0.0)  # it grows where a start found processes slow
            if info == RunInfo():
                continue
            other, before = first.setdefault(target.target, (part, info))
            names = [name for name in RunInfo.__dataclass_fields__ if getattr(info, name) != getattr(before, name)]
            if names:
                ours, theirs = (str(getattr(one, names[0]))[:200] for one in (before, info))
                yield (
                    f"{target.target} is not the same in {shown(other.path)} and {shown(part.path)}: {names[0]} "
                    f"{ours!r} and {theirs!r}: run its shards on machines alike, or look at each by ipck report"
                )


def _together(parts: Sequence[_Part]) -> RunResults:
    first = parts[0].run
    chosen = tuple(replace(share, here=share.tests) for share in first.chosen)
    started = min(part.run.started for part in parts)
    recorder = Recorder(replace(first, started=started, shard="", chosen=chosen, targets=()))
    for share in chosen:
        runs = [part.targets[share.target] for part in parts if share.target in part.targets]
        if runs:
            replay(_joined(runs), recorder)
        lacking = share.tests - sum(len(run.tests) for run in runs)
        if lacking > 0:
            recorder.begin(TargetRun(share.target))
            torn = (f"shard {part.shard} is cut short" for part in parts if part.lacking)
            why = "; ".join([*_missing(parts), *torn])
            recorder.add(Fault(share.target, f"{lacking} of {share.tests} tests have no result: {why}"))
            recorder.end(share.target, 0.0, False)
    return recorder.results()


def _joined(runs: Sequence[TargetRun]) -> TargetRun:
    """One target's results out of all its shards; what each shard says of the whole target is said once."""
    first, *others = runs
    infos = [run.info for run in runs if run.info != RunInfo()]
    faults = list(first.faults)
    if not first.unavailable:
        faults += [fault for run in others for fault in run.faults if fault != undecided(run)]
    return replace(
        first,
        info=_of_all(infos) if infos else RunInfo(),
        seconds=sum(run.seconds for run in runs),
        complete=all(run.complete for run in runs),
        tests=tuple(test for run in runs for test in run.tests),
        faults=tuple(faults),
    )


def _of_all(infos: Sequence[RunInfo]) -> RunInfo:
    """What the programs of all shards said of themselves."""
    deadline = max(info.deadline for info in infos)
    return replace(infos[0], tests=sum(info.tests for info in infos), deadline=deadline)


def _missing(parts: Sequence[_Part]) -> list[str]:
    """Which shards are not there, in words, if any."""
    of = parts[0].shard.of
    lost = sorted(set(range(1, of + 1)) - {part.shard.number for part in parts})
    if not lost:
        return []
    names = ", ".join(str(Shard(number, of)) for number in lost)
    return [f"shard {names} is missing" if len(lost) == 1 else f"shards {names} are missing"]


def _gaps(parts: Sequence[_Part]) -> Iterator[str]:
    """What is to be done about shards that are not there or not whole."""
    command, of = parts[0].run.command, parts[0].shard.of
    for lost in _missing(parts):
        again = f"{command} --shard N/{of} --out FILE.jsonl"
        yield f"{lost}; what the others found is kept: make each by `{again}`, then merge all of them"
    for part in parts:
        if part.lacking:
            again = f"{command} --shard {part.shard} --out {shown(part.path)}"
            yield (
                f"{shown(part.path)}: shard {part.shard} is cut short, {part.lacking} of its "
                f"{sum(share.here for share in part.run.chosen)} tests have no result; what it found is kept: "
                f"make it again by `{again}`, then merge all of them"
            )
