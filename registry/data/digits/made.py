"""Base of the sources that put real handwritten digits together to something new."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from nnrun.registry.data.digits.handwritten import Portion, parted_digits
from nnrun.registry.data.tables import PackagedSource
from nnrun.registry.options import Amount
from nnrun.registry.source import Column

if TYPE_CHECKING:
    import numpy as np


class MadeOfDigits(PackagedSource):
    """Examples that are drawn, with a column `part`: no digit of one part is seen in another."""

    generated: ClassVar[bool] = True
    shares: ClassVar[Mapping[str, float]] = {"train": 0.8, "valid": 0.1, "test": 0.1}
    """Of the digits, and of what is made of them."""

    seed: Amount = 0
    """Where the random choices start. The same seed makes the same examples."""

    def shown(self) -> dict[str, Column]:
        """The columns beside `part`."""
        raise NotImplementedError

    def examples(self, portion: Portion, rng: np.random.Generator) -> Iterator[tuple[Any, ...]]:
        """As many as are wanted of the digits of one part: the values of the columns."""
        raise NotImplementedError

    def columns(self) -> Mapping[str, Column]:
        return {**self.shown(), "part": Column("category", {"classes": tuple(self.shares)})}

    def table(self) -> Mapping[str, Any]:
        import numpy as np

        assert self.makes is not None
        rng = np.random.default_rng(self.seed)
        columns: dict[str, list[Any]] = {name: [] for name in self.columns()}
        for portion in parted_digits(self.shares, self.makes, rng):
            for example in self.examples(portion, rng):
                for column, value in zip(columns.values(), (*example, portion.part), strict=True):
                    column.append(value)
        return self.finished(columns, rng)

    def finished(self, columns: dict[str, list[Any]], rng: np.random.Generator) -> Mapping[str, Any]:
        """The whole table, of its columns example by example."""
        return columns
