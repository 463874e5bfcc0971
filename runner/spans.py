"""Where the time of a run goes: stretches of code say what they are for, and `--profile` counts them.

Where nobody counts, a stretch costs a tenth of a microsecond. Times are those of the clock; on a GPU work is counted where it is waited
for.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType

EVENTS = 100_000
"""Most stretches that a trace holds: the first ones. All are in the table."""


class Span:
    """A kind of stretch; within another one its time is its own, and not the other's."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        if _profile is not None:
            _profile.enter(self.name)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if _profile is not None:
            _profile.leave()


IMPORTS = Span("imports")
DATA = Span("data")
NETWORK = Span("network")
COMPILATION = Span("compilation of loops")
BATCHES = Span("batches")
FORWARD = Span("forward")
BACKWARD = Span("backward")
OPTIMIZER = Span("optimizer")
STEP = Span("rest of the steps")
EVALUATION = Span("evaluation")
CHECKPOINTS = Span("checkpoints")
BASELINE = Span("baseline")
RECORD = Span("pictures, predictions, model")
TRACKING = Span("figures to the journal")
WAITING = Span("waiting for MLflow")

BEFORE, ELSE = "start of the process, checks", "everything else"


@dataclass
class Profile:
    """The stretches of one run."""

    began: float
    """When the process did, by `time.perf_counter`."""
    seconds: dict[str, float] = field(default_factory=dict)
    """By kind, without what was within them."""
    counts: dict[str, int] = field(default_factory=dict)
    events: list[tuple[str, float, float]] = field(default_factory=list)
    """(kind, beginning, end)."""
    _open: list[list[float]] = field(default_factory=list)
    """For each stretch that has not ended: when it began, and how long others took within it."""
    _names: list[str] = field(default_factory=list)

    def enter(self, name: str) -> None:
        self._names.append(name)
        self._open.append([time.perf_counter(), 0.0])

    def leave(self) -> None:
        end, name = time.perf_counter(), self._names.pop()
        begin, within = self._open.pop()
        self.seconds[name] = self.seconds.get(name, 0.0) + (end - begin) - within
        self.counts[name] = self.counts.get(name, 0) + 1
        if self._open:
            self._open[-1][1] += end - begin
        if len(self.events) < EVENTS:
            self.events.append((name, begin, end))

    def shares(self) -> Mapping[str, tuple[float, int]]:
        """(seconds, how often) of each kind, the longest first, with what no stretch accounts for."""
        known = {name: (seconds, self.counts[name]) for name, seconds in self.seconds.items()}
        known[ELSE] = (time.perf_counter() - self.began - sum(self.seconds.values()), 1)
        return dict(sorted(known.items(), key=lambda one: -one[1][0]))

    def trace(self) -> str:
        """The stretches in the format of Chrome's tracing, which chrome://tracing and ui.perfetto.dev show."""
        events = [
            {"name": name, "ph": "X", "pid": 1, "tid": 1, "ts": round(1e6 * (begin - self.began)), "dur": round(1e6 * (end - begin))}
            for name, begin, end in sorted(self.events, key=lambda event: event[1])
        ]
        return json.dumps({"traceEvents": events, "displayTimeUnit": "ms"})


_profile: Profile | None = None

_counted = False
"""Whether the start of the process was counted to a run."""


def profile() -> Profile | None:
    """What is being counted; None where nobody asked for it."""
    return _profile


@contextmanager
def profiled() -> Iterator[Profile]:
    """Within it, stretches are counted."""
    global _profile, _counted
    age = 0.0 if _counted else _age()
    _counted = True
    _profile = Profile(time.perf_counter() - age, {BEFORE: age}, {BEFORE: 1})
    try:
        yield _profile
    finally:
        _profile = None


def _age() -> float:
    """Seconds since this process began."""
    import psutil  # type: ignore[import-untyped]

    return max(0.0, time.time() - float(psutil.Process().create_time()))
