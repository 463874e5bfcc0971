"""The short form of the campaign."""

from __future__ import annotations

from pathlib import Path

from tests.faults.memory import Case, outcome


def test_a_training_that_address_space_does_not_hold_ends_with_both_numbers_and_what_to_reduce(tmp_path: Path) -> None:
    held, what = outcome(Case("mlp_digits", ("nodes.hidden.units=3000000",), 2.5, None), tmp_path)

    assert held, what
    assert "the training needs about" in what


def test_memory_that_runs_out_on_the_way_ends_in_the_same_words(tmp_path: Path) -> None:
    held, what = outcome(Case("mlp_digits", ("train.epochs=1000", "nodes.hidden.units=50000"), 64.0, 0.2), tmp_path)

    assert held, what
