"""The settings by which MLflow compares runs."""

from __future__ import annotations

from nnrun.runner.compiler.check import check
from nnrun.runner.record.params import MOST, params
from tests.tracking.support import ROOT

SPEC = (ROOT / "specs" / "mlp_digits.yaml").read_text()

CORE = {"train.seed", "train.optimizer.type", "train.optimizer.lr", "train.batch_size", "parameters"}


def params_of(text: str, *settings: str) -> dict[str, str]:
    checked = check(text, settings=settings)
    assert checked.plan is not None
    return params(checked.plan, checked)


def test_the_core_is_told_where_the_spec_says_nothing() -> None:
    bare = """
nnrun: 1
name: bare
data: {source: digits, fields: {image: {type: image}, digit: {type: category}}}
nodes: {flat: {type: flatten}, hidden: {type: linear, units: 32}, scores: {type: linear, units: digit}}
edges: [image -> flat -> hidden -> scores]
train: {loss: {type: cross_entropy, input: scores, target: digit}}
"""
    held = params_of(bare)

    assert set(held) >= CORE
    assert (held["train.seed"], held["train.optimizer.type"], held["train.batch_size"]) == ("0", "adam", "32")
    assert held["nodes.hidden.units"] == "32"
    assert held["edges"] == "image -> flat -> hidden -> scores"


def test_what_a_setting_changes_is_told() -> None:
    held = params_of(SPEC, "train.optimizer.betas=[0.8, 0.99]", "nodes.hidden.units=16", "track.every=10")

    assert held["train.optimizer.betas"] == "[0.8, 0.99]"
    assert held["nodes.hidden.units"] == "16"


def test_a_number_has_one_text() -> None:
    assert params_of(SPEC, "train.optimizer.lr=1e-3") == params_of(SPEC, "train.optimizer.lr=0.0010")


def test_every_spec_of_the_gallery_has_params_that_people_can_look_over() -> None:
    for path in sorted((ROOT / "specs").glob("*.yaml")):
        held = params_of(path.read_text())
        sizes = [name for name in held if name.endswith((".units", ".filters"))]

        assert len(held) <= MOST + len(sizes), path.name
        assert not [value for value in held.values() if "(" in value and "prev(" not in value], path.name
        assert {name.replace("train.0.", "train.") for name in held} >= {"train.seed", "parameters"}, path.name
