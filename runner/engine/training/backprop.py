"""Learning by the gradient of a loss."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from nnrun.registry.field import DataError
from nnrun.registry.modules.chance import Dice, Share, drawing
from nnrun.runner.compiler.language.training import Train
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.compiler.text.words import listed
from nnrun.runner.compiler.types.ops import Op
from nnrun.runner.engine.data.batch import Batch, Part
from nnrun.runner.engine.data.dataset import Dataset
from nnrun.runner.engine.inference.predict import Predictor
from nnrun.runner.engine.inference.sheet import Sheet
from nnrun.runner.engine.network.network import Network
from nnrun.runner.engine.pictures.learned import Gallery
from nnrun.runner.engine.precision import mixed
from nnrun.runner.engine.training.best import Best
from nnrun.runner.engine.training.blame.gradients import Before, watching
from nnrun.runner.engine.training.blame.values import first_not_finite
from nnrun.runner.engine.training.diverged import Diverged
from nnrun.runner.engine.training.evaluate import Evaluator, Look
from nnrun.runner.engine.training.learner import Budget, Descent, Judged, Learner, on
from nnrun.runner.spans import BACKWARD, FORWARD, OPTIMIZER

FAR = 2.0
"""Times the loss of the untrained network: no training that works ends there."""


class Backprop(Learner[Batch]):
    """Minimises the losses of a plan.

    Raises: DataError if early stopping has no examples to watch, or if there are no weights to train.
    """

    def __init__(self, network: Network, plan: Plan, data: Dataset, device: torch.device) -> None:
        assert plan.spec.train is not None
        train, has_valid = plan.spec.train, data.valid is not None
        if train.early_stopping is not None and not has_valid:
            help = "enlarge `split.valid`, or leave out `early_stopping`"
            raise DataError("early stopping watches the validation part, which has no examples", help)
        super().__init__(network, plan, data, device, Budget.of(train, len(data.train)), Best.watching(train, plan, has_valid))
        parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
        if not parameters:
            raise DataError(f"{_trained(train)} no weights that could be trained", "see `nodes` under `train`, `freeze` and `share`")
        self.evaluator = Evaluator(network, plan, data.facts, device, data.ticks)
        self.descent = Descent(train, parameters, self.budget.steps, device)
        self.penalties = network.penalties(train.regularize)
        self.gallery = Gallery(network, plan, data.valid, data.facts, 1 + -(-self.budget.steps // self.budget.evaluate_every))
        self.lost, self.steps_since = torch.zeros((), device=device), 0
        """Losses added up since they were last told, and how many."""
        self.first = self.latest = math.nan
        """Training loss of the untrained network, and as it was last told."""
        self.batch: Batch | None = None
        """The last one."""
        self.dice = Dice(train.seed, device)

    def batches(self, epoch: int, first: int = 0) -> Iterator[Batch]:
        if self.network.memory is not None and not first:
            self.network.memory.forget()  # the streams begin anew
        self.network.train()
        yield from self.data.train.batches(self.train.batch_size, self.train.seed, epoch, self.order, first)

    def step(self, number: int, batch: Batch, due: bool) -> float | None:
        batch = batch.to(self.device)
        before = Before.of(self.network, self.device)
        self.dice.begin(number, batch.share or Share(0, batch.count, batch.count))
        with FORWARD:
            values, loss, objective = self._objective(batch)
        if not objective.requires_grad:
            raise DataError(f"{_trained(self.train)} no weights that the loss depends on", "see `nodes` under `train` and `freeze`")
        value = None
        if due or self.device.type == "cpu":  # reading the value waits for a GPU; on a CPU it is free
            value = float(loss.detach())
            if not math.isfinite(value):
                raise Diverged.loss(number, first_not_finite(self.network, batch))
            self.first = value if number == 1 else self.first
        self.batch = batch
        self.descent.set_rate(number)
        with BACKWARD:
            self.descent.backward(objective)
        if self.descent.is_lost(due):
            raise Diverged.gradient(number, self._blamed(batch, before))
        with OPTIMIZER:
            self.descent.step()
        self.evaluator.meters.update(values, batch)
        self.lost += loss.detach()
        self.steps_since += 1
        self.examples += batch.count
        return value

    def _objective(self, batch: Batch) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """What the network gives for a batch, its loss, and what is minimised."""
        losses = self.evaluator.losses
        with drawing(self.dice), mixed(self.device, self.train.precision):
            values = self.network(batch, self.evaluator.wanted)
            loss = losses.total(losses.sums(values, batch))
            return values, loss, loss + penalty(self.penalties) if self.penalties else loss

    def _blamed(self, batch: Batch, before: Before) -> Op | None:
        """The node on whose way back a gradient stopped being a number, in the step that went out from `before`."""
        before.restore(self.network)
        with watching(self.network) as watch:
            self._objective(batch)[2].backward()  # type: ignore[no-untyped-call]
        return watch.first

    def since(self) -> dict[str, float]:
        self.latest = float(self.lost) / self.steps_since
        self.lost.zero_()
        self.steps_since = 0
        return {"train/loss": self.latest, **self.descent.told}

    def judge(self, step: int) -> Judged | None:
        if step == 0 and self.data.valid is None:
            return None
        figures = {f"train/{name}": figure for name, figure in self.evaluator.meters.compute().items()} if step else {}
        look = self.gallery.open(last=step == self.budget.steps)
        if self.data.valid is not None:
            figures |= self._evaluated(step, self.data.valid, "valid", look=look)
        elif self.batch is not None:
            self._check_loss(step, self.evaluator.loss(self.batch))
        self.network.train()
        return Judged(figures, pictures=self.gallery.pictures(step))

    def conclude(self, step: int, figures: Mapping[str, float]) -> Judged:
        sheet = Sheet(Predictor(self.network, self.plan, self.data.facts), self.data.test) if self.data.test is not None else None
        found = self._evaluated(step, sheet.part, "test", sheet) if sheet is not None else {}
        doubts = (self._worse(), self._unknown({**figures, **found}))
        return Judged(found, warnings=[doubt for doubt in doubts if doubt is not None], answers=sheet)

    def _evaluated(self, step: int, part: Part, name: str, sheet: Sheet | None = None, look: Look | None = None) -> dict[str, float]:
        """Figures of a part. Raises: Diverged if its loss is no number."""
        figures = self.evaluator.evaluate(part, name, sheet, look)
        self._check_loss(step, figures[f"{name}/loss"], part)
        return figures

    def _check_loss(self, step: int, loss: float, part: Part | None = None) -> None:
        """Raises: Diverged."""
        if math.isfinite(loss):
            return
        batches = part.in_order(self.evaluator.batch_size) if part is not None else [self.batch] if self.batch is not None else []
        blamed = (first_not_finite(self.network, batch.to(self.device)) for batch in batches)
        raise Diverged.loss(step, next((op for op in blamed if op is not None), None))

    def _worse(self) -> str | None:
        """What to say where training has only done harm."""
        if not self.latest > FAR * self.first:
            return None
        return (
            f"the training loss is {self.latest:.4g} at the end, and was {self.first:.4g} before the first step, so it has diverged: "
            "a smaller `lr`, `clip_norm: 1.0` or `normalize: standard` on the data usually mend this"
        )

    def _unknown(self, figures: Mapping[str, float]) -> str | None:
        """What to say where metrics are no numbers, as of a target that never changes; the loss always is one."""
        names = [name for name, figure in figures.items() if math.isnan(figure)]
        if not names:
            return None
        by_loss = self.best.chooses and math.isnan(self.best.value)
        kept = "; the weights that are kept are those of the lowest loss" if by_loss else ""
        return f"{listed(names)} {'are no numbers' if len(names) > 1 else 'is no number'}{kept}"

    def state(self) -> dict[str, Any]:
        memory = self.network.memory
        return {
            **super().state(),
            **self.descent.state(),
            "lost": self.lost.clone(),
            "steps since": self.steps_since,
            "first": self.first,
            "latest": self.latest,
            "meters": self.evaluator.meters.state(),
            "pictures": self.gallery.seen,
            "memory": memory.state() if memory is not None else {},
        }

    def take(self, state: Mapping[str, Any]) -> None:
        super().take(state)
        self.descent.take(state)
        self.lost.copy_(state["lost"])
        self.steps_since, self.first, self.latest = state["steps since"], state["first"], state["latest"]
        self.evaluator.meters.take(on(self.device, state["meters"]))
        self.gallery.seen = state["pictures"]
        if self.network.memory is not None:
            self.network.memory.take(on(self.device, state["memory"]))


def _trained(train: Train) -> str:
    return f"{', '.join(f'`{name}`' for name in train.nodes)}: there are" if train.nodes else "the network has"


def penalty(penalties: list[tuple[nn.Parameter, float, float]]) -> Tensor:
    """l1 * sum|w| + l2 * sum w^2, over all weights that are to stay small."""
    return torch.stack([l1 * weight.abs().sum() + l2 * weight.square().sum() for weight, l1, l2 in penalties]).sum()
