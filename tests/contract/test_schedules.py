"""Every schedule against its closed form, or torch's scheduler."""

from __future__ import annotations

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
from nnrun.registry.training import Schedule

STEPS = 40

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
}
"""Another value of every option."""
REQUIRED = {"step": {"every": 10}, "exponential": {"every": 10}}


def make(config: Mapping[str, Any]) -> Schedule:
    cls = find("schedule", config["type"])
    assert cls is not None
    schedule = cls.model_validate(dict(config))
    assert isinstance(schedule, Schedule)
    return schedule


def factors(config: Mapping[str, Any], steps: int = STEPS) -> list[float]:
    schedule = make(config)
    return [schedule.factor(step, steps) for step in range(steps)]


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
            if len(rates) < STEPS:
                reference.step()

    assert factors(config) == pytest.approx(rates, abs=1e-9)


def test_every_option_of_every_schedule_has_another_value() -> None:
    assert {type: set(changes) for type, changes in CHANGES.items()} == {
        type: set(cls.model_fields) - {"type"} for type, cls in all_of("schedule").items()
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


@pytest.mark.parametrize("type", [type for type, cls in all_of("schedule").items() if issubclass(cls, Warmed)])
def test_warm_up_rises_evenly_to_the_full_rate_where_the_schedule_begins(type: str) -> None:
    config = {"type": type, **REQUIRED.get(type, {})}

    assert factors({**config, "warmup": 4}) == pytest.approx([0.2, 0.4, 0.6, 0.8, *factors(config, STEPS - 4)])


@pytest.mark.parametrize("type", [type for type, cls in all_of("schedule").items() if issubclass(cls, Warmed)])
def test_warm_up_longer_than_the_training_only_rises(type: str) -> None:
    rates = factors({"type": type, **REQUIRED.get(type, {}), "warmup": 100}, steps=10)

    assert rates == pytest.approx([(step + 1) / 101 for step in range(10)])


@pytest.mark.parametrize("type", ["linear", "polynomial", "cosine"])
def test_annealing_ends_where_it_should(type: str) -> None:
    assert make({"type": type, "end": 0.1}).factor(STEPS, STEPS) == pytest.approx(0.1)
