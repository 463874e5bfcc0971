"""The short form of the campaign."""

from __future__ import annotations

from tests.faults.not_finite import campaign


def test_numbers_that_are_none_stop_a_run_before_its_weights_are_lost() -> None:
    assert campaign(10, seed=1) == 10
