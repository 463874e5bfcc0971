"""What a network generates, shown while it learns."""

from __future__ import annotations

from typing import Any

from nnrun.runner.engine.data.batch import Part
from nnrun.runner.engine.data.told import Told
from nnrun.runner.engine.inference.decode import generate
from nnrun.runner.engine.inference.predict import Predictor

SHOWN = 8
"""Examples."""


def samples(predictor: Predictor, part: Part, seed: int = 0) -> dict[str, list[Any]]:
    """Columns with what the network reads, where that is text, what it generates, and what was right."""
    plan = predictor.plan
    assert plan.decoding is not None
    rows = part.rows[:SHOWN] if plan.read else part.rows[:1]
    device = next(predictor.network.parameters()).device
    found = generate(predictor.network, part.batch(rows).to(device), plan.decoding.settings, seed=seed)
    columns: dict[str, list[Any]] = {}
    for name in plan.read:
        if plan.values[name].kind == "token":
            columns[name] = Told(name, plan.fields, predictor.facts).raw(part, rows)
    if plan.read:
        columns[f"true_{plan.decoding.target}"] = Told(plan.decoding.target, plan.fields, predictor.facts).raw(part, rows)
        columns[plan.decoding.target] = [predictor.text_of(hypotheses[0]) for hypotheses in found]
    else:  # it continues nothing: whatever it says
        columns[plan.decoding.target] = [predictor.text_of(hypothesis) for hypothesis in found[0]]
    return columns
