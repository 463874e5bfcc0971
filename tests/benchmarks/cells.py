"""Recurrent cells written as edges, each a step to measure: forward, and backward to the weights and to the input."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from nnrun.runner.compiler.check import check
from nnrun.runner.compiler.loops.execution import Kind
from nnrun.runner.engine.data.batch import Batch
from nnrun.runner.engine.network.network import Network


class Size(NamedTuple):
    """What decides how long a step takes."""

    batch: int
    ticks: int
    inputs: int
    units: int

    def __str__(self) -> str:
        return "B={} T={} I={} H={}".format(*self)


Step = Callable[[], Tensor]
"""Does all the work once and gives the values of h, (T, B, H)."""

PROCESSOR = torch.device("cpu")

LSTM = """
  i: {{type: linear, units: {units}, activation: sigmoid}}
  f: {{type: linear, units: {units}, activation: sigmoid}}
  o: {{type: linear, units: {units}, activation: sigmoid}}
  g: {{type: linear, units: {units}, activation: tanh}}
  c: {{type: formula, is: f * prev(c) + i * g}}
  h: {{type: formula, is: o * tanh(c)}}
edges:
  - x, prev(h) -> i, f, g, o
"""

PEEPHOLE = """
  to_i: {{type: linear, units: {units}}}
  to_f: {{type: linear, units: {units}}}
  to_g: {{type: linear, units: {units}}}
  to_o: {{type: linear, units: {units}}}
  from_i: {{type: linear, units: {units}, bias: false}}
  from_f: {{type: linear, units: {units}, bias: false}}
  from_o: {{type: linear, units: {units}, bias: false}}
  c: {{type: formula, is: sigmoid(to_f + from_f * prev(c)) * prev(c) + sigmoid(to_i + from_i * prev(c)) * softsign(to_g)}}
  h: {{type: formula, is: sigmoid(to_o + from_o * c) * softsign(c)}}
edges:
  - x, prev(h) -> to_i, to_f, to_g, to_o
  - one -> from_i, from_f, from_o
"""
"""A peephole weighs entry by entry: a column of weights, times one."""

GRU = """
  r: {{type: linear, units: {units}, activation: sigmoid}}
  z: {{type: linear, units: {units}, activation: sigmoid}}
  new: {{type: linear, units: {units}}}
  old: {{type: linear, units: {units}}}
  h: {{type: formula, is: z * prev(h) + (1 - z) * tanh(new + r * old)}}
edges:
  - x, prev(h) -> r, z
  - x -> new
  - prev(h) -> old
"""

SPEC = """
nnrun: 1
name: loops
data:
  source: csv
  file: none.csv
  {window}
  fields:
    x: {{type: series, size: {inputs}}}
    one: {{type: number}}
    y: {{type: vector, size: {units}}}
nodes:
  end: {{type: last}}
  {cell}
  - h -> end
train:
  loss: {{type: mse, input: end, target: y}}
"""


@dataclass(frozen=True)
class Problem:
    """Numbers for a cell of some size. Without lengths all examples have all ticks, and the plan knows it."""

    size: Size
    lengths: Tensor | None = None
    device: torch.device = PROCESSOR

    @classmethod
    def ragged(cls, size: Size) -> Problem:
        """Lengths from T/4 to T, in random order."""
        spread = torch.linspace(size.ticks / 4, size.ticks, size.batch).round().long()
        return cls(size, spread[torch.randperm(size.batch, generator=torch.Generator().manual_seed(0))])

    @cached_property
    def x(self) -> Tensor:
        return torch.randn(self.size.ticks, self.size.batch, self.size.inputs, device=self.device).requires_grad_()

    @cached_property
    def arriving(self) -> Tensor:
        """The gradient of h."""
        return torch.randn(self.size.ticks, self.size.batch, self.size.units, device=self.device)

    def network(self, cell: str, execution: Kind | None = None) -> Network:
        window = "" if self.lengths is not None else f"window: {{length: {self.size.ticks}}}"
        units = self.size.units
        text = SPEC.format(window=window, inputs=self.size.inputs, units=units, cell=cell.strip().format(units=units))
        checked = check(text, facts={})
        assert checked.plan is not None, [finding.headline for finding in checked.report]
        return Network(checked.plan, execution).to(self.device)

    def ours(self, network: Network) -> Step:
        count = self.size.batch
        lengths = torch.full((count,), self.size.ticks) if self.lengths is None else self.lengths
        values = {"x": self.x, "one": torch.ones(count, device=self.device)}
        batch = Batch(values, {"x": lengths.to(self.device)}, count, host={"x": lengths})
        return self.step(lambda: network(batch, ("h",))["h"], network.parameters())

    def step(self, h: Callable[[], Tensor], weights: Iterable[Tensor]) -> Step:
        leaves = [self.x, *weights]

        def once() -> Tensor:
            values = h()
            values.backward(self.arriving)  # type: ignore[no-untyped-call]
            for leaf in leaves:
                leaf.grad = None
            return values.detach()

        return once


def gates(network: Network, names: str) -> tuple[Tensor, Tensor, Tensor]:
    """Weights of nodes below each other, as torch's cells have them: of x, of h, and the biases."""
    kinds = ("weight.0", "weight.1", "bias")
    into, across, bias = (torch.cat([network.get_parameter(f"{name}.{kind}") for name in names]).detach() for kind in kinds)
    return into, across, bias
