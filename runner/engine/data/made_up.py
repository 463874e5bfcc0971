"""Columns of the declared types, for trying a spec without its data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from nnrun.registry.algebra.ticks import origin, ticks_along
from nnrun.registry.data.samples import LENGTHS, in_ticks
from nnrun.registry.field import Field
from nnrun.registry.objective import Loss
from nnrun.runner.compiler.language.data import Data
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.engine.data.columns import Parts

LONGEST = 1000
"""Rows are less than so many times as long as others."""


def made_up_columns(data: Data, fields: Mapping[str, Field], count: int, seed: int = 0, times: Mapping[str, int] | None = None) -> Parts:
    """Columns of the declared types, for trying a spec without its data. Rows of some fields are so many `times` as long as others."""
    rng = np.random.default_rng(seed)
    made: dict[str, Sequence[Any]] = {}
    for name, config in fields.items():
        if data.window is not None and getattr(config, "along", None):
            config = config.model_copy(update={"along": None})  # rows are ticks: one value in each
        if data.window is None and config.type_name() == "series":
            sample: Sequence[Any] = in_ticks(partial(_ticks, config, rng), count)
        else:
            sample = config.sample(count, rng)
        if times is not None and name in times:
            sample = [_over_again(row, times[name]) for row in sample]
        names = config.reads(name)
        if len(names) == 1:
            made[names[0]] = sample
        else:
            made |= {column: [_place(row, index) for row in sample] for index, column in enumerate(names)}
    return {"all": made}


def times_as_long(plan: Plan) -> dict[str, int]:
    """How much longer than others the rows of fields are, so that texts fit into the ticks that strides and windows leave of them."""
    found: dict[str, int] = {}
    for loss in plan.losses:
        if isinstance(loss.config, Loss) and loss.config.whole:
            axis = str(loss.input_shape.time)
            enough = (times for times in range(1, LONGEST) if all(ticks_along(axis, times * ticks) >= ticks for ticks in LENGTHS))
            found |= dict.fromkeys((name for name in plan.fields if plan.values[name].time == origin(axis)), next(enough, 1))
    return found


def _over_again(row: Any, times: int) -> Any:
    """A made-up row again and again, so many times."""
    if isinstance(row, np.ndarray):
        return np.concatenate([row] * times)
    return " ".join([row] * times) if isinstance(row, str) and " " in row else row * times


def _ticks(config: Field, rng: np.random.Generator, count: int) -> list[Any]:
    return list(config.sample(count, rng))


def _place(row: Any, index: int) -> Any:
    """A number of a made-up vector, or of each tick in a row."""
    return [tick[index] for tick in row] if isinstance(row, list) else row[index]
