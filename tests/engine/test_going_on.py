"""A training that is broken off goes on as if nothing had happened, from wherever it was saved."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
import torch

from nnrun.runner.compiler.check import check
from nnrun.runner.compiler.language.training import Checkpoint
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.engine.checkpoint.snapshot import Snapshot
from nnrun.runner.engine.checkpoint.values import packed, unpacked
from nnrun.runner.engine.data.dataset import Dataset, prepare
from nnrun.runner.engine.network.network import Network
from nnrun.runner.engine.training.fit import Outcome
from nnrun.runner.engine.training.keeper import Keeper
from nnrun.runner.engine.training.stages import train_stages
from tests.engine.support import CPU
from tests.engine.test_learners import LEARNERS
from tests.engine.test_own_loss import VAE, pictures
from tests.engine.test_transcript import SPEC as SPELLED
from tests.engine.test_transcript import waves
from tests.faults.victims import STAGES

Said = list[tuple[Any, ...]]


class Everything(Keeper):
    """Keeps a training after each step, and before each evaluation, as files would have it; and how much was said by then."""

    def __init__(self, said: Said) -> None:
        self.said = said
        self.kept: list[tuple[bytes, bytes, int]] = []

    def begin(self, stage: int, before: Mapping[str, Any], settings: Checkpoint) -> None:
        self.stage, self.before = stage, dict(before)

    def is_due(self, step: int) -> bool:
        return True

    def keep(self, snapshot: Snapshot) -> None:
        whole = {**vars(snapshot), "stage": self.stage, "before": self.before}
        self.kept.append((*packed(whole), len(self.said)))

    @contextmanager
    def breakable(self, snapshot: Callable[[], Snapshot]) -> Iterator[None]:
        self.keep(snapshot())
        yield


class Watch:
    """Notes down all that is said, but for what the clock says."""

    def __init__(self) -> None:
        self.said: Said = []

    def metrics(self, step: int, figures: Mapping[str, float]) -> None:
        self.said.append((step, {name: str(figure) for name, figure in figures.items() if not name.startswith("system/")}))

    def stepped(self, step: int, loss: float | None) -> None:
        self.said.append((step, loss))

    def evaluated(self, step: int, epoch: int, figures: Mapping[str, float]) -> None:
        self.said.append((step, epoch))

    def warned(self, step: int, text: str) -> None:
        self.said.append((step, text))

    def image(self, key: str, step: int, png: bytes) -> None:
        self.said.append((key, step, png))

    def start(self, title: str, steps: int, objective: str) -> None: ...

    def stop(self) -> None: ...


def prepared(text: str, columns: Mapping[str, Any]) -> tuple[Plan, Dataset]:
    first = check(text)
    assert first.plan is not None, [finding.headline for finding in first.report]
    assert first.plan.spec.data is not None
    data = prepare(first.plan.spec.data, first.plan.fields, {"all": columns}, first.plan.targets)
    plan = check(text, facts=data.facts).plan
    assert plan is not None
    return plan, data


def trained(
    plan: Plan, data: Dataset, keeper: Keeper | None, start: Snapshot | None, watch: Watch
) -> tuple[dict[str, torch.Tensor], Outcome]:
    torch.manual_seed(0 if start is None else 999)
    network = Network(plan)
    outcome = train_stages(network, plan, data, CPU, watch, watch, 10, keeper, start)
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}, outcome


def digits() -> Mapping[str, Any]:
    from sklearn.datasets import load_digits

    some = load_digits()
    return {"image": some.images[:120] / 16, "digit": [str(digit) for digit in some.target[:120]]}


SHORT = {"epochs: 9": "epochs: 2", "evaluate_every: 100": "evaluate_every: 5"}
AUGMENTED = STAGES.replace("batch_size: 32", "batch_size: 20").replace("source: {source: digits}", "source: {source: csv, file: data.csv}")
STOPPED = LEARNERS["dropout"][0].replace(
    "clip_norm: 1.0", "clip_norm: 1.0, early_stopping: {patience: 1, min_delta: 0.5}, schedule: cosine"
)
PLATEAU = LEARNERS["dropout"][0].replace(
    "clip_norm: 1.0", "clip_norm: 1.0, evaluate_every: 3, schedule: {type: reduce_on_plateau, patience: 1, min_delta: 0.05, cooldown: 1}"
)
AVERAGED = LEARNERS["dropout"][0].replace("clip_norm: 1.0", "clip_norm: 1.0, evaluate_every: 3, average: {decay: 0.8, start: 4}")
LOOKING = (
    LEARNERS["dropout"][0].replace("clip_norm: 1.0", "evaluate_every: 1").replace("batch_size: 8, epochs: 9", "batch_size: 100, steps: 6")
)
LOOKING = LOOKING.replace("{type: adam, lr: 0.01}", "{type: lbfgs, iterations: 3, history: 2}")
KINDS = {
    **LEARNERS,
    "stopped early, with a schedule": (STOPPED, LEARNERS["dropout"][1]),
    "on a plateau": (PLATEAU, LEARNERS["dropout"][1]),
    "averaged weights": (AVERAGED, LEARNERS["dropout"][1]),
    "looking again": (LOOKING, LEARNERS["dropout"][1]),
    "spelled": (SPELLED, waves()),
    "stages of augmented pictures": (AUGMENTED, None),
    "variational": (VAE, pictures()),
}


@pytest.mark.parametrize("kind", list(KINDS))
def test_from_every_step_and_every_evaluation_a_training_goes_on_to_the_bit(kind: str) -> None:
    text, columns = KINDS[kind]
    for long, short in SHORT.items():
        text = text.replace(long, short)
    plan, data = prepared(text, columns if columns is not None else digits())
    watch = Watch()
    keeper = Everything(watch.said)
    weights, outcome = trained(plan, data, keeper, None, watch)
    kept = keeper.kept
    assert len(kept) > 8

    for state, tensors, said in kept[1 :: max(1, len(kept) // 4)] + kept[-2:]:
        again = Watch()
        same, other = trained(plan, data, None, Snapshot(**unpacked(state, tensors)), again)

        assert all(torch.equal(tensor, weights[name]) for name, tensor in same.items())
        assert again.said == watch.said[said:]
        assert (other.best_step, other.steps, other.stopped_early) == (outcome.best_step, outcome.steps, outcome.stopped_early)
        for name, figure in outcome.figures.items():
            assert name.startswith("system/") or str(other.figures[name]) == str(figure), name
