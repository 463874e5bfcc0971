"""What the contract table says of a node, and how a node is tried. The rows stand in `rows/`, one file for each family."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from nnrun.registry.algebra.ticks import ticks_along
from nnrun.registry.catalog import find
from nnrun.registry.node import Node
from nnrun.registry.shape import Shape

BATCH, TICKS = 3, 4


@dataclass(frozen=True)
class Row:
    """A node in a place. Every type needs one row; more than one where options exclude each other."""

    config: Mapping[str, Any]
    """The node, as a spec has it."""
    inputs: tuple[Shape, ...] = ()
    """What arrives at the main input: first what the options read, then the edges. All sizes are numbers."""
    ports: Mapping[str, Shape] = field(default_factory=dict)
    """What arrives at other ports."""
    changes: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    """Other values of an option, each of which must change something; found by the test where left out. An option that
    has no effect here, such as `dropout` between the layers of a single layer, gets an empty list, and values in another row."""

    @property
    def type(self) -> str:
        return str(self.config["type"])

    @property
    def node(self) -> Node:
        cls = find("node", self.type)
        assert cls is not None
        node = cls.model_validate(dict(self.config))
        assert isinstance(node, Node)
        return node

    @property
    def given(self) -> list[Shape]:
        """What arrives anywhere."""
        return [*self.inputs, *self.ports.values()]

    @property
    def shapes(self) -> list[Shape]:
        """What comes out: the main value and the others."""
        node = self.node
        main = node.shape(*self.inputs, **self.ports)
        return [main, *(node.output_shape(output, *self.inputs, **self.ports) for output in node.outputs)]

    def but(self, **changes: Any) -> Row:
        """The same place with other options."""
        return replace(self, config={**self.config, **changes})

    def built(self) -> nn.Module:
        torch.manual_seed(0)
        return self.node.build(*self.inputs, **self.ports)

    def values(self, seed: int = 0) -> list[Tensor]:
        """Random values of what arrives anywhere."""
        torch.manual_seed(seed)
        return [random_value(shape) for shape in self.given]

    def run(self, module: nn.Module, values: Sequence[Tensor], examples: slice = slice(None)) -> tuple[Tensor, ...]:
        """What the module makes of values of what arrives anywhere: the main value and the others."""
        some = [x[:, examples] if shape.time else x[examples] for x, shape in zip(values, self.given, strict=True)]
        ports = dict(zip(self.ports, some[len(self.inputs) :], strict=True))
        result = module(*some[: len(self.inputs)], **ports, **self._lengths(examples))
        return result if isinstance(result, tuple) else (result,)

    def __str__(self) -> str:
        return f"{self.config} on {', '.join(map(str, self.given))}"

    def _lengths(self, examples: slice) -> dict[str, Tensor]:
        node = self.node
        if node.scope == "tick":
            return {}
        along = {f"{port}_lengths": shape for port, shape in self.ports.items() if node.ports[port].time == "own"}
        alike = [*self.inputs, *(shape for port, shape in self.ports.items() if node.ports[port].time == "same")]
        if alike[0].time:
            along["lengths"] = alike[0]
        return {name: lengths_of(shape)[examples] for name, shape in along.items()}


def random_value(shape: Shape) -> Tensor:
    """A batch of random values, (B, *axes) or (T, B, *axes)."""
    axes = [*((ticks_of(shape),) if shape.time else ()), BATCH, *(int(size) for size in shape.axes)]
    if shape.kind == "number":
        return 2 * torch.randn(axes)
    assert isinstance(shape.classes, int)
    return torch.randint(shape.classes, axes)


def ticks_of(shape: Shape) -> int:
    """Ticks of a batch of values along time, padding among them."""
    return shape.ticks or max(1, ticks_along(str(shape.time), TICKS))


def lengths_of(shape: Shape) -> Tensor:
    """Real ticks of each example: all, where their number is fixed."""
    return torch.full((BATCH,), shape.ticks) if shape.ticks else ticks_along(str(shape.time), torch.tensor([TICKS, 1, TICKS - 2]))


def all_rows() -> list[Row]:
    """The rows of every file of `rows/`, each of which has a list `ROWS`."""
    files = sorted((Path(__file__).parent / "rows").glob("[a-z]*.py"))
    return [row for file in files for row in importlib.import_module(f"tests.contract.rows.{file.stem}").ROWS]
