"""What a network may be asked, by an example: a row of its data, as the columns that it reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nnrun.registry.field import Facts, Field
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.engine.data.batch import Part
from nnrun.runner.engine.data.series.windows import reach_of
from nnrun.runner.engine.inference.answered import PROMPT

BEGINNING = 20
"""Tokens of a text that is to be continued."""

Row = Mapping[str, Sequence[Any]]


def example_of(plan: Plan, facts: Mapping[str, Facts], part: Part) -> dict[str, list[Any]]:
    """The first example of a part as columns; of a window, as many rows as it takes. Pictures are numbers, also where they were files."""
    data = plan.spec.data
    assert data is not None
    if not plan.read:
        assert plan.decoding is not None
        target = plan.decoding.target
        tokens = part.values[target][part.rows[0], : min(BEGINNING, _ticks(part, target))]
        return {PROMPT: plan.fields[target].decode(tokens[None].numpy(), facts[target])}
    columns: dict[str, list[Any]] = {}
    windowed = data.window is not None and not data.streamed
    for name in plan.read:
        field, values = plan.fields[name], plan.fields[name].bare(part.values[name][part.rows[0]].numpy())
        if name not in part.times:
            rows = field.restored(values[None], facts[name])
        elif field.type_name() == "text":
            rows = field.restored(values[None, : _ticks(part, name)], facts[name])
        else:
            ticks = field.restored(values[: _ticks(part, name)], facts[name])
            rows = ticks if windowed else [ticks]
        if windowed and data.window is not None:  # what is known in advance has a row where the value to predict lies
            rows = [*rows, *rows[-1:] * (reach_of(data.window, ahead=True) - len(rows))]
        columns |= _columns(name, field, rows)
    if windowed and data.window is not None:
        begin = int(part.rows[0])
        end = begin + reach_of(data.window, ahead=True)
        columns = {column: list(held[begin:end]) for column, held in part.ordering.items()} | columns
    return columns


def _ticks(part: Part, name: str) -> int:
    return int(part.lengths[part.times[name]][part.rows[0]])


def _columns(name: str, field: Field, rows: list[Any]) -> dict[str, list[Any]]:
    """The columns of a field; of a vector that is made of several, a place for each."""
    columns = field.reads(name)
    if len(columns) == 1 and not getattr(field, "columns", None):
        return {columns[0]: rows}
    return {column: np.array(rows)[..., place].tolist() for place, column in enumerate(columns)}
