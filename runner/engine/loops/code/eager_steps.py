"""Steps of a tape as torch operations: several steps become one operation where torch has it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from nnrun.registry.modules.activations import FUNCTIONS
from nnrun.runner.engine.loops.code.tape import Step, Tape


def _above(a: Any, b: Any) -> Any:
    above: Tensor = torch.gt(a, b).to(a.dtype) if isinstance(a, Tensor) else torch.lt(b, a).to(b.dtype)
    return above


def _gelu_slope(x: Tensor) -> Tensor:
    height: float = (2 * torch.pi) ** -0.5
    return 0.5 * (1 + torch.erf(x * 0.5**0.5)) + x * torch.exp(-0.5 * x * x) * height


FUNCTIONS_OF_STEPS: Mapping[str, Callable[..., Any]] = {
    **FUNCTIONS,
    "above": _above,
    "gelu_slope": _gelu_slope,
    "addcmul": torch.addcmul,
    "tanh_backward": torch.ops.aten.tanh_backward.default,
    "sigmoid_backward": torch.ops.aten.sigmoid_backward.default,
}

OPERATORS = {
    "add": "{0} + {1}", "subtract": "{0} - {1}", "multiply": "{0} * {1}", "divide": "{0} / {1}", "power": "{0} ** {1}", "negative": "-{0}",
    "total": "{0}.sum(1, keepdim=True)", "spread": "{0}",
}  # fmt: skip
"""Steps that are written as Python's operators. Torch spreads by itself."""

WRITING: Mapping[str, Callable[..., Tensor]] = {
    "add": torch.add, "subtract": torch.sub, "multiply": torch.mul, "divide": torch.div, "negative": torch.neg, "addcmul": torch.addcmul,
    "tanh": torch.tanh, "sigmoid": torch.sigmoid, "exp": torch.exp, "log": torch.log, "sqrt": torch.sqrt, "sin": torch.sin, "cos": torch.cos,
    "tanh_backward": torch.ops.aten.tanh_backward.grad_input, "sigmoid_backward": torch.ops.aten.sigmoid_backward.grad_input,
}  # fmt: skip
"""Operations that can write to a given tensor."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A torch operation on the results of earlier steps."""

    function: str
    arguments: tuple[int, ...]


def select(tape: Tape, roots: Iterable[int], given: int = 0) -> dict[int, Operation]:
    """The operations that give `roots`, by step, in an order in which they can be run.

    Sources, numbers and the first `given` steps are there already.
    """
    roots = list(roots)
    uses = Counter(roots) + Counter(argument for at in tape.needed(roots) if at >= given for argument in tape.steps[at].arguments)
    found: dict[int, Operation] = {}
    todo = roots
    while todo:
        at = todo.pop()
        if at >= given and at not in found and tape.steps[at].arguments:
            found[at] = _operation(tape.steps, at, uses, given)
            todo.extend(found[at].arguments)
    return {at: found[at] for at in sorted(found)}


def _operation(steps: Sequence[Step], at: int, uses: Mapping[int, int], given: int) -> Operation:
    step = steps[at]
    match step.function, step.arguments:
        case "add", (a, b):
            for other, product in ((a, b), (b, a)):
                parts = (other, *steps[product].arguments)
                whole = all(steps[one].function != "number" and steps[one].width == step.width for one in parts)
                slope = any(_known_slope(steps, one) for one in steps[product].arguments)  # for which there is one operation already
                if steps[product].function == "multiply" and product >= given and uses[product] == 1 and whole and not slope:
                    return Operation("addcmul", parts)
        case "multiply", (a, b):
            for gradient, factor in ((a, b), (b, a)):
                known = _known_slope(steps, factor)
                if known is not None and steps[gradient].width == steps[factor].width and steps[gradient].function != "number":
                    return Operation(known[0], (gradient, known[1]))
    return Operation(step.function, step.arguments)


def _known_slope(steps: Sequence[Step], at: int) -> tuple[str, int] | None:
    """Whether a step is the slope of tanh or sigmoid, written with its value: which, and the value."""
    match steps[at].function, [(one, steps[one]) for one in steps[at].arguments]:
        case "subtract", [(_, Step(function="number", number=1.0)), (_, Step(function="multiply", arguments=(y, again)))] if y == again:
            return "tanh_backward", y
        case "multiply", [(y, _), (_, Step(function="subtract", arguments=(one, again)))] if y == again and steps[one].number == 1.0:
            return "sigmoid_backward", y
    return None
