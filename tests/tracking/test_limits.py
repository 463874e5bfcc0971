"""What we send is what MLflow takes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow.utils.validation import _validate_metric_name

from nnrun.runner.tracking import limits


@given(st.text(max_size=300))
def test_mlflow_takes_every_key(text: str) -> None:
    _validate_metric_name(limits.key(text))  # type: ignore[no-untyped-call]

    assert len(limits.key(text)) <= 250


@given(st.text(max_size=300))
def test_a_good_key_stays_as_it_is(text: str) -> None:
    assert limits.key(limits.key(text)) == limits.key(text)


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ("valid/accuracy", "valid/accuracy"),
        ("nodes.inception.towers[0][1].filters", "nodes.inception.towers.0.1.filters"),
        ("a%b=c", "a_b_c"),
        ("../x//y/", "x/y"),
        ("", "_"),
    ],
)
def test_a_bad_key_becomes_the_nearest_good_one(given: str, key: str) -> None:
    assert limits.key(given) == key


def test_a_long_text_says_that_it_was_cut() -> None:
    assert limits.cut("abcdef", 4) == "abc…"
