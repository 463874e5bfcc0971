"""Every schedule against its closed form, or torch's scheduler."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from math import cos, pi
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim import lr_scheduler as torchs

from nnrun.registry.catalog import all_of, find
from nnrun.registry.schedules.warmup import Warmed
from nnrun.registry.training import Schedule, Seen, Watching

STEPS = 40

FIGURES = {"valid/loss": [3.0 - 0.4 * min(step, 4) - 0.05 * (step > 9) for step in range(STEPS)], "valid/mae": [1.0] * STEPS}
"""What evaluations find: the loss falls, rests, falls a little, and rests."""

ABSOLUTE: dict[str, Any] = {"threshold_mode": "abs", "eps": 0.0}
"""A gain is a difference; no fall is too small."""

Scheduler = Callable[[torch.optim.Optimizer], torchs.LRScheduler]


def by(form: Callable[[int], float]) -> Scheduler:
    """A closed form as a scheduler."""
    return lambda optimizer: torchs.LambdaLR(optimizer, form)


ROWS: list[tuple[dict[str, Any], Scheduler]] = [
    ({"type": "constant"}, by(lambda _: 1.0)),
    ({"type": "constant", "warmup": 4}, lambda o: torchs.LinearLR(o, start_factor=1 / 5, total_iters=4)),
    ({"type": "step", "every": 7}, lambda o: torchs.StepLR(o, 7, gamma=0.1)),
    ({"type": "step", "every": 7, "decay": 0.5}, lambda o: torchs.StepLR(o, 7, gamma=0.5)),
    ({"type": "exponential", "every": 1, "decay": 0.9}, lambda o: torchs.ExponentialLR(o, 0.9)),
    ({"type": "exponential", "every": 10}, by(lambda step: 0.1 ** (step / 10))),
    ({"type": "linear"}, lambda o: torchs.LinearLR(o, 1.0, 0.0, STEPS)),
    ({"type": "linear", "end": 0.2}, lambda o: torchs.LinearLR(o, 1.0, 0.2, STEPS)),
    ({"type": "polynomial", "power": 3.0}, lambda o: torchs.PolynomialLR(o, STEPS, 3.0)),
    ({"type": "polynomial", "end": 0.2}, by(lambda step: 0.2 + 0.8 * (1 - step / STEPS) ** 2)),
    ({"type": "cosine"}, lambda o: torchs.CosineAnnealingLR(o, STEPS)),
    ({"type": "cosine", "end": 0.2}, lambda o: torchs.CosineAnnealingLR(o, STEPS, eta_min=0.2)),
    ({"type": "cosine", "warmup": 8}, by(lambda step: (step + 1) / 9 if step < 8 else (1 + cos(pi * (step - 8) / 32)) / 2)),
    ({"type": "one_cycle"}, lambda o: torchs.OneCycleLR(o, 1.0, STEPS, div_factor=25, final_div_factor=1e4)),
    (
        {"type": "one_cycle", "rise": 0.5, "start": 0.1, "end": 0.01},
        lambda o: torchs.OneCycleLR(o, 1.0, STEPS, pct_start=0.5, div_factor=10, final_div_factor=10),
    ),
    ({"type": "reduce_on_plateau", "factor": 0.5}, lambda o: torchs.ReduceLROnPlateau(o, factor=0.5, patience=1, **ABSOLUTE)),
    (
        {"type": "reduce_on_plateau", "min_delta": 0.1, "cooldown": 2, "patience": 1, "min_lr": 0.01},
        lambda o: torchs.ReduceLROnPlateau(o, threshold=0.1, cooldown=2, patience=0, min_lr=0.01, **ABSOLUTE),
    ),
    ({"type": "inverse_sqrt", "warmup": 10}, by(lambda step: 10**0.5 * min((step + 1) ** -0.5, (step + 1) * 10**-1.5))),
]
each_row = pytest.mark.parametrize(("config", "scheduler"), ROWS, ids=[str(config) for config, _ in ROWS])

CHANGES: dict[str, dict[str, Any]] = {
    "constant": {"warmup": 5},
    "step": {"every": 3, "decay": 0.5, "warmup": 5},
    "exponential": {"every": 3, "decay": 0.5, "warmup": 5},
    "linear": {"end": 0.5, "warmup": 5},
    "polynomial": {"end": 0.5, "power": 0.5, "warmup": 5},
    "cosine": {"end": 0.5, "warmup": 5},
    "one_cycle": {"rise": 0.5, "start": 0.5, "end": 0.5},
    "inverse_sqrt": {"warmup": 5},
    "reduce_on_plateau": {
        "monitor": "valid/mae", "factor": 0.5, "patience": 1, "min_delta": 0.5, "cooldown": 3, "min_lr": 0.05, "warmup": 5,
    },
}  # fmt: skip
"""Another value of every option."""
REQUIRED = {"step": {"every": 10}, "exponential": {"every": 10}}


def make(config: Mapping[str, Any]) -> Schedule:
    cls = find("schedule", config["type"])
    assert cls is not None
    schedule = cls.model_validate(dict(config))
    assert isinstance(schedule, Schedule)
    return schedule


def factors(config: Mapping[str, Any], steps: int = STEPS) -> list[float]:
    """Of each step, with an evaluation behind each."""
    schedule, found, seen = make(config), [], Seen()
    for step in range(steps):
        left = schedule.left(seen, 1.0) if isinstance(schedule, Watching) else 1.0
        found.append(left * schedule.factor(step, steps))
        if isinstance(schedule, Watching):
            seen = schedule.seen(seen, FIGURES[schedule.monitor][step], higher=False)
    return found


WARMED = [type for type, cls in all_of("schedule").items() if issubclass(cls, Warmed) and not issubclass(cls, Watching)]
"""Those that have the rest of the steps for themselves, behind the warm-up."""


def test_every_schedule_has_a_row() -> None:
    assert sorted({config["type"] for config, _ in ROWS}) == sorted(all_of("schedule"))


@each_row
def test_factor_is_that_of_torch_or_the_closed_form(config: dict[str, Any], scheduler: Scheduler) -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    reference, rates = scheduler(optimizer), []
    for _ in range(STEPS):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's own, of a step beyond the last
            if len(rates) < STEPS and isinstance(reference, torchs.ReduceLROnPlateau):
                reference.step(FIGURES["valid/loss"][len(rates) - 1])
            elif len(rates) < STEPS:
                reference.step()

    assert factors(config) == pytest.approx(rates, abs=1e-9)


def test_every_option_of_every_schedule_has_another_value() -> None:
    assert {type: set(changes) for type, changes in CHANGES.items()} == {
        type: {info.alias or name for name, info in cls.model_fields.items()} - {"type"} for type, cls in all_of("schedule").items()
    }


@pytest.mark.parametrize(("type", "option"), [(type, option) for type, changes in CHANGES.items() for option in changes])
def test_every_option_changes_the_rate(type: str, option: str) -> None:
    config = {"type": type, **REQUIRED.get(type, {})}

    assert factors({**config, option: CHANGES[type][option]}) != pytest.approx(factors(config))


@pytest.mark.parametrize("type", CHANGES)
@given(steps=st.integers(1, 300), data=st.data())
def test_rate_stays_between_nothing_and_full(type: str, steps: int, data: st.DataObject) -> None:
    step = data.draw(st.integers(0, steps - 1))

    assert 0 <= make({"type": type, **REQUIRED.get(type, {})}).factor(step, steps) <= 1


@pytest.mark.parametrize("type", WARMED)
def test_warm_up_rises_evenly_to_the_full_rate_where_the_schedule_begins(type: str) -> None:
    config = {"type": type, **REQUIRED.get(type, {})}

    assert factors({**config, "warmup": 4}) == pytest.approx([0.2, 0.4, 0.6, 0.8, *factors(config, STEPS - 4)])


@pytest.mark.parametrize("type", WARMED)
def test_warm_up_longer_than_the_training_only_rises(type: str) -> None:
    rates = factors({"type": type, **REQUIRED.get(type, {}), "warmup": 100}, steps=10)

    assert rates == pytest.approx([(step + 1) / 101 for step in range(10)])


@given(
    figures=st.lists(st.sampled_from([math.nan, 0.0, 1.0, 1.25, 2.0, 3.0, -1.0]), max_size=40),
    higher=st.booleans(),
    factor=st.sampled_from([0.1, 0.5, 0.9]),
    patience=st.integers(1, 4),
    min_delta=st.sampled_from([0.0, 0.25, 1.0]),
    cooldown=st.integers(0, 3),
    min_lr=st.sampled_from([0.0, 0.03]),
)
def test_a_plateau_is_that_of_torch(
    figures: list[float], higher: bool, factor: float, patience: int, min_delta: float, cooldown: int, min_lr: float
) -> None:
    options = {"factor": factor, "patience": patience, "min_delta": min_delta, "cooldown": cooldown, "min_lr": min_lr}
    schedule = make({"type": "reduce_on_plateau", **options})
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.2)
    reference = torchs.ReduceLROnPlateau(
        optimizer, "max" if higher else "min", factor, patience - 1, min_delta, cooldown=cooldown, min_lr=min_lr, **ABSOLUTE
    )
    seen = Seen()
    assert isinstance(schedule, Watching)
    for figure in figures:
        seen = schedule.seen(seen, figure, higher)
        reference.step(figure)
        assert 0.2 * schedule.left(seen, 0.2) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-12)


@pytest.mark.parametrize("type", ["linear", "polynomial", "cosine"])
def test_annealing_ends_where_it_should(type: str) -> None:
    assert make({"type": type, "end": 0.1}).factor(STEPS, STEPS) == pytest.approx(0.1)
