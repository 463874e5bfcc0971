"""Runs side by side, and whether a difference is more than chance."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from nnrun.runner.experiments.answers import KEPT, Answers
from nnrun.runner.experiments.chance import (
    FEWEST,
    Tested,
    bootstrap,
    deviation,
    holm,
    interval,
    mcnemar,
    paired_seeds,
    seeds_needed,
    standard_error,
    welch,
)
from nnrun.runner.experiments.figures import Measure, measures, value
from nnrun.runner.experiments.groups import Group, differing_params
from nnrun.runner.tracking.asked.listed import Listed

OTHER = "they were tested on other examples"

JUDGED = ("data.source", "data.split", "data.file", "data.window", "data.samples")
"""Params that say which examples a run is judged by."""

Fetch = Callable[[Listed], Answers | None]
"""The answers that a run has kept, if it has."""


@dataclass(frozen=True)
class Side:
    """A group with its figures."""

    group: Group
    figures: dict[str, tuple[float, ...]]
    """Of each measure, one for each run that counts."""
    errors: dict[str, float]
    """Of a single run, how far a figure would move on other examples of the same kind, where that had to be asked."""

    @property
    def name(self) -> str:
        return self.group.name

    def mean(self, measure: Measure) -> float:
        return float(np.mean(self.figures[measure.name]))

    def interval(self, measure: Measure) -> tuple[float, float] | None:
        return interval(self.figures[measure.name])


@dataclass(frozen=True)
class Pair:
    """The best beside another: what was tested, or why nothing could be."""

    best: Side
    other: Side
    difference: float
    """That of the best less that of the other."""
    tested: Tested | None = None
    why_not: str | None = None
    needed: int | None = None
    """With how many seeds such a difference would show, where too few are there to test it."""
    p: float | None = None
    """After Holm's correction, where there are several pairs."""

    @property
    def is_real(self) -> bool:
        return self.tested is not None and replace(self.tested, p=self.p if self.p is not None else self.tested.p).is_real


@dataclass(frozen=True)
class Comparison:
    """All that is found; `verdict.py` says it, `tables.py` shows it."""

    measure: Measure
    measures: tuple[Measure, ...]
    sides: tuple[Side, ...]
    pairs: tuple[Pair, ...]
    notes: tuple[str, ...]
    tests: int = 0
    """For how many pairs the p values are corrected."""

    @cached_property
    def best(self) -> Side:
        return self.pairs[0].best if self.pairs else self.sides[0]


def compare(groups: Sequence[Group], fetch: Fetch, metric: str | None = None, part: str | None = None) -> Comparison:
    """Compare groups by one figure, and show the others beside it. Raises: NoFigure if they have none in common."""
    measure, others = measures([run for group in groups for run in group.counted], metric, part)
    shown = (measure, *others)
    sides = tuple(Side(group, {one.name: tuple(value(run, one) for run in group.counted) for one in shown}, {}) for group in groups)
    order = sorted(sides, key=lambda side: side.mean(measure), reverse=measure.higher is not False)
    answers = {side.name: fetch(side.group.counted[0]) for side in sides}
    pairs = [_pair(order[0], other, measure, answers) for other in order[1:]]
    tested = [pair.tested.p for pair in pairs if pair.tested is not None]
    tests = len(tested) * (len(tested) + 1) // 2  # all pairs of the groups that can be compared, as any of them could have been the best
    if tests > 1:
        corrected = iter(holm(tested, tests))
        pairs = [replace(pair, p=next(corrected)) if pair.tested is not None else pair for pair in pairs]
    return Comparison(measure, shown, _with_errors(sides, pairs, measure, answers), tuple(pairs), tuple(_notes(groups, measure)), tests)


def _pair(best: Side, other: Side, measure: Measure, answers: dict[str, Answers | None]) -> Pair:
    pair = Pair(best, other, best.mean(measure) - other.mean(measure))
    a, b = other.group, best.group
    if len(a.counted) == len(b.counted) == 1:
        return _on_examples(pair, measure, answers[other.name], answers[best.name])
    ours, theirs = best.figures[measure.name], other.figures[measure.name]
    seeded = [dict(zip(sorted(one.by_seed), figures, strict=False)) for one, figures in ((a, theirs), (b, ours))]
    is_paired = bool(seeded[0]) and set(seeded[0]) == set(seeded[1])
    if not _same_examples(a.runs[0], b.runs[0], answers[other.name], answers[best.name]):
        return replace(pair, why_not=OTHER)
    if min(len(ours), len(theirs)) >= FEWEST:
        return replace(pair, tested=paired_seeds(*seeded) if is_paired else welch(theirs, ours))
    if is_paired:
        spread = deviation([seeded[1][seed] - seeded[0][seed] for seed in seeded[0]])
    else:  # a single run is taken to vary as the others do
        known = [deviation(one) for one in (ours, theirs) if len(one) > 1]
        spread = math.hypot(known[0], known[-1])
    why = f"{_seeds(a)}, {_seeds(b)}, and fewer than three of each say nothing of chance"
    return replace(pair, why_not=why, needed=seeds_needed(pair.difference, spread) if spread > 0 else None)


