"""Whether a client has survived a fault: what has to hold after each run."""

import re
from collections import Counter
from dataclasses import dataclass

from .apart import Outcome
from .clients import Client

REFUSED = 125
"""Exit status of the library where it cannot do what a scenario says."""
_SIGNALS = range(129, 193)
"""Exit statuses of the shell for what a signal has ended."""
_DIED = re.compile(r"^(Segmentation fault|Aborted|Bus error|Illegal instruction|Floating point exception)", re.M)
_UNITS = re.compile(r"^(System V set, mode \d+|semaphore [^:]*):((?: -?\d+)+)$")
_MESSAGES = re.compile(r"^(System V queue, mode \d+|POSIX queue [^:]*): (\d+) messages")
_MOST = 400
_MOST_NAME = 80


@dataclass(frozen=True, slots=True)
class Problem:
    """What did not hold: hang, signal, status, silent, output, objects, process, leak."""

    kind: str
    detail: str


def judge(client: Client, outcome: Outcome, reference: Outcome) -> list[Problem]:
    """What is wrong with OUTCOME; REFERENCE is that of the client without faults."""
    run = outcome.run
    problems = []
    if run.hung:
        problems.append(Problem("hang", f"after {run.seconds:.1f} s: {_named(run.hung)}"))
    elif run.status in _SIGNALS or _DIED.search(run.err):
        problems.append(Problem("signal", f"exit status {run.status}: {cut(run.err)}"))
    elif run.status == 0:
        problems += _as_without(client, outcome, reference)
    elif run.status not in client.status:
        problems.append(Problem("status", f"{run.status} is none of 0, {_listed(client)}: {cut(run.err)}"))
    else:
        problems += _failed(client, outcome)
    if run.left and not run.hung:
        problems.append(Problem("process", f"still there: {_named(run.left)}"))
    if outcome.after.hung:
        problems.append(Problem("hang", f"what removes the rest: {_named(outcome.after.hung)}"))
    if outcome.remains:
        said = cut(outcome.after.err) or "nothing said"
        problems.append(Problem("leak", f"{'; '.join(outcome.remains)} ({said})"))
    return problems


def unusable(client: Client, outcome: Outcome) -> str:
    """Why the client cannot be tortured: it fails without a fault."""
    for name, step in (("before", outcome.before), ("run", outcome.run)):
        if step.hung:
            return f"{client.name}: `{name}` does not end without a fault: {_named(step.hung)}"
        if step.status != 0:
            return f"{client.name}: `{name}` fails without a fault: exit status {step.status}: {cut(step.err)}"
    if outcome.run.left:
        return f"{client.name}: leaves processes behind without a fault: {_named(outcome.run.left)}"
    if outcome.remains:
        return f"{client.name}: leaves objects behind without a fault: {'; '.join(outcome.remains)}"
    return ""


def cut(text: str) -> str:
    """TEXT in one line, and not too long."""
    line = " | ".join(filter(str.strip, text.splitlines()))
    return line if len(line) <= _MOST else f"{line[:_MOST]}.."


def _as_without(client: Client, outcome: Outcome, reference: Outcome) -> list[Problem]:
    problems = []
    excused = client.excuse and re.search(client.excuse, outcome.run.err)
    got, wanted = (_same(client, one.run.out) for one in (outcome, reference))
    if got != wanted:
        problems.append(Problem("output", f"exit status 0, but wrote {cut(got)!r} instead of {cut(wanted)!r}"))
    if outcome.left != reference.left and not excused:
        problems.append(Problem("objects", f"exit status 0, but {_difference(reference.left, outcome.left)}"))
    return problems


def _failed(client: Client, outcome: Outcome) -> list[Problem]:
    problems = []
    if not outcome.run.err.strip():
        problems.append(Problem("silent", f"exit status {outcome.run.status} without a word on standard error"))
    if client.excuse and re.search(client.excuse, outcome.run.err):
        return problems
    before, after = outcome.found, outcome.left
    if client.keeps == "units":
        before, after = _counted(before), _counted(after)
    if before != after:
        said = cut(outcome.run.err)
        problems.append(Problem("objects", f"exit status {outcome.run.status}, {_difference(before, after)} ({said})"))
    return problems


def _same(client: Client, text: str) -> str:
    for expression in client.varies:
        text = re.sub(expression, "*", text)
    return text


def _counted(objects: tuple[str, ...]) -> tuple[str, ...]:
    """The objects without their values, and the sums of these."""
    units = messages = 0
    rest = []
    for one in objects:
        if match := _UNITS.match(one):
            units += sum(map(int, match[2].split()))
        elif match := _MESSAGES.match(one):
            messages += int(match[2])
        rest.append(match[1] if match else one)
    return (*rest, f"{units} units in all", f"{messages} messages in all")


def _difference(before: tuple[str, ...], after: tuple[str, ...]) -> str:
    gone, new = Counter(before) - Counter(after), Counter(after) - Counter(before)
    parts = [f"{word} {'; '.join(one.elements())}" for word, one in (("lacks", gone), ("has", new)) if one]
    return " and ".join(parts)


def _named(processes: tuple[str, ...]) -> str:
    """The processes in short: a script is not shown whole."""
    return ", ".join(one.partition("\n")[0][:_MOST_NAME] for one in processes)


def _listed(client: Client) -> str:
    return ", ".join(map(str, client.status))
