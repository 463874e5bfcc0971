"""The short form of the campaign against what is kept."""

from __future__ import annotations

from tests.faults.damage import campaign


def test_no_damage_of_a_checkpoint_or_a_model_goes_unnoticed() -> None:
    assert campaign(200, seed=3) == 200
