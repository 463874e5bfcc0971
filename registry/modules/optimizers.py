"""torch's optimizers, without what loads torch's compiler."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Adam, AdamW, Optimizer, RMSprop

COMPILER_CALLS = ("add_param_group", "load_state_dict", "state_dict", "zero_grad")
"""Methods that torch wraps so that its compiler leaves them alone: the first call of any loads it, about a second and 65 MB."""


def lean(name: str, parameters: Iterable[nn.Parameter], **options: Any) -> Optimizer:
    """The optimizer that `torch.optim` has under a name: equal to the bit, with the same state.

    Profilers and hooks are not told of its steps. A method that a version of torch does not wrap is taken as it is.
    """
    optimizer: Optimizer = _lean(getattr(torch.optim, name))(parameters, **options)
    return optimizer


@cache
def _lean(kind: type[Optimizer]) -> type[Any]:
    methods = {name: _bare(getattr(kind, name)) for name in COMPILER_CALLS}
    bare = _bare(kind.step)
    step = _step(_rmsprop if kind is RMSprop else partial(_adam, bare) if kind in (Adam, AdamW) else bare)
    return type(kind.__name__, (kind,), {**methods, "step": step, "__module__": __name__})


def _bare(method: Any) -> Any:
    while hasattr(method, "__wrapped__"):
        method = method.__wrapped__
    return method


def _step(bare: Any) -> Any:
    @torch.no_grad()
    def step(self: Optimizer, *closure: Callable[[], Tensor]) -> None:
        bare(self, *closure)

    step.hooked = True  # type: ignore[attr-defined]  # torch would wrap it again
    return step


def _adam(bare: Any, self: Adam) -> None:
    """torch's own fused step, called without the way there, which takes longer than the step itself on a small network."""
    kinds = {(weight.device, weight.dtype) for group in self.param_groups for weight in group["params"]}
    known = all(group["fused"] and "decoupled_weight_decay" in group for group in self.param_groups)
    if len(kinds) != 1 or not known or getattr(self, "grad_scale", None) is not None:
        bare(self)
        return
    for group in self.param_groups:
        lists: tuple[list[Tensor], ...] = tuple([] for _ in range(6))
        self._init_group(group, *lists)  # type: ignore[no-untyped-call]
        if not lists[0]:
            continue
        torch._foreach_add_(lists[-1], 1)
        kernel = torch._fused_adamw_ if group["decoupled_weight_decay"] else torch._fused_adam_
        beta1, beta2 = group["betas"]
        kernel(
            *lists,
            lr=group["lr"],
            beta1=beta1,
            beta2=beta2,
            weight_decay=group["weight_decay"],
            eps=group["eps"],
            amsgrad=group["amsgrad"],
            maximize=group["maximize"],
            grad_scale=None,
            found_inf=None,
        )


def _rmsprop(self: RMSprop) -> None:
    """torch's own step, but one call an operation for all weights, not one a weight: half the time on a small network."""
    for group in self.param_groups:
        lists: tuple[list[Tensor], ...] = tuple([] for _ in range(6))
        weights, gradients, squares, momenta, means, steps = lists
        self._init_group(group, *lists)  # type: ignore[no-untyped-call]
        if not weights:
            continue
        torch._foreach_add_(steps, 1)
        if group["weight_decay"]:
            gradients = [*torch._foreach_add(gradients, weights, alpha=group["weight_decay"])]
        torch._foreach_mul_(squares, group["alpha"])
        torch._foreach_addcmul_(squares, gradients, gradients, value=1 - group["alpha"])
        if group["centered"]:
            torch._foreach_lerp_(means, gradients, 1 - group["alpha"])
            sizes = torch._foreach_addcmul(squares, means, means, value=-1)
            torch._foreach_sqrt_(sizes)
        else:
            sizes = torch._foreach_sqrt(squares)
        torch._foreach_add_(sizes, group["eps"])
        if group["momentum"]:
            torch._foreach_mul_(momenta, group["momentum"])
            torch._foreach_addcdiv_(momenta, gradients, sizes)
            torch._foreach_add_(weights, momenta, alpha=-group["lr"])
        else:
            torch._foreach_addcdiv_(weights, gradients, sizes, value=-group["lr"])
