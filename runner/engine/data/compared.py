"""What losses and metrics compare, of a batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from nnrun.registry.modules.ctc import Sequences
from nnrun.registry.objective import Loss
from nnrun.registry.shape import known
from nnrun.runner.compiler.plan import Comparison
from nnrun.runner.engine.data.batch import Batch

Values = Mapping[str, Tensor]


@dataclass(frozen=True)
class Ticks:
    """Two values as (M, *axes): M examples, or all real ticks of them, of which the target is there."""

    comparison: Comparison

    def pair(self, values: Values, batch: Batch) -> tuple[Tensor, Tensor]:
        """Input and target."""
        input, target = (self._real(values[name], batch) for name in (self.comparison.input, self.comparison.target))
        return input, target

    def target(self, batch: Batch) -> Tensor:
        """The target before anything is computed: of one that is a node's, zeros of its shape, which weigh as much."""
        value = batch.values.get(self.comparison.target)
        if value is None:
            shape = self.comparison.target_shape
            leading = (batch.count,) if shape.time is None else (batch.ticks(shape.time), batch.count)
            value = torch.zeros(*leading, *map(known, shape.axes), device=next(iter(batch.values.values())).device)
        return self._real(value, batch)

    def weighing(self, batch: Batch) -> tuple[Tensor, ...]:
        """How much each of what is compared counts, (M,), where a field says it."""
        if self.comparison.weights is None:
            return ()
        weights = batch.values[self.comparison.weights]
        if self.comparison.input_shape.time is not None and weights.dim() == 1:  # of an example: all of its ticks have it
            weights = weights.expand(len(batch.values[self.comparison.target]), -1)
        return (self._real(weights, batch),)

    def by_example(self, sums: Tensor, weights: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """Of numbers for each of what is compared, (M,), those of each example, (B,)."""
        time = self.comparison.input_shape.time
        places = batch.judged(self.comparison.target, time)
        if time is None and places is None:
            return sums, weights
        owner = torch.arange(len(sums), device=sums.device) if places is None else places
        owner = owner % batch.count
        nothing = torch.zeros(batch.count, dtype=sums.dtype, device=sums.device)
        return nothing.index_add(0, owner, sums), nothing.index_add(0, owner, weights.to(sums.dtype))

    def _real(self, value: Tensor, batch: Batch) -> Tensor:
        time = self.comparison.input_shape.time
        places, every = batch.judged(self.comparison.target, time), value if time is None else value.flatten(0, 1)
        return every if places is None else every.index_select(0, places)


@dataclass(frozen=True)
class Whole:
    """Two sequences that lie along time axes of their own, as they are."""

    comparison: Comparison

    def pair(self, values: Values, batch: Batch) -> tuple[Sequences, Sequences]:
        return self._sequences(values[self.comparison.input], self.comparison.input_shape.time, batch), self.target(batch)

    def target(self, batch: Batch) -> Sequences:
        return self._sequences(batch.values[self.comparison.target], self.comparison.target_shape.time, batch)

    def weighing(self, batch: Batch) -> tuple[Tensor, ...]:
        return () if self.comparison.weights is None else (batch.values[self.comparison.weights],)

    def by_example(self, sums: Tensor, weights: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        return sums, weights

    def _sequences(self, value: Tensor, time: str | None, batch: Batch) -> Sequences:
        assert time is not None
        return Sequences(value, batch.host[time])


def compared(comparison: Comparison) -> Ticks | Whole:
    """How a loss or metric reads a batch."""
    return Whole(comparison) if isinstance(comparison.config, Loss) and comparison.config.whole else Ticks(comparison)
