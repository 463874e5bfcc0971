"""Base of the fields that hold measured numbers: scaled, and with their gaps filled, as the training part taught."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from nnrun.registry.data.columns import by_pieces, parse_numbers, real
from nnrun.registry.data.numbers.gaps import Missing, filled, fit_fill
from nnrun.registry.data.numbers.normalize import Normalize, fit_scale, natural, normalized
from nnrun.registry.field import DataError, Encoded, Facts, Field
from nnrun.registry.shape import Axis, Shape, product

if TYPE_CHECKING:
    import numpy as np


class Numeric(Field):
    """A number, or several side by side, in each row or at each tick."""

    holds_numbers = True

    normalize: Normalize = "none"
    """How the numbers are scaled before the network sees them, each feature for itself: `standard` to mean 0 and standard
    deviation 1, `minmax` to 0 to 1, `none` not at all. Fitted on the training part; predictions come back in the units of
    the data."""
    missing: Missing = "refuse"
    """What becomes of an empty cell: `refuse` ends with its row. `mean` or `median` of the training part, or a number, takes
    its place; `indicator` fills in the mean, and puts behind the numbers as many others that are 1 where one was missing,
    else 0. What was filled in is no target: losses and metrics leave it out. `skip` is for targets, and does that alone."""
    decimal: Literal[".", ","] = "."
    """The sign before the decimals of numbers that are texts. With `,` points part thousands: `1.234,5`."""

    @property
    def has_features(self) -> bool:
        """Whether a number of this field is several side by side."""
        return False

    def numbers(self, column: Sequence[Any], names: Sequence[str] | None = None, size: int | None = None) -> Encoded:
        """The numbers of a column, NaN where one is missing and may be. Raises: DataError."""
        return parse_numbers(column, names, size, gaps=self.missing != "refuse", comma=self.decimal == ",")

    def learned(self, column: Sequence[Any], parse: Callable[[Sequence[Any]], Encoded]) -> dict[str, Any]:
        """What the training part teaches of scale and gaps. Raises: DataError."""
        if self.missing == "refuse":
            return fit_scale(by_pieces(column, lambda piece: real(parse(piece))), self.normalize)
        if self.missing == "median" and hasattr(column, "pieces"):
            help = "write `missing: mean`, or `keep: memory` under `data`"
            raise DataError("is not held in memory, so that its median is not known", help)
        fill = fit_fill(by_pieces(column, lambda piece: real(parse(piece))), self.missing)
        return {**fit_scale(by_pieces(column, lambda piece: filled(real(parse(piece)), fill)), self.normalize), "fill": fill}

    def encoded(self, parsed: Encoded, facts: Facts) -> Encoded:
        """Parsed numbers as the network sees them. Raises: DataError."""
        import numpy as np

        if "fill" not in facts:
            return normalized(parsed, facts)
        gaps = np.isnan(parsed.values)
        known = normalized(replace(parsed, values=filled(parsed.values, facts["fill"])), facts)
        if self.missing == "indicator":
            parts = [part if self.has_features else part[..., None] for part in (known.values, gaps.astype(np.float32))]
            known = replace(known, values=np.concatenate(parts, axis=-1))
        return replace(known, given=~gaps.any(axis=-1) if self.has_features else ~gaps)

    def ahead(self, name: str, facts: Facts | None = None) -> Shape:
        return self.model_copy(update={"missing": "mean"}).shape(name, facts).tick

    def bare(self, values: Any) -> Any:
        if self.missing != "indicator":
            return values
        return values[..., : values.shape[-1] // 2] if self.has_features else values[..., 0]

    def decode(self, values: np.ndarray, facts: Facts) -> list[Any]:
        return list(natural(values, facts).tolist())

    def marked(self, shape: Shape) -> Shape:
        """The shape of numbers with the marks behind them, if there are any."""
        if self.missing != "indicator":
            return shape
        axes: tuple[Axis, ...] = (product([2, *shape.axes]),)
        return replace(shape, axes=axes)
