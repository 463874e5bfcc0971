"""A killed sweep, in short."""

from __future__ import annotations

from tests.faults.sweeps import campaign


def test_a_sweep_that_is_killed_three_times_loses_nothing_and_does_nothing_twice() -> None:
    assert campaign(1, seed=1) == 1
