"""Learning by the gradient of a loss."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn

from nnrun.registry.field import DataError
from nnrun.registry.modules.chance import Dice, Share
from nnrun.runner.compiler.language.training import Train
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.compiler.text.words import listed
from nnrun.runner.compiler.types.ops import Op
from nnrun.runner.engine.data.aligned import refuse_crowded
from nnrun.runner.engine.data.batch import Batch, Part
from nnrun.runner.engine.data.dataset import Dataset
from nnrun.runner.engine.inference.predict import Predictor
from nnrun.runner.engine.inference.sheet import Sheet
from nnrun.runner.engine.network.network import Network
from nnrun.runner.engine.pictures.learned import Gallery
from nnrun.runner.engine.precision import mixed
from nnrun.runner.engine.training.best import Best, higher_figures
from nnrun.runner.engine.training.blame.gradients import Before, watching
from nnrun.runner.engine.training.blame.values import first_not_finite
from nnrun.runner.engine.training.descent.descent import Descent
from nnrun.runner.engine.training.diverged import Diverged
from nnrun.runner.engine.training.divided import divides, units, why
from nnrun.runner.engine.training.evaluate import Evaluator, Look
from nnrun.runner.engine.training.learner import Budget, Judged, Learner
from nnrun.runner.engine.training.minimised import Found, Minimised, penalty
from nnrun.runner.engine.world.split import Split, local, whole
from nnrun.runner.engine.world.world import ALONE, World, accumulating, on
from nnrun.runner.spans import BACKWARD, FORWARD, OPTIMIZER

FAR = 2.0
"""Times the loss of the untrained network: no training that works ends there."""


class Backprop(Learner[tuple[Batch, ...]]):
    """Minimises the losses of a plan.

    Raises: DataError if early stopping has no examples to watch, if there are no weights to train, or if a text has too few frames.
    """

    def __init__(self, network: Network, plan: Plan, data: Dataset, device: torch.device, world: World = ALONE) -> None:
        assert plan.spec.train is not None
        train, has_valid = plan.spec.train, data.valid is not None
        if train.early_stopping is not None and not has_valid:
            help = "enlarge `split.valid`, or leave out `early_stopping`"
            raise DataError("early stopping watches the validation part, which has no examples", help)
        refuse_crowded(plan, data)
        super().__init__(network, plan, data, device, Budget.of(train, len(data.train)), Best.watching(train, plan, has_valid), world)
        if not any(parameter.requires_grad for parameter in network.parameters()):
            raise DataError(f"{_trained(train)} no weights that could be trained", "see `nodes` under `train`, `freeze` and `share`")
        self.evaluator = Evaluator(network, plan, data.facts, device, data.ticks, world)
        self.own = Minimised(network, self.evaluator.losses, network.penalties(train.regularize), self.evaluator.wanted)
        self.split = Split(self.own, network.runs, units(plan), device) if divides(plan, world, device) else None
        """Where each process holds a share of the weights."""
        self.penalties = network.penalties(train.regularize) if self.split is not None else []
        """Those of each share."""
        if self.split is not None:
            self.own.penalties = []
            self.remark = why(plan, world)
        parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
        self.descent = Descent(train, parameters, self.budget.steps, device)
        self.minimised: nn.Module | None = self.split.root if self.split is not None else self.own if world.is_alone else None
        """The same with the gradients of all processes; made in the first step, which tells whether some weights have none."""
        self.gallery = Gallery(network, plan, data.valid, data.facts, 1 + -(-self.budget.steps // self.budget.evaluate_every))
        self.lost, self.steps_since = torch.zeros(1 + len(plan.loss_labels), device=device), 0
        """Losses added up since they were last told, in this process, and how many; as `Losses.told` gives them."""
        self.first = self.latest = math.nan
        """Training loss of the untrained network, and as it was last told."""
        self.nothing = torch.zeros_like(self.lost)
        self.batch: Batch | None = None
        """The last one."""
        self.dice = Dice(train.seed, device, world.size > 1)

    def batches(self, epoch: int, first: int = 0) -> Iterator[tuple[Batch, ...]]:
        if self.network.memory is not None and not first:
            self.network.memory.forget()  # the streams begin anew
        self.network.train()
        train = self.train
        batches = self.data.train.batches(
            train.batch_size, train.seed, epoch, self.order, first * train.accumulate, None if self.world.is_alone else self.world.share
        )
        while pieces := tuple(islice(batches, train.accumulate)):
            yield pieces

    def step(self, number: int, batch: tuple[Batch, ...], due: bool) -> float | None:
        pieces = [piece.to(self.device) for piece in batch]
        before = Before.of(self.network, self.device)
        weights = self._weights(pieces)
        self.descent.set_rate(number)
        minimised = self.minimised = self.minimised or self._wrapped(number, pieces[0], weights, before)
        self.descent.forget()
        reads, value, losses = self.world.is_alone and (due or self.device.type == "cpu"), 0.0, self.nothing  # reading waits for a GPU
        for index, piece in enumerate(pieces):
            is_last = index == len(pieces) - 1
            with nullcontext() if is_last else accumulating(minimised):
                with FORWARD:
                    found = self._found(minimised, number, index, piece, weights, is_last)
                if reads and not math.isfinite(value := value + float(found.losses[0])):
                    raise self._diverged(number, [piece])
                with BACKWARD, self.dice:
                    self.descent.backward(found.objective)
            losses = found.losses if index == 0 else losses + found.losses
            if piece.share is None or piece.share.count:
                self.evaluator.meters.update(found.values, piece)
            self.examples += piece.count if piece.share is None else piece.share.whole
        if self.penalties:
            self.descent.backward(penalty([(local(weight), l1, l2) for weight, l1, l2 in self.penalties]))
        if self.descent.is_lost(due):
            raise Diverged.gradient(number, self._blamed(number, pieces, weights, before))
        with OPTIMIZER:
            self.descent.step(lambda: self._again(number, pieces, weights))
        self.batch = pieces[-1]
        self.lost += losses
        self.steps_since += 1
        if not reads and not due:
            return None
        if not reads:
            value = self._agreed_loss(number, losses[0])
        self.first = value if number == 1 else self.first
        return value

    def _again(self, number: int, pieces: Sequence[Batch], weights: Tensor | None) -> Tensor:
        """What a step minimises, with its gradients, at the weights as they are now."""
        assert self.minimised is not None
        self.descent.forget()
        whole = torch.zeros((), device=self.device)
        for index, piece in enumerate(pieces):
            is_last = index == len(pieces) - 1
            with nullcontext() if is_last else accumulating(self.minimised):
                found = self._found(self.minimised, number, index, piece, weights, is_last)
                with self.dice:
                    self.descent.backward(found.objective)
            whole += found.objective.detach()
        self.world.sum([whole])
        return whole / self.world.size

    def _agreed_loss(self, number: int, loss: Tensor) -> float:
        """That of a step, of which this process has a share. Raises: Diverged."""
        whole = loss.clone()
        self.world.sum([whole])
        if not math.isfinite(value := float(whole)):
            assert self.batch is not None
            self.join()
            self.evaluator.losses.check(self.batch)
            raise Diverged.loss(number, self._agreed(first_not_finite(self.network, self.batch)))
        return value

    def _wrapped(self, number: int, piece: Batch, weights: Tensor | None, before: Before) -> nn.Module:
        """`minimised`, after a step that is tried and leaves nothing behind."""
        buffers = [(buffer, buffer.clone()) for buffer in self.network.buffers()]
        self.descent.forget()
        self._tried(number, 0, piece, weights, is_last=True)
        before.restore(self.network)
        for buffer, was in buffers:
            buffer.copy_(was)
        unused = any(parameter.grad is None for parameter in self.descent.parameters)
        return self.world.wrapped(self.own, self.device, unused)

    def _weights(self, pieces: Sequence[Batch]) -> Tensor | None:
        """Those of the losses over all that is learned from in a step; None where that is one batch of this process alone."""
        if self.world.is_alone and len(pieces) == 1:
            return None
        own = [self.evaluator.losses.weights(piece) for piece in pieces if piece.share is None or piece.share.count]
        whole = torch.stack(own).sum(0) if own else torch.zeros(len(self.plan.losses), device=self.device)
        self.world.sum([whole])
        return whole

    def _found(self, minimised: nn.Module, number: int, index: int, piece: Batch, weights: Tensor | None, is_last: bool) -> Found:
        """What comes of a batch, the one of this index among those of a step."""
        self.dice.begin(number, piece.share or Share(0, piece.count, piece.count), index)
        with self.dice, mixed(self.device, self.train.precision):
            found: Found = minimised(piece, weights, self.world.size, is_last)
        if not found.objective.requires_grad:
            raise DataError(f"{_trained(self.train)} no weights that the loss depends on", "see `nodes` under `train` and `freeze`")
        return found

    def _tried(self, number: int, index: int, piece: Batch, weights: Tensor | None, is_last: bool) -> None:
        """The gradients of a batch, of this process alone."""
        found = self._found(self.own, number, index, piece, weights, is_last)
        with self.dice:
            found.objective.backward()  # type: ignore[no-untyped-call]

    def _blamed(self, number: int, pieces: Sequence[Batch], weights: Tensor | None, before: Before) -> Op | None:
        """The node on whose way back a gradient stopped being a number, in the step that went out from `before`."""
        self.join()
        before.restore(self.network)
        with watching(self.network) as watch:
            for index, piece in enumerate(pieces):
                self._tried(number, index, piece, weights, index == len(pieces) - 1)
        return self._agreed(watch.first)

    def _agreed(self, op: Op | None) -> Op | None:
        """The node that the first process blames which blames one."""
        names = [name for name in self.world.gathered(op.name if op is not None else None) if name is not None]
        return next((op for op in self.plan.ops if op.name == names[0]), None) if names else None

    def since(self) -> dict[str, float]:
        lost = self.lost.clone()
        self.world.sum([lost])
        told = [total / self.steps_since for total in lost.tolist()]
        figures = {f"train/{label}": figure for label, figure in self.evaluator.losses.figures(told).items()}
        self.latest = figures["train/loss"]
        self.lost.zero_()
        self.steps_since = 0
        return {**figures, **self.descent.told}

    def judge(self, step: int) -> Judged | None:
        if step == 0 and self.data.valid is None:
            return None
        figures = {f"train/{name}": figure for name, figure in self.evaluator.meters.compute(self.world).items()} if step else {}
        look = self.gallery.open(last=step == self.budget.steps)
        if self.data.valid is not None:
            figures |= self._evaluated(step, self.data.valid, "valid", look=look)
        elif self.batch is not None:
            self._check_loss(step, self.evaluator.loss(self.batch))
        self.network.train()
        return Judged(figures, pictures=self.gallery.pictures(step))

    def averaged(self) -> AbstractContextManager[None]:
        return self.descent.average.inside() if self.descent.average is not None else nullcontext()

    def gathered(self) -> AbstractContextManager[None]:
        return self.split.gathered() if self.split is not None else nullcontext()

    def join(self) -> None:
        """The training is over: the network is whole again, in all processes."""
        if self.split is not None:
            self.split.join()
            self.best.weights = {name: whole(weight) for name, weight in self.best.weights.items()} if self.best.weights else None
            self.split = None

    def settle(self) -> None:
        if self.descent.average is not None:
            self.descent.average.settle()
        super().settle()

    def leave(self, together: bool) -> None:
        if self.split is not None and not together:  # the others' shares are out of reach
            self.split.close()
            return
        super().leave(together)
        self.join()

    def heed(self, figures: Mapping[str, float]) -> None:
        self.descent.heed(figures, higher_figures(self.plan))

    def conclude(self, step: int, figures: Mapping[str, float]) -> Judged:
        self.join()
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
        raise self._diverged(step, (batch.to(self.device) for batch in batches))

    def _diverged(self, step: int, batches: Iterable[Batch]) -> Diverged:
        """What to raise where a loss is no number. Raises: DataError if that is the data's fault."""
        for batch in batches:
            self.evaluator.losses.check(batch)
            if (op := first_not_finite(self.network, batch)) is not None:
                return Diverged.loss(step, op)
        return Diverged.loss(step, None)

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
        lost = self.lost.clone()
        self.world.sum([lost])
        return {
            **super().state(),
            **self.descent.state(),
            "lost": lost,
            "steps since": self.steps_since,
            "first": self.first,
            "latest": self.latest,
            "meters": self.evaluator.meters.state(self.world),
            "pictures": self.gallery.seen,
            "memory": self._remembered(),
        }

    def _remembered(self) -> dict[str, Tensor]:
        """What the network remembers of the streams of all processes."""
        if self.network.memory is None:
            return {}
        share = self.batch.share if self.batch is not None else None
        held = self.network.memory.state()
        return held if share is None else {name: self.world.joined(state[:, : share.count], 1) for name, state in held.items()}

    def take(self, state: Mapping[str, Any]) -> None:
        super().take(state)
        self.descent.take(state)
        if self.world.is_first:  # the others have nothing to add
            self.lost.copy_(state["lost"])
            self.evaluator.meters.take(on(self.device, state["meters"]))
        self.steps_since, self.first, self.latest = state["steps since"], state["first"], state["latest"]
        self.gallery.seen = state["pictures"]
        if self.network.memory is not None:
            held = on(self.device, state["memory"])
            if not self.world.is_alone:
                held = {name: whole[:, self.world.share(self.train.batch_size, whole.shape[1]).rows] for name, whole in held.items()}
            self.network.memory.take(held)


def _trained(train: Train) -> str:
    return f"{', '.join(f'`{name}`' for name in train.nodes)}: there are" if train.nodes else "the network has"
