"""Pictures of a network that learns from images, as PNG bytes: the kernels of its first convolution, and its worst mistakes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from nnrun.registry.field import Facts
from nnrun.runner.compiler.plan import Comparison, Plan
from nnrun.runner.engine.data.batch import Batch, Part
from nnrun.runner.engine.network.network import Network
from nnrun.runner.engine.pictures.segmented import beside
from nnrun.runner.engine.pictures.tiles import captioned, tiles

PICTURES = 10
"""About so many of each kind in a training: one an evaluation, or one after some."""

MISTAKES = 24
"""The worst that are shown."""


class Mistakes:
    """The worst mistakes of a part, found while it is judged: batch by batch, what each example costs and what it was taken for."""

    def __init__(self, part: Part, field: str, loss: Comparison) -> None:
        self.part, self.field, self.loss = part, field, loss
        self._seen: list[tuple[Tensor, Tensor, Tensor]] = []
        """(rows, what they cost, what they were taken for)."""

    def look(self, rows: Tensor, values: Mapping[str, Tensor], batch: Batch) -> None:
        """Note a batch that was judged."""
        scores, target = values[self.loss.input].float(), batch.values[self.loss.target]
        if (places := batch.judged(self.loss.target, None)) is not None:
            rows, scores, target = rows[places.cpu()], scores[places], target[places]
        cost = cross_entropy(scores, target, reduction="none").reshape(len(rows), -1).mean(1)
        self._seen.append((rows, cost.cpu(), scores.argmax(1).cpu()))

    def picture(self, facts: Mapping[str, Facts]) -> bytes:
        """The examples with the largest loss, worst first, each with its class and the one it was taken for; of masks, with both."""
        rows, costs, guesses = (torch.cat(held) for held in zip(*self._seen, strict=True))
        worst = costs.argsort(descending=True)[:MISTAKES]
        images, truth = (self.part.values[name][rows[worst]] for name in (self.field, self.loss.target))
        if truth.ndim > 1:
            wrong = (truth != guesses[worst]).flatten(1).float().mean(1)
            triples = beside(_shades(images).view_as(images), truth, guesses[worst])
            frame = (triples.shape[1], triples.shape[2], triples.shape[3])
            return captioned(triples.flatten(1), frame, [f"{share:.1%} wrong" for share in wrong.tolist()], columns=2)
        names = facts[self.loss.target]["classes"]
        captions = [_caption(names, int(true), int(guess)) for true, guess in zip(truth, guesses[worst], strict=True)]
        return captioned(_shades(images), (images.shape[1], images.shape[2], images.shape[3]), captions)


class Gallery:
    """Which pictures a plan has, and when they are due."""

    def __init__(self, network: Network, plan: Plan, part: Part | None, facts: Mapping[str, Facts], evaluations: int) -> None:
        self.network, self.part, self.facts = network, part, facts
        self.every = -(-evaluations // PICTURES)
        self.seen = -1
        """Evaluations so far, counted from 0."""
        self.first = _first_convolution(plan)
        self.judged = _judged(plan)
        self.mistakes: Mistakes | None = None
        """Those of the evaluation that goes on, if a picture is due after it."""
        self.is_due = False

    def open(self, last: bool) -> Callable[[Tensor, Mapping[str, Tensor], Batch], None] | None:
        """An evaluation begins: who is to be shown its batches."""
        self.seen += 1
        self.is_due = last or self.seen % self.every == 0
        self.mistakes = Mistakes(self.part, *self.judged) if self.is_due and self.judged is not None and self.part is not None else None
        return self.mistakes.look if self.mistakes is not None else None

    def pictures(self, step: int) -> list[tuple[str, int, bytes]]:
        """(key, step, PNG) of what is due after it."""
        found = []
        if self.is_due and self.first is not None:
            found.append((f"filters/{self.first}", step, filters(self.network.runs[self.first])))
        if self.mistakes is not None:
            found.append((f"mistakes/{self.mistakes.field}", step, self.mistakes.picture(self.facts)))
        return found


def filters(convolution: nn.Module) -> bytes:
    """The kernels side by side: grey is no weight, white and black are strong ones."""
    weight = next(tensor for name, tensor in convolution.named_parameters() if name.endswith("weight")).detach()
    frame = (weight.shape[1], weight.shape[2], weight.shape[3])
    return tiles(0.5 + 0.5 * weight.flatten(1) / (float(weight.abs().max()) or 1.0), frame)


def _caption(names: Sequence[str], true: int, guess: int) -> str:
    return f"{names[true]}" if true == guess else f"{names[true]}, not {names[guess]}"


def _shades(images: Tensor) -> Tensor:
    """Numbers of any range between black and white."""
    low, high = float(images.min()), float(images.max())
    return ((images - low) / ((high - low) or 1.0)).flatten(1)


def _first_convolution(plan: Plan) -> str | None:
    """The convolution that reads an image, if its kernels can be seen."""
    for op in plan.ops:
        if op.config.type_name() == "conv" and op.share is None and op.inputs[0].value in plan.fields:
            weight = op.parameters["weight"]
            if len(weight) == 4 and weight[1] in (1, 3):
                return op.name
    return None


def _judged(plan: Plan) -> tuple[str, Comparison] | None:
    """The image that a class is told of, or the class of each of its pixels, and the loss that compares."""
    images = [name for name in plan.read if plan.fields[name].type_name() == "image" and plan.values[name].axes[0] in (1, 3)]
    for loss in plan.losses if images and plan.decoding is None else ():
        scores = loss.config.type_name() == "cross_entropy" and loss.input_shape.time is None
        fits = loss.target_shape.axes in ((), plan.values[images[0]].axes[1:])
        if scores and fits and plan.fields[loss.target.partition(".")[0]].type_name() in ("category", "mask"):
            return images[0], loss
    return None
