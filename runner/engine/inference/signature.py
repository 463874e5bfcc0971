"""What a network reads and gives, as MLflow describes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nnrun.registry.data.columns import depth
from nnrun.registry.field import Facts
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.engine.data.dataset import ordering
from nnrun.runner.engine.inference.answered import PROMPT, answering, named
from nnrun.runner.engine.inference.recollect import answering_groups

Described = list[dict[str, Any]]


def signature(plan: Plan, facts: Mapping[str, Facts], example: Mapping[str, Any] | None = None) -> tuple[Described, Described]:
    """Columns in and out as MLflow describes them: name, type (`string`, `double`, `long`, `boolean`) and number of list axes.

    `example` is a row of the data: pictures come as arrays of two or three axes, or as paths.
    """
    windowed = plan.spec.data is not None and plan.spec.data.window is not None
    inputs: dict[str, dict[str, Any]] = {} if plan.read else {PROMPT: {"name": PROMPT, "type": "string", "axes": 0}}
    for name in plan.read:
        field, shape = plan.fields[name], plan.values[name]
        columns = field.reads(name)
        ticks = int(shape.time is not None and not windowed and field.type_name() != "text")
        axes = ticks + (len(shape.axes) if len(columns) == 1 else 0)
        kind = "string" if field.type_name() == "text" else _type_of(facts[name]["classes"]) if shape.kind == "category" else "double"
        if field.holds_paths and example is not None:
            given = example[columns[0]]
            axes, kind = depth(given), "string" if isinstance(given, str) else "double"
        inputs |= {column: {"name": column, "type": kind, "axes": axes} for column in columns}
    if plan.spec.data is not None and plan.read:  # columns that say which rows follow each other
        inputs = {**{column: {"name": column, "type": "string", "axes": 0} for column in ordering(plan.spec.data)}, **inputs}
    outputs: Described = []
    if not plan.losses:
        outputs = [{"name": name, "type": "double", "axes": 1} for name in answering_groups(plan)]
    for loss in answering(plan):
        ticks = int(loss.input_shape.time is not None)
        axes = ticks + len(loss.target_shape.axes)
        if plan.decoding is not None:
            outputs.append({"name": plan.decoding.target, "type": "string", "axes": 0})
            outputs.append({"name": f"{plan.decoding.target}_score", "type": "double", "axes": 0})
        elif loss.target_shape.kind == "number":
            outputs.append({"name": named(loss), "type": "double", "axes": axes})
        else:
            kind = "string" if loss.target.partition(".")[0] in plan.fields else "long"
            outputs.append({"name": named(loss), "type": kind, "axes": axes})
            outputs.append({"name": f"{named(loss)}_probability", "type": "double", "axes": axes})
    return list(inputs.values()), outputs


def _type_of(classes: Sequence[str]) -> str:
    """How a data frame holds such names."""
    if all(name in ("true", "false") for name in classes):
        return "boolean"
    return "long" if all(name.removeprefix("-").isdecimal() for name in classes) else "string"
