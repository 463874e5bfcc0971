"""A rate that falls by what evaluations find: in a training it is torch's, and what it watches must be there."""

from __future__ import annotations

import pytest
import torch
from torch.optim.lr_scheduler import ReduceLROnPlateau

from nnrun.registry.field import DataError
from tests.engine.support import build, train
from tests.engine.test_training import POINTS, points

SETTINGS = ("train.epochs=12", "train.evaluate_every=2", "train.optimizer={type: sgd, lr: 0.5}")


@pytest.mark.parametrize(("monitor", "mode"), [("valid/loss", "min"), ("valid/accuracy", "max")])
def test_the_rates_of_a_training_are_those_of_torch(monitor: str, mode: str) -> None:
    schedule = f"train.schedule={{type: reduce_on_plateau, monitor: {monitor}, factor: 0.5, patience: 1, min_delta: 0.01}}"
    _, watcher = train(build(POINTS, points(), *SETTINGS, schedule))
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
    reference = ReduceLROnPlateau(optimizer, mode, factor=0.5, patience=0, threshold=0.01, threshold_mode="abs")  # type: ignore[arg-type]

    rates, expected = [], []
    for _, figures in watcher.said:
        if "train/lr" in figures:
            rates.append(figures["train/lr"])
            expected.append(optimizer.param_groups[0]["lr"])
        elif monitor in figures:
            reference.step(figures[monitor])

    assert len(set(rates)) > 3
    assert rates == pytest.approx(expected)


def test_without_a_validation_part_there_is_nothing_to_watch() -> None:
    built = build(POINTS.replace("valid: 0.25", "valid: 0"), points(), "train.schedule=reduce_on_plateau")

    with pytest.raises(DataError, match="`reduce_on_plateau` watches the validation part, which has no examples") as caught:
        train(built)
    assert caught.value.path == ("train", "schedule")