def _on_examples(pair: Pair, measure: Measure, a: Answers | None, b: Answers | None) -> Pair:
    """One run each: by the examples that both were tested with."""
    without = [side.name for side, one in ((pair.other, a), (pair.best, b)) if one is None]
    if a is None or b is None:
        kept = "have" if len(without) > 1 else "has"
        return replace(pair, why_not=f"{' and '.join(without)} {kept} no `{KEPT}`, which runs of earlier versions did not keep")
    if {a.about.get("part"), b.about.get("part")} != {measure.part or a.about.get("part")}:
        return replace(pair, why_not=f"the answers that were kept are of the {a.about.get('part')} part")
    if not a.same_examples(b):
        return replace(pair, why_not=OTHER)
    figures = [one.figure(measure.label, side.figures[measure.name][0]) for side, one in ((pair.other, a), (pair.best, b))]
    if figures[0] is None or figures[1] is None:
        return replace(pair, why_not=f"`{measure.label}` cannot be computed again from the answers that were kept")
    right, differing = (a.right(measure.label), b.right(measure.label)), a.differing(b)
    if right[0] is not None and right[1] is not None:
        return replace(pair, tested=mcnemar(right[0], right[1], differing))
    return replace(pair, tested=bootstrap(figures[0], figures[1], len(a), differing))


def _same_examples(a: Listed, b: Listed, one: Answers | None, other: Answers | None) -> bool:
    """Whether two runs were tested on the same examples: by what they have kept, else by what they say of their data."""
    if one is not None and other is not None:
        return one.same_examples(other)
    if a.tag("data_hash") and b.tag("data_hash"):
        return a.tag("data_hash") == b.tag("data_hash")
    return not any(name.startswith(JUDGED) for name in differing_params([a, b]))


def _seeds(group: Group) -> str:
    count = len(group.counted)
    return f"{group.name} has {count} seed{'s' * (count > 1)}"


def _with_errors(sides: Sequence[Side], pairs: Sequence[Pair], measure: Measure, answers: dict[str, Answers | None]) -> tuple[Side, ...]:
    """Where single runs cannot be told apart on examples, the standard error of each says how much a figure is worth."""
    asked = {side.name for pair in pairs if pair.why_not for side in (pair.best, pair.other) if len(side.group.counted) == 1}
    result = []
    for side in sides:
        held = answers.get(side.name) if side.name in asked else None
        figure = held.figure(measure.label, side.figures[measure.name][0]) if held is not None else None
        errors = {measure.name: standard_error(figure, len(held))} if figure is not None and held is not None else {}
        result.append(replace(side, errors=errors))
    return tuple(result)


def _notes(groups: Sequence[Group], measure: Measure) -> list[str]:
    notes = []
    for group in groups:
        if again := len(group.runs) - len(group.counted):
            notes.append(f"{group.name}: of runs with one seed only the latest counts, so {again} of {len(group.runs)} are left out")
        if group.runs and not group.by_seed and len(group.runs) > 1:
            notes.append(f"{group.name}: its runs do not say their seed, so they are taken as different ones")
    if measure.part == "valid":
        notes.append("of the validation part, the figure that weights were kept by is that of the kept ones, others are of the last")
    if len(groups) > 2:
        notes.append(f"the best of {len(groups)} is chosen by the figure that it is judged by, which flatters it; fresh seeds do not")
    return notes


def as_json(comparison: Comparison, verdict: str) -> dict[str, Any]:
    """The same for programs."""
    return {
        "verdict": verdict,
        "metric": comparison.measure.name,
        "higher_is_better": comparison.measure.higher,
        "groups": [
            {
                "name": side.name,
                "runs": [run.run_id for run in side.group.counted],
                "seeds": sorted(side.group.by_seed),
                "figures": {
                    one.name: {
                        "mean": side.mean(one),
                        "values": list(side.figures[one.name]),
                        "interval": side.interval(one),
                        "standard_error": side.errors.get(one.name),
                    }
                    for one in comparison.measures
                },
            }
            for side in comparison.sides
        ],
        "pairs": [
            {
                "best": pair.best.name,
                "other": pair.other.name,
                "difference": pair.difference,
                "real": pair.is_real if pair.tested else None,
                "test": pair.tested.test if pair.tested else None,
                "interval": [pair.tested.low, pair.tested.high] if pair.tested and pair.tested.low is not None else None,
                "p": pair.tested.p if pair.tested else None,
                "corrected_p": pair.p,
                "wins": pair.tested.wins if pair.tested else None,
                "losses": pair.tested.losses if pair.tested else None,
                "count": pair.tested.count if pair.tested else None,
                "differing": pair.tested.differing if pair.tested else None,
                "needed": pair.tested.needed if pair.tested else pair.needed,
                "why_not": pair.why_not,
            }
            for pair in comparison.pairs
        ],
        "notes": list(comparison.notes),
    }
