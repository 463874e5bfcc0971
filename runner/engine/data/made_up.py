"""Columns of the declared types, for trying a spec without its data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from nnrun.registry.data.samples import in_ticks
from nnrun.registry.field import Field
from nnrun.runner.compiler.language.data import Data
from nnrun.runner.engine.data.columns import Parts


def made_up_columns(data: Data, fields: Mapping[str, Field], count: int, seed: int = 0) -> Parts:
    """Columns of the declared types, for trying a spec without its data."""
    rng = np.random.default_rng(seed)
    made: dict[str, Sequence[Any]] = {}
    for name, config in fields.items():
        if data.window is not None and getattr(config, "along", None):
            config = config.model_copy(update={"along": None})  # rows are ticks: one value in each
        if data.window is None and config.type_name() == "series":
            sample: Sequence[Any] = in_ticks(partial(_ticks, config, rng), count)
        else:
            sample = config.sample(count, rng)
        names = config.reads(name)
        if len(names) == 1:
            made[names[0]] = sample
        else:
            made |= {column: [_place(row, index) for row in sample] for index, column in enumerate(names)}
    return {"all": made}


def _ticks(config: Field, rng: np.random.Generator, count: int) -> list[Any]:
    return list(config.sample(count, rng))


def _place(row: Any, index: int) -> Any:
    """A number of a made-up vector, or of each tick in a row."""
    return [tick[index] for tick in row] if isinstance(row, list) else row[index]
