"""On the way back: the first gradient that is no number. A step is taken again, with every node watched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from nnrun.runner.compiler.types.ops import Op
from nnrun.runner.engine.network.network import Network
from nnrun.runner.engine.training.blame.values import owner


@dataclass(frozen=True)
class Before:
    """What a step depends on beside weights and batch, as it was before: to take the step again. Noted at each: a microsecond."""

    dice: Tensor | None
    """The state of torch's random numbers; None on a GPU, which would have to be waited for."""
    memory: Mapping[str, Tensor] | None

    @staticmethod
    def of(network: Network, device: torch.device) -> Before:
        dice = torch.get_rng_state() if device.type == "cpu" else None
        return Before(dice, network.memory.state() if network.memory is not None else None)

    def restore(self, network: Network) -> None:
        if self.dice is not None:
            torch.set_rng_state(self.dice)
        if network.memory is not None and self.memory is not None:
            network.memory.take(self.memory)


@dataclass
class Watch:
    """What was seen on the way back."""

    network: Network
    noted: list[tuple[str, bool]] = field(default_factory=list)
    """Nodes that a gradient passed which is none, in the order of the way back: what a node gives for its inputs, true, or what it is
    given for its value, false."""

    @property
    def first(self) -> Op | None:
        """The node where it began; None where it was the loss, or nothing was seen."""
        ops = {op.name: op for op in self.network.plan.ops}
        if not self.noted:
            bad = {owner(name) for name, weight in self.network.named_parameters() if weight.grad is not None and not _finite(weight.grad)}
            return next((op for op in ops.values() if op.name in bad), None)
        name, is_culprit = self.noted[0]
        if is_culprit:
            return ops[name]
        return next((op for op in ops.values() if op.name in self.network.machines and self._reads(op, name)), None)

    def _reads(self, op: Op, name: str) -> bool:
        return any(value.value.partition(".")[0] == name for value in op.reads)


@contextmanager
def watching(network: Network) -> Iterator[Watch]:
    """Within it, every node notes the gradients that pass it. Loops run tick by tick, so that their nodes are seen."""
    watch = Watch(network)
    before = [(loop, loop.forced, dict(loop.chosen)) for loop in network.loops.values()]
    for loop, _, _ in before:
        loop.forced, loop.chosen = "ticks", {}
    hooks = []
    for op in network.plan.ops:
        module = network.runs[op.name]
        hooks.append(module.register_forward_pre_hook(_noting_inputs(watch, op.name), with_kwargs=True))
        hooks.append(module.register_forward_hook(_noting_value(watch, op.name)))
    network.zero_grad()
    try:
        yield watch
    finally:
        for hook in hooks:
            hook.remove()
        for loop, forced, chosen in before:
            loop.forced, loop.chosen = forced, chosen


def _noting_inputs(watch: Watch, name: str) -> Any:
    def hook(module: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return tuple(_noted(one, watch, name, True) for one in given), {key: _noted(one, watch, name, True) for key, one in named.items()}

    return hook


def _noting_value(watch: Watch, name: str) -> Any:
    def hook(module: nn.Module, given: tuple[Any, ...], value: Any) -> Any:
        return tuple(_noted(one, watch, name, False) for one in value) if isinstance(value, tuple) else _noted(value, watch, name, False)

    return hook


def _noted(value: Any, watch: Watch, name: str, is_culprit: bool) -> Any:
    """The same tensor, read here alone; if its gradient is no number, the node is noted."""
    if not isinstance(value, Tensor) or not value.requires_grad:
        return value
    alone = value.view_as(value)

    def note(gradient: Tensor) -> None:
        if not _finite(gradient):
            watch.noted.append((name, is_culprit))

    alone.register_hook(note)  # type: ignore[no-untyped-call]
    return alone


def _finite(tensor: Tensor) -> bool:
    return bool(torch.isfinite(tensor).all())
