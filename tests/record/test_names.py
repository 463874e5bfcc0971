"""How a run is called."""

from __future__ import annotations

import re

import pytest

from nnrun.runner.record.names import differences, run_name


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ([], ""),
        (["train.optimizer.lr=0.01"], "lr=0.01"),
        (["train.optimizer.lr=0.01", "nodes.hidden.units=16"], "lr=0.01 units=16"),
        (["nodes.one.units=8", "nodes.two.units=16"], "one.units=8 two.units=16"),
        (["train.optimizer={type: sgd, lr: 1e-2}"], "optimizer={type: sgd, lr: 1e-2}"),
        (["nodes.h.is=a == b"], "is=a == b"),
        (["train.seed=1", "train.seed=2"], "seed=2"),
        (["name=x"], "name=x"),
    ],
)
def test_a_run_is_called_by_what_differs_from_its_spec(settings: list[str], name: str) -> None:
    assert differences(settings) == name


def test_four_letters_tell_runs_of_one_name_apart() -> None:
    names = {run_name(["train.seed=1"]) for _ in range(20)}

    assert len(names) > 15
    assert all(re.fullmatch(r"seed=1 · [a-z]{4}", name) for name in names)
    assert re.fullmatch(r"as written · [a-z]{4}", run_name([]))
