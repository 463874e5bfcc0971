"""Noise: as large as is said, of the distribution that is said, and only while training."""

from __future__ import annotations

import pytest
import torch
from scipy.stats import kstest

from nnrun.registry.modules.chance import Dice, Share
from nnrun.registry.shape import InputError, Shape, ShapeError
from tests.engine.support import build, train
from tests.registry.nodes import node


@pytest.mark.parametrize(("distribution", "theirs"), [("gaussian", ("norm", (0, 0.5))), ("uniform", ("uniform", (-0.5, 1.0)))])
def test_the_numbers_are_of_the_distribution(distribution: str, theirs: tuple[str, tuple[float, float]]) -> None:
    module = node("noise", distribution=distribution, scale=0.5).build(Shape((400,)))
    x = torch.randn(300, 400)
    with Dice(1, torch.device("cpu")):
        added = module(x) - x

    assert kstest(added.flatten().double().numpy(), theirs[0], theirs[1]).pvalue > 1e-3
    assert added.isfinite().all()
    assert torch.equal(module.eval()(x), x)


def test_a_deviation_of_the_network_gets_a_gradient() -> None:
    """d/ds of the mean of (x + s e)^2 is 2 s, for the noise has a mean of 0 and a variance of 1."""
    module = node("noise").build(Shape((2000,)), deviation=Shape())
    x, deviation = torch.zeros(50, 2000), torch.full((50,), 3.0, requires_grad=True)
    with Dice(1, torch.device("cpu")):
        module(x, deviation=deviation).square().mean(1).sum().backward()

    assert deviation.grad is not None
    assert deviation.grad.mean().item() == pytest.approx(6.0, rel=0.02)


def test_a_value_without_ticks_gets_those_of_its_deviation() -> None:
    module = node("noise").build(Shape((2,)), deviation=Shape((2,)))
    x, deviation = torch.zeros(1, 3, 2), torch.ones(4, 3, 2)

    assert module.eval()(x, deviation=deviation).shape == (4, 3, 2)
    drawn = module.train()(x, deviation=deviation)
    assert drawn.shape == (4, 3, 2)
    assert len(set(drawn[:, 0, 0].tolist())) == 4


def test_each_process_draws_its_share_of_the_same_numbers() -> None:
    module, x = node("noise").build(Shape((3,))), torch.zeros(6, 3)
    whole, half = Dice(5, torch.device("cpu")), Dice(5, torch.device("cpu"))
    with whole:
        whole.begin(2)
        all_of_it = module(x)
    with half:
        half.begin(2, Share(2, 2, 6))
        share = module(x[2:4])

    assert torch.equal(share, all_of_it[2:4])


def test_what_does_not_go_together_is_refused() -> None:
    with pytest.raises(ShapeError, match="both say how large the noise is"):
        node("noise", scale=0.1).shape(Shape((3,)), deviation=Shape((3,)))
    with pytest.raises(InputError, match="or a single number"):
        node("noise").shape(Shape((3,)), deviation=Shape((4,)))
    with pytest.raises(InputError, match="numbers"):
        node("noise").shape(Shape(kind="category", classes=3))


SPEC = """\
nnrun: 1
name: drawn
data:
  source: {source: csv, file: none.csv}
  fields: {x: {type: vector, columns: [a, b, c]}, y: {type: number}}
nodes:
  mean: {type: linear, units: 4}
  wide: {type: linear, units: 4}
  deviation: {type: formula, is: exp(wide / 2)}
  code: {type: noise}
  out: {type: linear, units: 1}
edges:
  - x -> mean -> code -> out
  - x -> wide
  - deviation -> code.deviation
train: {loss: {type: mse, input: out, target: y}, batch_size: 8, epochs: 20, optimizer: {type: adam, lr: 0.02}}
"""


def test_a_code_whose_deviation_the_network_chooses_trains() -> None:
    """Noise costs the loss, so that the network makes it small."""
    numbers = torch.randn(80, 3, generator=torch.Generator().manual_seed(0)).double()
    columns = dict(zip("abc", numbers.T.tolist(), strict=True)) | {"y": (2 * numbers.sum(1)).tolist()}
    built = build(SPEC, columns)
    before = dict(built.network.named_parameters())["wide.bias"].mean().item()
    outcome, watcher = train(built)

    assert outcome.figures["valid/loss"] < watcher.said[0][1]["valid/loss"] / 2
    assert dict(built.network.named_parameters())["wide.bias"].mean().item() < before - 0.1
