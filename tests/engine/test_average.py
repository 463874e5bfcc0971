"""The moving average of weights: torch's, judged and kept, while the training goes on with the weights themselves."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from nnrun.runner.engine.training.backprop import Backprop
from tests.engine.support import CPU, Built, build, train
from tests.engine.test_training import POINTS, points

NORMED = POINTS.replace("edges: [x -> hidden -> scores]", "  norm: {type: batch_norm}\nedges: [x -> hidden -> norm -> scores]")

AVERAGE = "train.average={decay: 0.9, start: 3}"


def built(*settings: str, text: str = NORMED) -> Built:
    return build(text, points(), *settings)


def figures(made: Built, name: str) -> list[float]:
    return [said[name] for _, said in train(made)[1].said if name in said]


def test_it_is_that_of_torch_to_the_bit() -> None:
    made = built(AVERAGE)
    learner, network = Backprop(made.network, made.plan, made.data, CPU), made.network
    expected = AveragedModel(nn.ParameterList(network.parameters()), multi_avg_fn=get_ema_multi_avg_fn(0.9))  # type: ignore[no-untyped-call]
    number = 0
    for epoch in range(1, 5):
        for batch in learner.batches(epoch):
            learner.step(number := number + 1, batch, due=True)
            own = [weight.clone() for weight in network.parameters()]
            if number > 3:
                expected.update_parameters(nn.ParameterList(network.parameters()))
            with learner.averaged():
                held = own if number <= 3 else list(expected.module.parameters())
                assert all(map(torch.equal, network.parameters(), held))
            assert all(map(torch.equal, network.parameters(), own))

    assert number > 8
    assert not torch.equal(own[0], next(expected.module.parameters()))


def test_running_statistics_are_those_of_the_training() -> None:
    made = built(AVERAGE)
    learner = Backprop(made.network, made.plan, made.data, CPU)
    for number, batch in enumerate((*learner.batches(1), *learner.batches(2)), 1):
        learner.step(number, batch, due=True)
    before = [buffer.clone() for buffer in made.network.buffers()]

    with learner.averaged():
        assert before
        assert all(map(torch.equal, made.network.buffers(), before))


def test_the_training_itself_is_the_same() -> None:
    with_it, without = built(AVERAGE), built()

    assert figures(with_it, "train/loss") == figures(without, "train/loss")
    assert figures(built(AVERAGE), "valid/loss")[1:] != figures(built(), "valid/loss")[1:]


@pytest.mark.parametrize("valid", ["0.25", "0"])
def test_what_is_kept_and_tested_is_the_average(valid: str) -> None:
    text = NORMED.replace("valid: 0.25", f"valid: {valid}")
    made = built("train.average={decay: 0.5}", "train.optimizer={type: sgd, lr: 0.5}", text=text)
    outcome, _ = train(made)
    again = built("train.average={decay: 0.5}", "train.optimizer={type: sgd, lr: 0.5}", text=text)
    learner, number = Backprop(again.network, again.plan, again.data, CPU), 0
    for epoch in range(1, 5):
        for batch in learner.batches(epoch):
            if number < (outcome.best_step or outcome.steps):
                learner.step(number := number + 1, batch, due=True)
    raw = [weight.clone() for weight in again.network.parameters()]

    with learner.averaged():
        assert all(map(torch.equal, made.network.parameters(), again.network.parameters()))
        assert outcome.figures["test/loss"] == learner.evaluator.evaluate(again.data.test, "test")["test/loss"]  # type: ignore[arg-type]
    assert not all(map(torch.equal, made.network.parameters(), raw))
