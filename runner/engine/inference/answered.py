"""What a network is asked, and what it answers, by name."""

from __future__ import annotations

from nnrun.runner.compiler.plan import Comparison, Plan

PROMPT = "prompt"
"""The column of a network that reads nothing: a text to continue."""


def answering(plan: Plan) -> list[Comparison]:
    """The losses whose inputs are answers: of several that judge by the same target, the first."""
    first: dict[str, Comparison] = {}
    for loss in plan.losses:
        if plan.decoding is not None and loss.target != plan.decoding.target:
            continue  # a network that generates does nothing else
        first.setdefault(loss.target, loss)
    return list(first.values())


def named(loss: Comparison) -> str:
    """How the answer is called: `price`, or `temperature_next`."""
    return loss.target.replace(".", "_")
