"""Whole trainings of energy networks: through a spec, with figures, pictures, stages and a saved model."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nnrun.registry.field import DataError
from nnrun.registry.options import Regularize
from nnrun.registry.sources.patterns import BarsAndStripes, Letters
from nnrun.runner.compiler.check import check
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.engine.checkpoint.model import save
from nnrun.runner.engine.data.dataset import Dataset, prepare
from nnrun.runner.engine.data.masks import with_masks
from nnrun.runner.engine.inference.draw import Generator
from nnrun.runner.engine.inference.predict import Predictor
from nnrun.runner.engine.inference.signature import signature
from nnrun.runner.engine.network.network import Network
from nnrun.runner.engine.training.diverged import Diverged
from nnrun.runner.engine.training.fit import Outcome
from nnrun.runner.engine.training.minimised import penalty
from nnrun.runner.engine.training.stages import train_stages
from nnrun.runner.smoke import Quiet, smoke

CPU = torch.device("cpu")

torch.set_num_threads(1)

BARS = """\
nnrun: 1
name: bars
data:
  source: bars_and_stripes
  side: 3
  fields: {image: {type: image}}
  split: {valid: 0, test: 0}
nodes:
  visible: {type: binary_units}
  hidden: {type: binary_units, units: 8}
edges:
  - image -> visible
  - visible <-> hidden
train:
  learner: {type: contrastive_divergence, steps: 2, persistent: true, chains: 200}
  optimizer: {type: sgd, lr: 0.3}
  batch_size: 14
  steps: 800
  evaluate_every: 400
