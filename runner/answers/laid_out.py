"""Answers laid out as a table: vectors as a column for each of their numbers, where these have names, or where a cell holds no list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nnrun.registry.shape import Axis
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.engine.inference.saying.what import What


def laid_out(table: Mapping[str, Sequence[Any]], plan: Plan, what: What, lists: bool) -> dict[str, Sequence[Any]]:
    """The same table. A vector made of columns is these columns again, `both_a` and `both_b`; others stay lists where a cell may hold
    `lists`, else they are counted: `code_1`, `code_2`."""
    names = _names(plan, what, lists)
    result: dict[str, Sequence[Any]] = {}
    for column, values in table.items():
        if column not in names:
            result[column] = values
            continue
        for place, name in enumerate(names[column]):
            result[name] = [None if value is None else value[place] for value in values]
    return result


def _names(plan: Plan, what: What, lists: bool) -> dict[str, Sequence[str]]:
    """For each column that is laid out the columns that it becomes."""
    found: dict[str, Sequence[str]] = {}
    for one in plan.answering if what.is_of_losses and plan.decoding is None else ():
        shape, field = one.target_shape, plan.fields.get(one.target.partition(".")[0])
        if shape.kind == "number" and shape.time is None and len(shape.axes) == 1:
            columns = getattr(field, "columns", None)
            if columns:
                found[one.answer] = [f"{one.answer}_{column}" for column in columns]
            elif not lists:
                found[one.answer] = _counted(one.answer, shape.axes[0])
    for value in what.values if not lists else ():
        shape = plan.values[value]
        if shape.time is None and len(shape.axes) == 1:
            found[value.replace(".", "_")] = _counted(value.replace(".", "_"), shape.axes[0])
    return found


def _counted(name: str, size: Axis) -> list[str]:
    return [f"{name}_{place}" for place in range(1, int(size) + 1)]
