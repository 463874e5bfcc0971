"""`train: {deterministic: true}`: torch takes deterministic ways, and what has none is refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from nnrun.runner.engine.chance import NotDeterministic
from nnrun.runner.engine.prepare import prepare_torch
from tests.engine.support import build, train
from tests.engine.test_training import POINTS, points


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    torch.use_deterministic_algorithms(False)


class Chancy(nn.Module):
    """An operation that torch refuses, on a CPU too."""

    def forward(self, x: Tensor) -> Tensor:
        return x.clone().put_(torch.tensor([0]), torch.tensor([1.0]))


class ChancyBack(torch.autograd.Function):
    """The same on the way back."""

    @staticmethod
    def forward(ctx: object, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: object, *gradients: Tensor) -> Tensor:
        return gradients[0].clone().put_(torch.tensor([0]), torch.tensor([1.0]))


def test_the_key_turns_torchs_own_mode_on_and_off() -> None:
    modes = []
    for wanted in ("true", "false"):
        spec_train = build(POINTS, points(), f"train.deterministic={wanted}").plan.spec.train
        assert spec_train is not None
        prepare_torch(spec_train)
        modes.append(torch.are_deterministic_algorithms_enabled())

    assert modes == [True, False]


def test_two_trainings_are_equal_to_the_bit() -> None:
    ended = []
    for _ in range(2):
        built = build(POINTS, points(), "train.deterministic=true")
        assert built.plan.spec.train is not None
        prepare_torch(built.plan.spec.train)
        train(built)
        ended.append(built.network.state_dict())

    assert all(torch.equal(ended[0][name], ended[1][name]) for name in ended[0])


def test_an_operation_that_has_no_such_way_is_refused_at_its_node() -> None:
    built = build(POINTS, points(), "train.deterministic=true")
    assert built.plan.spec.train is not None
    prepare_torch(built.plan.spec.train)
    built.network.runs["hidden"].register_forward_hook(lambda module, given, value: Chancy()(value))

    with pytest.raises(NotDeterministic, match=r"but `put_` in `hidden` may give other results from run to run"):
        train(built)


def test_an_operation_of_the_way_back_is_refused_too() -> None:
    built = build(POINTS, points(), "train.deterministic=true", "data.split={valid: 0, test: 0}")
    assert built.plan.spec.train is not None
    prepare_torch(built.plan.spec.train)
    built.network.runs["hidden"].register_forward_hook(lambda module, given, value: ChancyBack.apply(value))

    with pytest.raises(NotDeterministic, match="`put_` may give other results"):
        train(built)