"""
GENERAL = BARS.replace("  - visible <-> hidden\n", "  - visible <-> hidden\n  - hidden <-> hidden\n")
DEEP = GENERAL.replace("  - hidden <-> hidden\n", "  - hidden <-> deeper\n").replace(
    "units: 8}\n", "units: 8}\n  deeper: {type: binary_units, units: 4}\n", 1
)


class Watcher(Quiet):
    """Keeps what a training says."""

    def __init__(self) -> None:
        super().__init__()
        self.points: list[tuple[int, dict[str, float]]] = []
        self.images: dict[tuple[str, int], bytes] = {}
        self.warnings: list[str] = []

    def metrics(self, step: int, figures: Mapping[str, float]) -> None:
        super().metrics(step, figures)
        self.points.append((step, dict(figures)))

    def image(self, key: str, step: int, png: bytes) -> None:
        self.images[key, step] = png

    def warned(self, step: int, text: str) -> None:
        self.warnings.append(text)

    def start(self, title: str, steps: int, objective: str) -> None: ...

    def stop(self) -> None: ...


def built(text: str, columns: Mapping[str, Any], *settings: str) -> tuple[Network, Plan, Dataset]:
    first = check(text, settings=settings)
    assert first.plan is not None, [finding.headline for finding in first.report]
    assert first.plan.spec.data is not None
    data = prepare(first.plan.spec.data, first.plan.fields, {"all": columns}, first.plan.targets)
    plan = check(text, settings=settings, facts=data.facts).plan
    assert plan is not None
    torch.manual_seed(0)
    return Network(plan), plan, data


def trained(text: str, columns: Mapping[str, Any], *settings: str, betas: int = 60) -> tuple[Network, Plan, Dataset, Outcome, Watcher]:
    network, plan, data = built(text, columns, *settings)
    watcher = Watcher()
    outcome = train_stages(network, plan, data, CPU, watcher, watcher, betas)
    return network, plan, data, outcome, watcher


def bars() -> Mapping[str, Any]:
    return BarsAndStripes(source="bars_and_stripes", side=3).table()


@pytest.mark.parametrize("text", [BARS, GENERAL, DEEP], ids=["restricted", "general", "deep"])
def test_adding_a_line_makes_another_machine_that_learns(text: str) -> None:
    *_, outcome, watcher = trained(text, bars())
    before = watcher.points[0][1]["train/loglik"]

    assert before == pytest.approx(-9 * math.log(2), abs=0.1)
    assert outcome.figures["train/loglik"] > before + 1


def test_a_masked_machine_keeps_its_zeros() -> None:
    text = BARS.replace("  - visible <-> hidden", '  - {edge: "visible <-> visible", mask: grid}\n  - visible <-> hidden')
    network, *_ = trained(text, bars())
    coupling = network.machines["visible"].couplings["visible--visible"]

    assert coupling.mask is not None
    assert not coupling.weight[coupling.mask == 0].any()
    assert coupling.weight[coupling.mask == 1].any()
    torch.testing.assert_close(coupling.weight, coupling.weight.T)


LATERAL = BARS.replace("  - visible <-> hidden", "  - visible <-> visible\n  - visible <-> hidden")
L1, L2 = 0.02, 0.1


def pulled(w: torch.Tensor) -> torch.Tensor:
    """The derivative of L1 |w| + L2 w^2 by a number that stands in two places of a symmetric matrix, and counts once."""
    return L1 * w.sign() + 2 * L2 * w


def test_a_penalty_under_backprop_counts_a_lateral_weight_once() -> None:
    network, *_ = built(LATERAL, bars())
    lateral, edge = (network.get_parameter(f"visible--{other}.weight") for other in ("visible", "hidden"))
    found = penalty(network.penalties(Regularize(l1=L1, l2=L2)))
    pairs = lateral.detach()[torch.triu(torch.ones(9, 9), 1) == 1]
    found.backward()

    wanted = sum(L1 * w.abs().sum() + L2 * w.square().sum() for w in (pairs, edge.detach()))
    assert found.item() == pytest.approx(float(wanted), rel=1e-5)
    torch.testing.assert_close(lateral.grad, pulled(lateral.detach()))
    torch.testing.assert_close(edge.grad, pulled(edge.detach()))


def test_a_penalty_under_contrastive_divergence_counts_a_lateral_weight_once() -> None:
    one_step = ["train.steps=1", "train.evaluate_every=1"]
    started, *_ = built(LATERAL, bars())
    free, *_ = trained(LATERAL, bars(), *one_step, betas=0)
    held, *_ = trained(LATERAL, bars(), *one_step, f"train.regularize={{l1: {L1}, l2: {L2}}}", betas=0)

    for name in ("visible--visible.weight", "visible--hidden.weight"):
        before, without, within = (network.get_parameter(name).detach() for network in (started, free, held))
        torch.testing.assert_close((without - within) / 0.3, pulled(before), rtol=1e-3, atol=1e-6)


def test_every_figure_is_recorded_from_the_start() -> None:
    *_, watcher = trained(BARS, bars())
    wanted = {"energy/data", "energy/model", "energy/gap", "free_energy/train", "pseudo_likelihood", "recon/mse", "hidden/mean_activity",
              "hidden/dead", "loglik/exact", "log_z/exact", "train/loglik"}  # fmt: skip

    assert [step for step, figures in watcher.points if "energy/data" in figures] == [0, 400, 800]
    assert all(wanted <= set(figures) for step, figures in watcher.points if "energy/data" in figures)


def test_the_last_estimates_of_log_z_agree_with_the_exact_one() -> None:
    *_, outcome, _ = trained(BARS, bars(), betas=500)
    figures = outcome.figures

    assert abs(figures["log_z/ais"] - figures["log_z/exact"]) < 3 * figures["log_z/ais_error"]
    assert abs(figures["log_z/reverse"] - figures["log_z/exact"]) < 0.5
    assert figures["loglik/lower"] < figures["loglik/upper"] + 0.5
    assert 1 <= figures["log_z/ais_effective"] <= 100


def test_the_annealed_log_likelihood_decides_which_weights_are_kept() -> None:
    text = (
        BARS.replace("units: 8}", "units: 30}").replace("lr: 0.3}", "lr: 3}").replace("side: 3", "side: 5")
    )  # too many states to go through
    columns = BarsAndStripes(source="bars_and_stripes", side=5).table()
    *_, outcome, watcher = trained(text, columns, "train.steps=60", "train.evaluate_every=10")
    curves = {
        name: [(figures[name], -step) for step, figures in watcher.points if name in figures and "energy/data" in figures]
        for name in ("train/loglik", "train/pseudo_likelihood")
    }

    assert outcome.objective == "train/loglik"
    assert outcome.best_step == -max(curves["train/loglik"])[1]
    assert outcome.best_step != -max(curves["train/pseudo_likelihood"])[1]
    told = Counter((name, step) for step, figures in watcher.points for name in figures)
    assert [key for key, times in told.items() if times > 1] == []  # the kept weights are not those of the last step, and neither are
    assert outcome.figures["log_z/best_ais"] != outcome.figures["log_z/ais"]  # the estimates


def test_filters_samples_and_reconstructions_are_drawn() -> None:
    *_, watcher = trained(BARS, bars())

    assert {key for key, _ in watcher.images} == {"filters/visible--hidden", "samples/visible", "reconstructions/visible"}
    assert all(png.startswith(b"\x89PNG") for png in watcher.images.values())


def test_a_learning_that_diverges_is_warned_of() -> None:
    """CD-1 on bars and stripes looks fine at first and then leaves the data."""
    text = BARS.replace("steps: 2, persistent: true, chains: 200", "steps: 1, centred: false").replace("side: 3", "side: 4")
    settings = ("train.steps=6000", "train.evaluate_every=1000", "train.optimizer.lr=1.0", "train.batch_size=10", "nodes.hidden.units=16")
    *_, watcher = trained(text, BarsAndStripes(source="bars_and_stripes").table(), *settings)

    assert "the learning diverges: `train/loglik` was" in watcher.warnings[0]


def test_weights_that_are_no_numbers_end_the_training() -> None:
    with pytest.raises(Diverged, match="the weights at step"):
        trained(BARS.replace("binary_units}", "gaussian_units}"), bars(), "train.optimizer.lr=1e30", "track.every=1")


def test_the_same_seed_gives_the_same_weights() -> None:
    one, other = (trained(BARS, bars(), "train.steps=20")[0] for _ in range(2))

    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


@pytest.mark.parametrize(
    "setting",
    ["train.learner.steps=3", "train.learner.persistent=false", "train.learner.chains=50", "train.learner.centred=false",
     "train.learner.tempering=3", "train.optimizer={type: adam, lr: 0.01}", "train.regularize={l2: 0.01}", "train.regularize={l1: 0.01}",
     "train.clip_norm=0.01", "train.schedule=linear", "train.seed=1", "nodes.hidden.bias=false", "nodes.hidden.units=9"],
)  # fmt: skip
def test_no_setting_of_the_training_is_dead(setting: str) -> None:
    one, other = (trained(BARS, bars(), "train.steps=12", *more, betas=0)[0].state_dict() for more in ((), (setting,)))

    assert one.keys() != other.keys() or any(
        one[name].shape != other[name].shape or not torch.equal(one[name], other[name]) for name in one
    )


@pytest.mark.parametrize("setting", ["train.learner.data_phase=sample", "train.learner.data_sweeps=3"])
def test_no_setting_of_the_data_phase_is_dead(setting: str) -> None:
    one, other = (trained(GENERAL, bars(), "train.steps=12", *more, betas=0)[0].state_dict() for more in ((), (setting,)))

    assert any(not torch.equal(one[name], other[name]) for name in one)


def test_pixels_outside_of_zero_and_one_are_refused() -> None:
    columns = {"image": bars()["image"] * 3}

    with pytest.raises(DataError, match="`visible` has binary units, which hold numbers from 0 to 1"):
        trained(BARS, columns)


@pytest.mark.parametrize("learner", ["contrastive_divergence", "hebbian", "storkey", "pseudo_inverse"])
def test_numbers_that_bipolar_units_would_cut_anywhere_are_refused(learner: str) -> None:
    text = Path("specs/hopfield_letters.yaml").read_text()
    letters = Letters(source="letters", letters="ACGJ").table()["image"].astype("float32")
    wanted = "`memory` has bipolar units, which hold numbers from -1 to 1, but what arrives goes from 0 to 16"

    with pytest.raises(DataError, match=wanted) as caught:
        trained(text, {"image": letters * 16}, f"train.learner={learner}")
    assert caught.value.help == "`normalize: minmax` or `binarize` of the field, or `threshold` of the units"


@pytest.mark.parametrize("units", ["binary_units", "bipolar_units", "gaussian_units"])
def test_made_up_numbers_can_clamp_every_kind_of_units(units: str) -> None:
    text = SLOTS.partition("nodes:")[0]
    text += f"nodes: {{v: {{type: {units}}}, h: {{type: binary_units, units: 3}}}}\nedges: [x -> v, v <-> h]\n"

    assert smoke(check(text + "train: {learner: contrastive_divergence, epochs: 1}\n")) is None


def test_bipolar_units_are_told_where_to_cut() -> None:
    text = Path("specs/hopfield_letters.yaml").read_text()
    letters = Letters(source="letters", letters="ACGJ").table()["image"].astype("float32")
    plain, signs = (trained(text, {"image": image})[0].state_dict() for image in (letters, letters * 2 - 1))
    wide = trained(text, {"image": letters * 16}, "nodes.memory.threshold=8")[0].state_dict()

    assert all(torch.equal(plain[name], weight) for name, weight in signs.items())
    assert all(torch.equal(plain[name], weight) for name, weight in wide.items())


def test_a_machine_is_saved_and_answers_with_its_hidden_means(tmp_path: Path) -> None:
    network, plan, data, *_ = trained(BARS, bars(), "train.steps=20")
    save(tmp_path / "model", network, data.facts)

    before = Predictor(network, plan, data.facts).answers(data.train)
    again = Predictor.load(tmp_path / "model").answers(data.train)

    assert before == again
    assert [len(row) for row in before["hidden"]] == [8] * 14
    assert [column["name"] for column in signature(plan)[1]] == ["row", "hidden"]


STAGES = """\
nnrun: 1
name: stages
data:
  source: bars_and_stripes
  side: 3
  fields: {image: {type: image}, kind: {type: category}}
  split: {valid: 0, test: 0, stratify: false}
