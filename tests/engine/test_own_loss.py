"""Losses of one's own: formulas that are made small, and a variational autoencoder by them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.distributions import Bernoulli, Normal, kl_divergence

from nnrun.registry.modules.chance import Dice
from nnrun.runner.compiler.check import check
from nnrun.runner.engine.checkpoint.model import save
from nnrun.runner.engine.inference.imagine import Imagination, imagined
from nnrun.runner.engine.inference.predict import Predictor
from nnrun.runner.face.model import Model
from tests.engine.support import CPU, Built, build, train

REGRESSION = """\
nnrun: 1
name: own
data:
  source: {source: csv, file: data.csv}
  fields:
    x: {type: vector, columns: [a, b]}
    price: {type: number, normalize: standard}
  split: {train: 0.5, valid: 0.25, test: 0.25}
nodes:
  hidden: {type: linear, units: 4, activation: tanh}
  guess: {type: linear, units: 1}
  error: {type: formula, is: (guess - price) ** 2}
edges: [x -> hidden -> guess]
train:
  loss: {type: minimise, input: error}
  batch_size: 4
  epochs: 3
metrics: [{type: rmse, input: guess, target: price}]
"""

VAE = """\
nnrun: 1
name: vae
data:
  source: {source: csv, file: data.csv}
  fields: {image: {type: image, size: [2, 3], channels: 1, binarize: 0.5}}
  split: {train: 0.5, valid: 0.25, test: 0.25}
nodes:
  flat: {type: flatten}
  mean: {type: linear, units: 2}
  spread: {type: linear, units: 2}
  deviation: {type: formula, is: exp(0.5 * spread)}
  code: {type: noise, judged: true}
  divergence: {type: formula, is: 0.5 * (mean ** 2 + exp(spread) - spread - 1)}
  scores: {type: linear, units: image}
  pixels: {type: reshape, to: [1, 2, 3]}
edges: [image -> flat -> mean, "flat -> spread", mean -> code, deviation -> code.deviation, code -> scores -> pixels]
train:
  loss:
  - {type: binary_cross_entropy, name: reconstruction, input: pixels, target: image, weight: 6}
  - {type: minimise, input: divergence}
  optimizer: {type: adam, lr: 0.01}
  batch_size: 8
  epochs: 2
