"""An optimizer that looks at the loss many times in a step: it is torch's, and goes on, alone and in company."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from nnrun.runner.engine.training.backprop import Backprop
from tests.compiler.support import headlines
from tests.engine.support import CPU, build, train
from tests.engine.test_training import POINTS, points

LBFGS = "train.optimizer={type: lbfgs, iterations: 5, history: 4}"

FULL = "train.batch_size=1000"


def test_the_steps_are_those_of_torch() -> None:
    ours, theirs = (build(POINTS, points(), LBFGS, FULL, "train.regularize={l2: 0.01}") for _ in range(2))
    learner = Backprop(ours.network, ours.plan, ours.data, CPU)
    network = theirs.network.train()
    optimizer = torch.optim.LBFGS(network.parameters(), max_iter=5, history_size=4, line_search_fn="strong_wolfe")
    batch = next(learner.batches(1))
    (whole,) = batch

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        value = network(whole, ("scores",))["scores"]
        weights = [weight for name, weight in network.named_parameters() if "bias" not in name]
        loss = torch.nn.functional.cross_entropy(value, whole.values["y"]) + 0.01 * sum(weight.square().sum() for weight in weights)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    for number in range(1, 7):
        learner.step(number, batch, due=True)
        optimizer.step(closure)  # type: ignore[no-untyped-call]

    for own, other in zip(ours.network.parameters(), network.parameters(), strict=True):
        torch.testing.assert_close(own, other, rtol=1e-3, atol=1e-5)


def test_it_finds_what_scikit_learn_finds() -> None:
    text = POINTS.replace("[x -> hidden -> scores]", "[x -> scores]").replace("  hidden: {type: linear, units: 8, activation: tanh}\n", "")
    columns: dict[str, Any] = points(200)
    rng = np.random.default_rng(1)
    columns["y"] = ["yes" if a + rng.normal() > 0 else "no" for a in columns["a"]]
    built = build(text, columns, "train.optimizer=lbfgs", FULL, "train.epochs=5", "data.split={valid: 0, test: 0}")
    train(built)
    x, y = built.data.train.values["x"].numpy(), built.data.train.values["y"].numpy()
    expected = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(x, y)
    weight = next(weight for name, weight in built.network.named_parameters() if weight.dim() == 2).detach().numpy()

    assert weight[1] - weight[0] == pytest.approx(expected.coef_[0], rel=1e-3)


def test_batches_of_an_update_are_one_to_it() -> None:
    one, many = (build(POINTS, points(), LBFGS, *settings, "train.epochs=3") for settings in ((FULL,), ("train.accumulate=3",)))
    _, first = train(one)
    _, second = train(many)

    losses = [[figures["train/loss"] for _, figures in watcher.said if "train/loss" in figures] for watcher in (first, second)]
    assert len(losses[0]) == 3
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


@pytest.mark.parametrize(
    ("option", "given"),
    [("clip_norm: 1.0", "clip_norm: 1.0"), ("precision: fp16", "precision: fp16")],
)
def test_what_is_another_thing_at_each_look_is_refused(option: str, given: str) -> None:
    (headline,) = headlines(POINTS.replace("batch_size: 16", option).replace("{type: adam, lr: 0.02}", "lbfgs"))

    assert headline == (
        "conflicting-keys: `train` takes a loss and gradients that are the same at each look, with the optimizer `lbfgs`, got " + given
    )


def test_its_weights_are_not_divided() -> None:
    (headline,) = headlines(POINTS.replace("batch_size: 16", "parallel: fsdp").replace("{type: adam, lr: 0.02}", "lbfgs"))

    assert headline.endswith("`parallel: fsdp` divides the weights, and `lbfgs` looks at all gradients at once")
