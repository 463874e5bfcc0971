"""How a run is called."""

from __future__ import annotations

import re

import pytest

from nnrun.runner.compiler.check import check
from nnrun.runner.record.names import run_name, settings_hash
from nnrun.runner.record.short import differences
from tests.tracking.support import ROOT


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ([], ""),
        (["train.optimizer.lr=0.01"], "lr=0.01"),
        (["train.optimizer.lr=0.01", "nodes.hidden.units=16"], "lr=0.01 units=16"),
        (["nodes.one.units=8", "nodes.two.units=16"], "one.units=8 two.units=16"),
        (["train.optimizer={type: sgd, lr: 1e-2}"], "optimizer={type: sgd, lr: 1e-2}"),
        (["nodes.h.is=a == b"], "is=a == b"),
        (["train.seed=1", "train.seed=2"], "seed=2"),
        (["name=x"], "name=x"),
    ],
)
def test_a_run_is_called_by_what_differs_from_its_spec(settings: list[str], name: str) -> None:
    assert differences(settings) == name


def test_four_letters_tell_runs_of_one_name_apart() -> None:
    names = {run_name(["train.seed=1"]) for _ in range(20)}

    assert len(names) > 15
    assert all(re.fullmatch(r"seed=1 · [a-z]{4}", name) for name in names)
    assert re.fullmatch(r"as written · [a-z]{4}", run_name([]))


def test_runs_that_share_their_settings_differ_in_chance_only() -> None:
    text = (ROOT / "specs" / "cnn_digits.yaml").read_text()

    def of(*settings: str) -> str:
        plan = check(text, settings=settings).plan
        assert plan is not None
        return settings_hash(plan)

    assert of() == of("train.seed=5") == of("description=other") == of("track.every=7")
    others = [of(setting) for setting in ("nodes.drop.rate=0.5", "train.optimizer.betas=[0.8, 0.9]", "data.split.seed=1", "train.epochs=3")]
    assert len({of(), *others}) == 5