nodes:
  visible: {type: binary_units}
  hidden: {type: binary_units, units: 16}
  scores: {type: linear, units: kind}
edges:
  - image -> visible
  - visible <-> hidden
  - hidden -> scores
train:
  - nodes: [visible, hidden]
    learner: {type: contrastive_divergence, persistent: true, chains: 50}
    optimizer: {type: sgd, lr: 0.1}
    batch_size: 10
    steps: 60
  - nodes: [scores]
    loss: {type: cross_entropy, input: scores, target: kind}
    optimizer: {type: adam, lr: 0.1}
    steps: 40
metrics: [accuracy]
"""


def test_a_stage_trains_its_nodes_alone() -> None:
    network, plan, data = built(STAGES, bars())
    start = {name: value.clone() for name, value in network.state_dict().items()}
    watcher = Watcher()
    seen: list[dict[str, torch.Tensor]] = []
    for stage in (*plan.stages, plan):
        train_stages(network, replace(stage, stages=()), data, CPU, watcher, watcher, 0)
        seen.append({name: value.clone() for name, value in network.state_dict().items()})

    def changed(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> set[str]:
        return {name for name in one if not torch.equal(one[name], other[name])}

    assert changed(start, seen[0]) == {"visible.bias", "hidden.bias", "visible--hidden.weight"}
    assert changed(seen[0], seen[1]) == {"scores.bias", "scores.weight.0"}


def test_without_a_list_of_nodes_the_last_stage_tunes_everything() -> None:
    network, plan, data = built(STAGES.replace("  - nodes: [scores]\n    loss", "  - loss"), bars())
    watcher = Watcher()
    train_stages(network, replace(plan.stages[0], stages=()), data, CPU, watcher, watcher, 0)
    before = network.machines["visible"].couplings["visible--hidden"].weight.clone()
    train_stages(network, replace(plan, stages=()), data, CPU, watcher, watcher, 0)

    assert not torch.equal(before, network.machines["visible"].couplings["visible--hidden"].weight)


def test_steps_of_a_stage_follow_those_of_the_one_before() -> None:
    *_, outcome, watcher = trained(STAGES, bars())
    steps = [step for step, _ in watcher.points]

    assert steps == sorted(steps)
    assert outcome.steps == steps[-1] == 100
    assert {"train/loglik", "train/accuracy"} <= set(outcome.figures)


def test_a_hopfield_net_stores_and_recalls_letters() -> None:
    text = Path("specs/hopfield_letters.yaml").read_text()
    table = Letters(source="letters", letters="ACGJLSXZ").table()
    network, plan, data, outcome, watcher = trained(text, {"image": table["image"]})

    assert outcome.figures == {"train/overlap": 1.0, "train/exact": 1.0, "energy/rises": 0.0}
    assert {step for step, figures in watcher.points if "recall/overlap" in figures} == set(range(0, 51, 5))
    assert {step for step, figures in watcher.points if "load/overlap" in figures} == set(range(1, 9))
    assert ("recall", 10) in watcher.images
    cue = np.array(table["image"][:1])
    cue[0, :2] = 1 - cue[0, :2]
    remembered = Predictor(network, plan, data.facts).predict({"image": cue})["memory"]
    assert np.array_equal((np.array(remembered) + 1) / 2, table["image"][:1].reshape(1, -1))


def test_zeros_and_ones_in_eight_bits_are_stored_as_they_are() -> None:
    text = Path("specs/hopfield_letters.yaml").read_text()
    patterns = np.random.default_rng(0).integers(0, 2, (60, 12, 12))
    eight, boolean = (trained(text, {"image": patterns.astype(kind)}, "train.learner=hebbian")[3].figures for kind in ("uint8", "bool"))

    assert eight == boolean
    assert eight["train/exact"] == 0, "60 patterns are three times what 144 units hold (Hopfield 1982: 0.14 a unit)"


@pytest.mark.parametrize("learner", ["storkey", "pseudo_inverse"])
def test_no_rule_of_storing_is_another(learner: str) -> None:
    text = Path("specs/hopfield_letters.yaml").read_text()
    columns = {"image": Letters(source="letters", letters="ACGJ").table()["image"]}
    one, other = (trained(text, columns, f"train.learner={rule}")[0].state_dict() for rule in ("hebbian", learner))

    assert not torch.equal(one["memory--memory.weight"], other["memory--memory.weight"])


SLOTS = """\
nnrun: 1
name: slots
data:
  source: csv
  file: x.csv
  fields: {x: {type: vector, size: 20}}
  split: {valid: 0, test: 0}
