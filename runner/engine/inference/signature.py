"""What a network reads and gives, as MLflow describes it."""

from __future__ import annotations

from typing import Any

from nnrun.runner.compiler.plan import Plan
from nnrun.runner.engine.data.columns import ordering
from nnrun.runner.engine.inference.answered import PROMPT, ROW, free
from nnrun.runner.engine.inference.recollect import answering_groups

Described = list[dict[str, Any]]


def signature(plan: Plan) -> tuple[Described, Described]:
    """Columns in and out as MLflow describes them: name, type (`string`, `double`, `long`, `any`) and number of list axes.

    What is read is `any`: MLflow would turn pixels of 8 bits into numbers and `01` into 1, refuse whole numbers for others and a path
    for a picture, and a batch for one wrong row. The network's own fields read all of these, and say which row is wrong.
    """
    columns = [column for name in plan.read for column in plan.fields[name].reads(name)] or [PROMPT]
    if plan.spec.data is not None and plan.read:
        columns += ordering(plan.spec.data)
    inputs = [{"name": column, "type": "any", "axes": 0} for column in dict.fromkeys(columns)]
    outputs: Described = []
    if not plan.losses:
        outputs = [{"name": name, "type": "double", "axes": 1} for name in answering_groups(plan)]
    for loss in plan.answering:
        ticks = int(loss.input_shape.time is not None)
        axes = ticks + len(loss.target_shape.axes)
        if plan.decoding is not None:
            outputs.append({"name": plan.decoding.target, "type": "string", "axes": 0})
            outputs.append({"name": f"{plan.decoding.target}_score", "type": "double", "axes": 0})
        elif loss.target_shape.kind == "number":
            outputs.append({"name": loss.answer, "type": "double", "axes": axes})
        else:
            names = loss.target.partition(".")[0] in plan.fields and not loss.target_shape.axes  # of many pixels, numbers
            kind = "string" if names else "long"
            outputs.append({"name": loss.answer, "type": kind, "axes": axes})
            outputs.append({"name": f"{loss.answer}_probability", "type": "double", "axes": axes})
    row = free(ROW, [column["name"] for column in outputs])
    return inputs, [{"name": row, "type": "long", "axes": 0}, *outputs]
