"""Examples that a variational autoencoder has never seen: its codes are drawn, and the network goes on from there."""

from __future__ import annotations

from typing import Any

import torch

from nnrun.registry.field import DataError
from nnrun.registry.shape import known
from nnrun.runner.compiler.plan import Comparison, Plan
from nnrun.runner.compiler.types.ops import Op
from nnrun.runner.engine.data.batch import Batch
from nnrun.runner.engine.inference.predict import Predictor
from nnrun.runner.engine.pictures.tiles import tiles


def codes(plan: Plan) -> list[Op]:
    """The nodes that draw from a distribution which the network chooses. In training a divergence keeps these near the standard normal."""
    drawing = (op for op in plan.ops if op.config.type_name() == "noise" and "deviation" in op.ports)
    return [op for op in drawing if op.shape.time is None and getattr(op.config, "distribution", None) == "gaussian"]


def imagined(plan: Plan) -> list[Comparison]:
    """The answers that follow from codes alone."""
    given = [op.name for op in codes(plan)]
    if not given:
        return []
    behind = [(one, plan.behind([one.input], given)) for one in plan.answering]
    return [one for one, names in behind if not names.isdisjoint(given) and names.isdisjoint(plan.fields)]


class Imagination:
    """Draws codes from the standard normal distribution, and lets the network make answers of them."""

    def __init__(self, predictor: Predictor, count: int, seed: int = 0) -> None:
        plan, generator = predictor.plan, torch.Generator().manual_seed(seed)
        self.predictor, self.batch, self.answering = predictor, Batch({}, {}, count), imagined(plan)
        drawn = {op.name: torch.randn(count, *map(known, op.shape.axes), generator=generator) for op in codes(plan)}
        with torch.inference_mode():
            self.values = predictor.network.answer(self.batch, tuple(one.input for one in self.answering), drawn)

    def rows(self) -> list[dict[str, Any]]:
        """What was made, in the units and names of the data."""
        columns = self.predictor.said(self.values, self.batch)
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def picture(self) -> bytes:
        """The first answer that is a picture, side by side, as PNG. Raises: DataError if none is."""
        for one in self.answering:
            axes = tuple(map(known, one.target_shape.axes))
            if len(axes) == 3 and axes[0] in (1, 3):
                pixels = torch.tensor(self.predictor.said(self.values, self.batch)[one.answer])
                return tiles(pixels.flatten(1), (axes[0], axes[1], axes[2]))
        raise DataError("the network makes no pictures", "`--output FILE.json` takes any values")
