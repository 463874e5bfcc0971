"""Nodes, and sequences of different length, for tests."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from nnrun.registry.catalog import find
from nnrun.registry.node import Node
from nnrun.registry.shape import Shape


def node(**config: Any) -> Node:
    """The node that a spec writes so."""
    cls = find("node", config["type"])
    assert cls is not None
    made = cls.model_validate(config)
    assert isinstance(made, Node)
    return made


def sequence(*axes: int, ticks: int | None = None) -> Shape:
    """Numbers of these axes at each tick of `text`."""
    return Shape(axes, time="text", ticks=ticks)


def fresh(features: int, **config: Any) -> Any:
    """The module of a node that reads (N = features) at each tick. Typed so that weights can be read by name."""
    return node(**config).build(sequence(features))


def module(features: int = 3, **config: Any) -> Any:
    """Such a module in float64, its weights not where they start."""
    torch.manual_seed(0)
    return shaken(fresh(features, **config))


def shaken(module: nn.Module) -> Any:
    """A module in float64 whose weights are not where they start: no bias is zero."""
    for weight in module.double().parameters():
        weight.data += 0.1 * torch.randn_like(weight)
    return module


def padded(sequences: list[Tensor], ticks: int, fill: float = 0.0) -> Tensor:
    """Sequences (t, N) side by side, (T, B, N)."""
    x = torch.full((ticks, len(sequences), *sequences[0].shape[1:]), fill, dtype=sequences[0].dtype)
    for row, one in enumerate(sequences):
        x[: len(one), row] = one
    return x


def ragged(lengths: list[int], features: int = 3, seed: int = 0) -> list[Tensor]:
    """Random sequences of these lengths, in float64."""
    draw = torch.Generator().manual_seed(seed)
    return [torch.randn(length, features, generator=draw, dtype=torch.float64) for length in lengths]
