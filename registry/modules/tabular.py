"""Numbers and symbols side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nnrun.registry.modules.merge import Concat


class Tabular(nn.Module):
    """Inputs joined: numbers as they are, symbols as vectors of their own, or as zeros with a one.

    `classes` are those of each input, None for numbers; `single` says which numbers come without an axis. Without `units` there are no
    vectors to learn.

    Shape: (…) or (…, N0), (…, N1), … -> (…, N0 + N1 + …). Inputs without time, (1, B, N), are repeated at every tick.
    """

    def __init__(self, classes: Sequence[int | None], single: Sequence[bool], units: int | None) -> None:
        super().__init__()
        self.classes = tuple(classes)
        found = [] if units is None else [nn.Embedding(count, units) for count in classes if count is not None]
        self.tables = nn.ModuleList(found)
        self.join = Concat([0 if one and count is None else 1 for one, count in zip(single, classes, strict=True)])

    def forward(self, *inputs: Tensor) -> Tensor:
        tables = iter(self.tables)
        joined: Tensor = self.join(
            *(x if count is None else self._features(x, count, tables) for x, count in zip(inputs, self.classes, strict=True))
        )
        return joined

    def _features(self, symbols: Tensor, classes: int, tables: Iterator[nn.Module]) -> Tensor:
        if not len(self.tables):
            return F.one_hot(symbols, classes).to(torch.get_default_dtype())
        features: Tensor = next(tables)(symbols)
        return features
