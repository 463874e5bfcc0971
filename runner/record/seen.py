"""What a network saw of the examples in a table: texts and numbers as they are, pictures as files that MLflow shows in its cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from nnrun.registry.fields.image import Image
from nnrun.registry.fields.text import Text
from nnrun.registry.fields.video import Video
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.engine.data.told import Told
from nnrun.runner.engine.inference.sheet import Sheet
from nnrun.runner.engine.pictures.tiles import picture
from nnrun.runner.tracking.recorder import Recorder

ROWS, PICTURED = 500, 100
"""Most rows of the table, and where it has pictures: each is a file, and MLflow's page complains of a cell without one."""


def most_rows(plan: Plan) -> int:
    """How many examples the table of a plan shows."""
    return PICTURED if any(isinstance(plan.fields[name], Image) for name in plan.read) else ROWS


class Seen:
    """Of a sheet, the examples at some places."""

    def __init__(self, recorder: Recorder, sheet: Sheet, places: np.ndarray[Any, Any]) -> None:
        self.recorder, self.sheet = recorder, sheet
        self.part = replace(sheet.part, rows=sheet.part.rows.sort().values[torch.from_numpy(places)])

    def columns(self) -> dict[str, list[Any]]:
        """A column for each field that the network reads. Films are left out."""
        plan = self.sheet.plan
        return {name: self._column(name) for name in plan.read if not isinstance(plan.fields[name], Video)}

    def _column(self, name: str) -> list[Any]:
        field, facts = self.sheet.plan.fields[name], self.sheet.predictor.facts[name]
        if isinstance(field, Text):
            return Told(name, self.sheet.plan.fields, self.sheet.predictor.facts).raw(self.part, self.part.rows)
        values = field.bare(self.part.values[name][self.part.rows])
        if isinstance(field, Image):
            return self._pictures(name, field.decode(values.numpy(), facts))
        if name not in self.part.times:
            return field.restored(values.numpy(), facts)
        lengths = self.part.lengths[self.part.times[name]][self.part.rows].tolist()
        return [field.restored(row[:length].numpy(), facts) for row, length in zip(values, lengths, strict=True)]

    def _pictures(self, name: str, images: Sequence[Any]) -> list[Any]:
        """Cells as MLflow's own `log_table` writes them; its second, compressed file is the same one here: they are small."""
        cells: list[Any] = []
        for place, pixels in enumerate(images):
            path = f"table_images/predictions/{name}-{place}.png"
            self.recorder.artifact(path, picture(np.array(pixels)))
            cells.append({"type": "image", "filepath": path, "compressed_filepath": path})
        return cells