nodes:
  state: {type: gaussian_units, deviation: 0.3}
  slots: {type: categorical_units, units: 12}
edges:
  - x -> state
  - state <-> slots
train: {learner: hebbian}
"""


def test_a_modern_hopfield_net_recalls_half_of_what_it_stored() -> None:
    rows = np.random.default_rng(0).normal(size=(10, 20))
    *_, watcher = trained(SLOTS, {"x": rows.tolist()})
    recall = {step: figures for step, figures in watcher.points if "recall/exact" in figures}

    assert recall[50]["recall/exact"] > 0.8
    assert recall[10]["recall/overlap"] > 0.99
    assert watcher.figures["energy/rises"] == 0


def test_too_few_slots_are_refused() -> None:
    with pytest.raises(DataError, match="`slots` has 12 slots, and there are 13 patterns to store"):
        trained(SLOTS, {"x": np.random.default_rng(0).normal(size=(13, 20)).tolist()})


def generator(text: str, columns: Mapping[str, Any], *settings: str) -> Generator:
    network, plan, data, *_ = trained(text, columns, *settings)
    return Generator(network, plan, data.facts)


def test_samples_are_bars_and_stripes_once_these_are_learned() -> None:
    made = generator(
        BARS.replace("units: 8", "units: 16"), bars(), "train.steps=3000", "train.evaluate_every=3000", "train.schedule=linear"
    )
    known = {image.tobytes() for image in bars()["image"]}

    drawn = made.draw(200, {}, 200, None, 0)["image"]

    assert sum(row.numpy().reshape(3, 3).tobytes() in known for row in drawn) > 120


def test_given_pixels_stay_and_the_rest_is_found() -> None:
    table = Letters(source="letters", letters="ACGJLSXZ").table()
    made = generator(Path("specs/hopfield_letters.yaml").read_text(), {"image": table["image"]})
    half = [[[float(value) if row < 10 else None for value in line] for row, line in enumerate(image)] for image in table["image"]]

    drawn = made.draw(1, {"image": half}, 100, None, 0)
    found = np.array([row["image"] for row in made.rows(drawn)]).reshape(8, 16, 16)

    assert np.array_equal(found[:, :10], table["image"][:, :10])
    assert (found == table["image"]).all((1, 2)).sum() >= 6
    assert made.picture(drawn).startswith(b"\x89PNG")


def test_a_class_can_be_given_or_found() -> None:
    text = BARS.replace("{image: {type: image}}", "{image: {type: image}, kind: {type: category}}").replace(
        "edges:\n", "  kinds: {type: categorical_units}\nedges:\n  - kind -> kinds\n  - kinds <-> hidden\n"
    )
    made = generator(text.replace("valid: 0, test: 0", "valid: 0, test: 0, stratify: false"), bars(), "train.steps=50")

    drawn = made.draw(1, {"kind": ["bars", None, "stripes"]}, 20, None, 0)

    assert [row["kind"] for row in made.rows(drawn)][::2] == ["bars", "stripes"]
    assert drawn["image"].shape == (3, 9)


def test_rows_that_do_not_fit_are_refused() -> None:
    made = generator(BARS, bars(), "train.steps=5")

    with pytest.raises(DataError, match="`colour` clamps no group"):
        made.draw(1, {"colour": [1]}, 1, None, 0)


MASKED = BARS.replace("  - visible <-> hidden", '  - {edge: "visible <-> hidden", mask: {type: file, file: mask.csv}}')


def test_a_mask_in_a_file_couples_what_it_says(tmp_path: Path) -> None:
    mask = np.zeros((9, 8))
    mask[3, 4] = mask[8, 0] = 1
    np.savetxt(tmp_path / "mask.csv", mask, delimiter=",")
    first = check(MASKED).plan
    assert first is not None
    assert str(first.size) == "visible--hidden.pairs+17"
    assert first.spec.data is not None
    data = with_masks(prepare(first.spec.data, first.fields, {"all": bars()}, []), first, tmp_path)
    plan = check(MASKED, facts=json.loads(json.dumps(data.facts))).plan
    assert plan is not None

    assert plan.size == 17 + 2
    assert torch.equal(Network(plan).machines["visible"].couplings["visible--hidden"].mask, torch.from_numpy(mask).float())


def test_a_mask_of_another_size_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "mask.npy", np.ones((3, 3)))
    first = check(MASKED.replace("mask.csv", "mask.npy")).plan
    assert first is not None
    assert first.spec.data is not None
    data = prepare(first.spec.data, first.fields, {"all": bars()}, [])

    with pytest.raises(DataError, match=r"`mask.npy` is 3 x 3, and the edge between `visible` and `hidden` takes 9 x 8"):
        with_masks(data, first, tmp_path)


@pytest.mark.parametrize(
    "text", [MASKED, GENERAL, DEEP, STAGES, SLOTS.replace("units: 12", "units: 40")], ids=["masked", "general", "deep", "stages", "slots"]
)
def test_two_steps_on_made_up_data_work(text: str) -> None:
    assert smoke(check(text)) is None