"""


def numbers() -> dict[str, list[float]]:
    rng = np.random.default_rng(0)
    columns = {name: rng.normal(size=16) for name in "ab"}
    return {name: values.tolist() for name, values in columns.items()} | {"price": (3 * columns["a"] + 7).tolist()}


def pictures() -> dict[str, np.ndarray]:
    return {"image": np.random.default_rng(1).integers(0, 2, (48, 2, 3)).astype("float64")}


def vae() -> Built:
    return build(VAE, pictures())


def test_a_formula_made_small_trains_as_the_loss_that_it_is() -> None:
    known = REGRESSION.replace("{type: minimise, input: error}", "{type: mse, input: guess, target: price}")
    known = known.replace("  error: {type: formula, is: (guess - price) ** 2}\n", "")
    own, theirs = build(REGRESSION, numbers()), build(known, numbers())
    train(own)
    train(theirs)

    for name, weight in own.network.named_parameters():
        torch.testing.assert_close(weight, theirs.network.get_parameter(name), rtol=1e-6, atol=1e-7)


def test_predict_does_not_ask_for_what_a_loss_of_ones_own_compares_with() -> None:
    built = build(REGRESSION, numbers())
    predictor = Predictor(built.network, built.plan, built.data.facts)

    assert predictor.columns == ["a", "b"]
    assert built.plan.inputs == ("x",)
    answers = predictor.predict({"a": [0.0, 1.0], "b": [0.0, 1.0]})
    assert list(answers) == ["row", "price"]
    assert all(isinstance(answer, float) for answer in answers["price"])


def test_without_a_target_anywhere_the_value_itself_is_the_answer() -> None:
    text = REGRESSION.replace("metrics: [{type: rmse, input: guess, target: price}]\n", "")
    built = build(text, numbers())
    predictor = Predictor(built.network, built.plan, built.data.facts)

    assert list(predictor.predict(numbers())) == ["row", "error"]


def test_a_metric_has_a_loss_with_a_target_to_go_by_or_says_what_it_compares() -> None:
    (finding,) = check(REGRESSION.replace("[{type: rmse, input: guess, target: price}]", "[rmse]")).report

    assert (finding.id, finding.headline) == ("missing-key", "`rmse` has no loss with a target to go by")


@pytest.mark.parametrize(
    ("losses", "labels"),
    [
        ("[{type: minimise, input: error}]", []),
        ("[{type: mse, input: guess, target: price}, {type: minimise, input: error}]", ["loss_mse", "loss_minimise"]),
        ("[{type: minimise, input: error, name: own}, {type: minimise, input: hidden}]", ["loss_own", "loss_minimise"]),
        ("[{type: minimise, input: error}, {type: minimise, input: hidden}]", ["loss_minimise_error", "loss_minimise_hidden"]),
    ],
)
def test_several_losses_are_logged_by_name(losses: str, labels: list[str]) -> None:
    built = build(REGRESSION.replace("{type: minimise, input: error}", losses), numbers())
    _, watcher = train(built)
    figures = [name for _, said in watcher.said for name in said]

    for part in ("train", "valid", "test"):
        assert [name for name in dict.fromkeys(figures) if name.startswith(f"{part}/loss_")] == [f"{part}/{label}" for label in labels]


def test_the_logged_losses_add_up_by_their_weights() -> None:
    built = vae()
    _, watcher = train(built)
    told = [said for _, said in watcher.said if "train/loss_reconstruction" in said or "valid/loss_reconstruction" in said]

    assert told
    for said in told:
        for part in {name.partition("/")[0] for name in said if "/loss" in name}:
            whole = 6 * said[f"{part}/loss_reconstruction"] + said[f"{part}/loss_minimise"]
            assert said[f"{part}/loss"] == pytest.approx(whole, rel=1e-5)


def test_two_losses_of_one_name_are_refused() -> None:
    text = VAE.replace("input: divergence}", "input: divergence, name: reconstruction}")

    (finding,) = check(text).report
    assert (finding.id, finding.headline) == ("name-taken", "two losses are called `loss_reconstruction`")


def test_the_test_loss_of_a_variational_autoencoder_is_minus_its_bound() -> None:
    """Kingma and Welling 2014, equation 3: E[log p(x|z)] - KL(q(z|x) || p(z)), one z drawn for each x."""
    built = vae()
    train(built)
    part = built.data.test
    assert part is not None
    figures = built.evaluator.evaluate(part, "test")

    dice = Dice(built.plan.spec.train.seed if built.plan.spec.train else 0, CPU)
    dice.begin(-1)
    batch = part.batch(part.rows)
    with dice, torch.no_grad():
        values = built.network(batch, ("mean", "spread", "code", "pixels"))
    chosen = Normal(values["mean"], (0.5 * values["spread"]).exp())
    likely = Bernoulli(logits=values["pixels"]).log_prob(batch.values["image"]).flatten(1).sum(1)
    bound = likely - kl_divergence(chosen, Normal(0.0, 1.0)).sum(1)

    assert (values["code"] != values["mean"]).all()
    assert figures["test/loss"] == pytest.approx(-bound.mean().item(), rel=1e-5)


def test_evaluations_draw_the_same_numbers_and_predictions_none() -> None:
    built = vae()
    part = built.data.test
    assert part is not None

    assert built.evaluator.evaluate(part, "test") == built.evaluator.evaluate(part, "test")
    predictor = Predictor(built.network, built.plan, built.data.facts)
    with torch.no_grad():
        values = built.network(part.batch(part.rows), ("mean", "code"))
    assert torch.equal(values["mean"], values["code"])
    assert predictor.answers(part) == predictor.answers(part)


def test_codes_that_are_drawn_become_pictures() -> None:
    built = vae()
    predictor = Predictor(built.network, built.plan, built.data.facts)
    some = Imagination(predictor, 5, seed=3)

    rows = some.rows()
    assert len(rows) == 5
    codes = torch.randn(5, 2, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        expected = built.network.runs["scores"](codes).sigmoid().view(5, 1, 2, 3)
    torch.testing.assert_close(torch.tensor([row["image"] for row in rows]), expected)
    assert some.picture().startswith(b"\x89PNG")
    assert Imagination(predictor, 5, seed=4).rows() != rows


def test_a_recorded_network_draws_codes_in_python_as_well(tmp_path: Path) -> None:
    built = vae()
    save(tmp_path / "model", built.network, built.data.facts)

    found = Model.load(tmp_path / "model").generate(n=3, seed=5)
    assert found == Imagination(Predictor(built.network, built.plan, built.data.facts), 3, 5).rows()


def test_an_answer_that_needs_the_data_is_not_drawn() -> None:
    text = VAE.replace("code -> scores", '"code, flat -> both -> scores", scores').replace("nodes:", "nodes:\n  both: {type: concat}")

    assert not imagined(build(text, pictures()).plan)


def test_noise_of_a_size_that_is_said_is_no_code() -> None:
    text = VAE.replace(", deviation -> code.deviation", "").replace("  deviation: {type: formula, is: exp(0.5 * spread)}\n", "")

    assert not imagined(build(text, pictures()).plan)
