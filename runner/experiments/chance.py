"""Whether a difference is more than chance: the tests of scipy, each for the case that it is made for.

Sources: Dror et al. 2018, The hitchhiker's guide to testing statistical significance in natural language processing; Bouthillier et al.
2021, Accounting for variance in machine learning benchmarks.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

LEVEL = 0.05
"""Differences at least as large come up by chance so often where there is none; what is rarer is called real."""

FEWEST = 3
"""Seeds below which nothing is said of chance."""

RESAMPLES = 1000

MOST = 1000
"""Seeds beyond which nobody will go."""

Test = Literal["paired", "welch", "mcnemar", "bootstrap"]
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Tested:
    """A difference B - A, and how likely one like it is by chance."""

    test: Test
    difference: float
    p: float
    """How often chance alone gives such a difference."""
    low: float | None = None
    """Of the 95 % interval."""
    high: float | None = None
    wins: int | None = None
    """For how many of `count` B is larger."""
    losses: int | None = None
    count: int = 0
    """Seeds, pairs of seeds, or examples."""
    needed: int | None = None
    """With how many seeds a difference of this size would show, if the spread is what it seems."""
    differing: int | None = None
    """Examples that were answered differently."""

    @property
    def is_real(self) -> bool:
        return self.p < LEVEL


def paired_seeds(a: Mapping[int, float], b: Mapping[int, float]) -> Tested:
    """Equal seeds, one pair each, three pairs or more: the t interval of the differences.

    Differences that are all alike have no spread to go by; then the sign test tells how likely it is that all go one way.
    """
    from scipy import stats

    seeds = sorted(set(a) & set(b))
    one, other = (np.array([side[seed] for seed in seeds]) for side in (a, b))
    gains = other - one
    found = Tested(
        "paired", float(gains.mean()), 1.0, wins=int((gains > 0).sum()), losses=int((gains < 0).sum()), count=len(seeds), needed=None
    )
    if np.ptp(gains) <= 1e-12 * max(1.0, np.abs(one).max()):
        return replace(found, p=float(stats.binomtest(found.wins or 0, len(seeds)).pvalue) if abs(found.difference) > 1e-12 else 1.0)
    result = stats.ttest_rel(other, one)
    interval = result.confidence_interval(1 - LEVEL)
    needed = seeds_needed(found.difference, float(gains.std(ddof=1)))
    return replace(found, p=float(result.pvalue), low=float(interval.low), high=float(interval.high), needed=needed)


def welch(a: Sequence[float], b: Sequence[float]) -> Tested:
    """Other seeds, three of each or more: Welch's t interval of the difference of the means."""
    from scipy import stats

    difference, spread = float(np.mean(b) - np.mean(a)), math.hypot(deviation(a), deviation(b))
    found = Tested("welch", difference, 1.0, count=min(len(a), len(b)))
    if spread <= 1e-12 * max(1.0, abs(float(np.mean(a)))):
        return (
            found
            if abs(difference) <= 1e-12
            else replace(
                found,
                p=float(
                    stats.permutation_test(
                        (np.asarray(b), np.asarray(a)), _mean_gain, n_resamples=9999, vectorized=True, rng=np.random.default_rng(0)
                    ).pvalue
                ),
            )
        )
    result = stats.ttest_ind(b, a, equal_var=False)
    interval = result.confidence_interval(1 - LEVEL)
    return replace(
        found, p=float(result.pvalue), low=float(interval.low), high=float(interval.high), needed=seeds_needed(difference, spread)
    )


def mcnemar(a: Array, b: Array, differing: int) -> Tested:
    """One run each, judged right or wrong on the same examples: McNemar's exact test.

    `a` and `b` (n,) say which answers are right. Source: McNemar 1947; Dietterich 1998, Approximate statistical tests for comparing
    supervised classification learning algorithms.
    """
    from scipy import stats

    wins, losses = int((b & ~a).sum()), int((a & ~b).sum())
    p = float(stats.binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0
    return Tested("mcnemar", float(b.mean() - a.mean()), p, wins=wins, losses=losses, count=len(a), differing=differing)


def bootstrap(a: Callable[[Array], float], b: Callable[[Array], float], count: int, differing: int) -> Tested:
    """One run each, any figure of the same examples: the examples are drawn anew, for both at once.

    `a` and `b` give the figure of some examples, by their places. The same draws each time, so the answer is the same each time.
    """
    places = np.arange(count)
    difference = b(places) - a(places)
    result = _resampled(lambda drawn: b(drawn) - a(drawn), count)
    drawn = result.bootstrap_distribution
    p = min(1.0, 2 * (1 + min((drawn <= 0).sum(), (drawn >= 0).sum())) / (1 + len(drawn)))
    interval = result.confidence_interval
    return Tested("bootstrap", difference, float(p), float(interval.low), float(interval.high), count=count, differing=differing)


def standard_error(figure: Callable[[Array], float], count: int) -> float:
    """How far a figure would move on other examples of the same kind."""
    return float(_resampled(figure, count).standard_error)


def interval(values: Sequence[float]) -> tuple[float, float] | None:
    """The 95 % t interval of a mean; None of fewer than three values."""
    from scipy import stats

    if len(values) < FEWEST:
        return None
    if np.ptp(values) == 0:
        return float(values[0]), float(values[0])
    low, high = stats.t.interval(1 - LEVEL, len(values) - 1, np.mean(values), stats.sem(values))
    return float(low), float(high)


def seeds_needed(difference: float, deviation: float) -> int | None:
    """The fewest seeds, three or more, with which the t interval of such a difference would leave out 0; None beyond a thousand.

    `deviation` is that of one difference, as far as it is known.
    """
    from scipy import stats

    for count in range(FEWEST, MOST + 1):
        if abs(difference) > stats.t.ppf(1 - LEVEL / 2, count - 1) * deviation / math.sqrt(count):
            return count
    return None


def holm(values: Sequence[float], of: int) -> list[float]:
    """The p values corrected for being some of `of` comparisons.

    Source: Holm 1979, A simple sequentially rejective multiple test procedure.
    """
    corrected, largest = [0.0] * len(values), 0.0
    for rank, place in enumerate(np.argsort(values, kind="stable").tolist()):
        largest = max(largest, min(1.0, values[place] * (of - rank)))
        corrected[place] = largest
    return corrected


def _resampled(figure: Callable[[Array], float], count: int) -> Any:
    from scipy import stats

    with warnings.catch_warnings():  # of classes that a draw lacks
        warnings.simplefilter("ignore")
        return stats.bootstrap(
            (np.arange(count),), figure, n_resamples=RESAMPLES, vectorized=False, method="percentile", rng=np.random.default_rng(0)
        )


def deviation(values: Sequence[float]) -> float:
    """The standard deviation; 0 of a single value."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0


def _mean_gain(b: Array, a: Array, axis: int) -> Any:
    return np.mean(b, axis=axis) - np.mean(a, axis=axis)
