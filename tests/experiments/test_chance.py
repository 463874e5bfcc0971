"""The tests of chance: known values, and the law that they hold to."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as reference
from statsmodels.stats.multitest import multipletests

from nnrun.runner.experiments.chance import bootstrap, holm, interval, mcnemar, paired_seeds, seeds_needed, standard_error, welch

TRIALS = 400


def allowed(trials: int) -> tuple[int, int]:
    """So many of these trials are called real at a level of 5 %, but for one time in ten thousand."""
    low, high = stats.binom.interval(0.9999, trials, 0.05)
    return int(low), int(high)


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_paired_groups_of_one_distribution_are_called_different_in_5_of_100_cases(seeds: int) -> None:
    rng = np.random.default_rng(seeds)
    low, high = allowed(TRIALS)

    def one() -> bool:
        common = rng.normal(0.9, 0.05, seeds)  # a seed may be good or bad for both
        a, b = (dict(enumerate((common + rng.normal(0, 0.01, seeds)).tolist())) for _ in range(2))
        return paired_seeds(a, b).is_real

    assert low <= sum(one() for _ in range(TRIALS)) <= high


@pytest.mark.parametrize(("ours", "theirs"), [(5, 5), (4, 9), (10, 30)])
def test_unpaired_groups_of_one_distribution_are_called_different_in_5_of_100_cases(ours: int, theirs: int) -> None:
    rng = np.random.default_rng(ours)
    low, high = allowed(TRIALS)

    real = sum(welch(rng.normal(0.9, 0.02, ours).tolist(), rng.normal(0.9, 0.02, theirs).tolist()).is_real for _ in range(TRIALS))

    assert low <= real <= high


def test_single_runs_that_are_equally_good_are_called_different_in_at_most_5_of_100_cases() -> None:
    rng = np.random.default_rng(1)

    def one() -> bool:
        a, b = (rng.random(300) < 0.9 for _ in range(2))
        return mcnemar(a, b, int((a != b).sum())).is_real

    assert sum(one() for _ in range(TRIALS)) <= allowed(TRIALS)[1]  # the exact test is on the safe side


def test_bootstrapped_figures_that_are_equal_are_called_different_in_5_of_100_cases() -> None:
    rng = np.random.default_rng(2)
    trials = 60

    def one() -> bool:
        a, b = (rng.exponential(1.0, 150) for _ in range(2))
        return bootstrap(lambda places: float(a[places].mean()), lambda places: float(b[places].mean()), 150, 150).is_real

    assert sum(one() for _ in range(trials)) <= allowed(trials)[1]


def test_a_difference_as_large_as_ten_deviations_is_found() -> None:
    rng = np.random.default_rng(3)
    a = dict(enumerate(rng.normal(0.8, 0.01, 5).tolist()))
    b = dict(enumerate(rng.normal(0.9, 0.01, 5).tolist()))

    assert paired_seeds(a, b).is_real
    assert welch(list(a.values()), list(b.values())).is_real


def test_a_paired_interval_is_that_of_the_hand() -> None:
    # differences 1, 2, 6: mean 3, deviation sqrt(7), t(0.975, 2) = 4.30265; half = 4.30265 * sqrt(7) / sqrt(3) = 6.57249
    found = paired_seeds({1: 1.0, 2: 2.0, 3: 3.0}, {1: 2.0, 2: 4.0, 3: 9.0})

    assert found.difference == pytest.approx(3)
    assert (found.low, found.high) == pytest.approx((3 - 6.57249, 3 + 6.57249), abs=1e-4)
    assert (found.wins, found.count) == (3, 3)
    assert not found.is_real


def test_only_seeds_that_both_have_are_paired() -> None:
    found = paired_seeds({1: 1.0, 2: 2.0, 3: 3.0, 9: 100.0}, {1: 2.0, 2: 4.0, 3: 9.0, 8: -100.0})

    assert (found.difference, found.count) == (pytest.approx(3), 3)


def test_welch_is_that_of_the_hand() -> None:
    # means 2 and 6, variances 1 and 4, n 3 each: se = sqrt(1/3 + 4/3) = 1.29099, t = 3.09839,
    # df = (5/3)^2 / ((1/3)^2/2 + (4/3)^2/2) = 2.94118
    found = welch([1.0, 2.0, 3.0], [4.0, 6.0, 8.0])

    assert found.difference == pytest.approx(4)
    assert found.p == pytest.approx(2 * stats.t.sf(3.09839, 2.94118), rel=1e-4)


def test_mcnemar_is_that_of_the_textbook() -> None:
    # Agresti, Categorical data analysis, table 11.1: approval of 1600 people twice, 150 went over to no and 86 to yes.
    a = np.repeat([True, True, False, False], [794, 150, 86, 570])
    b = np.repeat([True, False, True, False], [794, 150, 86, 570])

    found = mcnemar(a, b, 236)

    assert (found.wins, found.losses, found.count) == (86, 150, 1600)
    assert found.p == pytest.approx(reference([[794, 150], [86, 570]], exact=True).pvalue)
    assert found.difference == pytest.approx((86 - 150) / 1600)


def test_runs_that_answer_alike_differ_by_nothing() -> None:
    right = np.array([True, False, True])

    assert mcnemar(right, right, 0).p == 1.0


def test_differences_that_are_all_alike_are_told_by_their_signs() -> None:
    # five of five one way: 2 * 0.5^5 = 0.0625
    found = paired_seeds(dict.fromkeys(range(5), 0.5), dict.fromkeys(range(5), 0.75))

    assert found.p == pytest.approx(0.0625)
    assert found.low is None


def test_the_bootstrapped_interval_of_a_mean_is_near_that_of_the_normal_distribution() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(0, 1, 2000), rng.normal(0.1, 1, 2000)
    half = 1.96 * (b - a).std(ddof=1) / np.sqrt(2000)

    found = bootstrap(lambda places: float(a[places].mean()), lambda places: float(b[places].mean()), 2000, 2000)

    assert found.low == pytest.approx(found.difference - half, abs=0.1 * half)
    assert found.high == pytest.approx(found.difference + half, abs=0.1 * half)
    assert standard_error(lambda places: float(a[places].mean()), 2000) == pytest.approx(a.std() / np.sqrt(2000), rel=0.1)


def test_fewer_than_three_values_have_no_interval() -> None:
    assert interval([0.9, 0.8]) is None
    assert interval([0.7, 0.8, 0.9]) == pytest.approx((0.8 - 4.30265 * 0.1 / np.sqrt(3), 0.8 + 4.30265 * 0.1 / np.sqrt(3)), abs=1e-5)


def test_the_seeds_needed_are_the_fewest_that_leave_out_0() -> None:
    # difference as large as the deviation: t(0.975, n - 1) / sqrt(n) is 1.05 for n = 6 and 0.92 for n = 7
    assert seeds_needed(0.1, 0.1) == 7
    assert seeds_needed(0.00001, 1.0) is None


def test_holm_is_that_of_statsmodels() -> None:
    values = [0.01, 0.04, 0.03, 0.005, 0.6]

    assert holm(values, 5) == pytest.approx(multipletests(values, method="holm")[1].tolist())
