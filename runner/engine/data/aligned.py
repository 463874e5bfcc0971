"""Whether texts fit into the frames that are to spell them."""

from __future__ import annotations

import torch

from nnrun.registry.field import DataError
from nnrun.registry.modules.ctc import frames_needed
from nnrun.registry.objective import Loss
from nnrun.runner.compiler.plan import Comparison, Plan
from nnrun.runner.engine.data.batch import Part
from nnrun.runner.engine.data.dataset import Dataset

CHUNK = 1 << 14
"""Texts that are looked at together."""


def refuse_crowded(plan: Plan, data: Dataset) -> None:
    """Raises: DataError for a text, in any part, that its frames cannot spell: no network could, and its loss would be infinite."""
    for loss in plan.losses:
        if isinstance(loss.config, Loss) and loss.config.whole:
            for part in filter(None, (data.train, data.valid, data.test)):
                _refuse_crowded(loss, part)


def _refuse_crowded(loss: Comparison, part: Part) -> None:
    frames, text = str(loss.input_shape.time), str(loss.target_shape.time)
    for rows in torch.split(part.rows, CHUNK):
        needed = frames_needed(part.values[loss.target][rows], part.lengths[text][rows])
        for place in (needed > part.lengths[frames][rows]).nonzero()[:1, 0].tolist():
            row, ticks = int(rows[place]), int(part.lengths[frames][rows[place]])
            what = f"takes {int(needed[place])} ticks of `{frames}` to be told, which has {ticks} there"
            help = "a tick for each symbol, and one between two that are alike; leave out the row, or make its text shorter by `max_length`"
            raise DataError(what, help, row, loss.target)
