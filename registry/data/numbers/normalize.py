"""Normalisation, fitted on the training part only: normalised = (natural - shift) / scale, for each feature."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from nnrun.registry.data.columns import check_rows, mask
from nnrun.registry.field import DataError, Encoded, Facts

if TYPE_CHECKING:
    import numpy as np

Normalize = Literal["standard", "minmax", "none"]
"""`standard`: mean 0 and standard deviation 1 in the training part. `minmax`: from 0 to 1 there. `none`: as in the data."""


SLAB = 1024
"""Rows that are scaled at once."""


def fit_scale(pieces: Iterable[np.ndarray], how: Normalize) -> dict[str, Any]:
    """Facts `shift` and `scale` of values (M, *axes), which may come in pieces: numbers, or lists where a value has features.

    A feature that never changes keeps its scale: it becomes 0. Raises: DataError if there is nothing to learn from.
    """
    import numpy as np

    seen: Seen | None = None
    for values in pieces:
        check_rows(values)
        if how == "none":
            return {"shift": np.zeros(values.shape[1:]).tolist(), "scale": np.ones(values.shape[1:]).tolist()}
        seen = Seen.of(values) if seen is None else seen.and_then(Seen.of(values))
    assert seen is not None
    with np.errstate(over="ignore", invalid="ignore"):
        span = seen.most - seen.least
        shift, scale = (seen.mean, seen.deviation) if how == "standard" else (seen.least, span)
    if not (np.isfinite(shift).all() and np.isfinite(scale).all()):
        most = max(np.abs(seen.least).max(), np.abs(seen.most).max())
        raise DataError(f"holds numbers too large to be normalised: up to {most:.3g}", "measure them in a larger unit")
    constant = (span == 0) | (scale == 0)  # by the span: the deviation of equal numbers may be a rounding error instead of 0
    shift, scale = np.where(constant, seen.least, shift), np.where(constant, 1.0, scale)
    return {"shift": shift.tolist(), "scale": scale.tolist()}


@dataclass(frozen=True)
class Seen:
    """What is known of values (M, *axes), feature by feature."""

    count: int
    mean: np.ndarray
    deviation: np.ndarray
    least: np.ndarray
    most: np.ndarray

    @staticmethod
    def of(values: np.ndarray) -> Seen:
        import numpy as np

        with np.errstate(over="ignore", invalid="ignore"):
            return Seen(len(values), values.mean(axis=0), values.std(axis=0), values.min(axis=0), values.max(axis=0))

    def and_then(self, other: Seen) -> Seen:
        """Of these values and others. Source: Chan, Golub and LeVeque 1983, Algorithms for computing the sample variance, equation 1.5."""
        import numpy as np

        with np.errstate(over="ignore", invalid="ignore"):
            count = self.count + other.count
            step, share = other.mean - self.mean, other.count / count
            variance = (1 - share) * self.deviation**2 + share * other.deviation**2 + step**2 * share * (1 - share)
            least, most = np.minimum(self.least, other.least), np.maximum(self.most, other.most)
            return Seen(count, self.mean + step * share, np.sqrt(variance), least, most)


def normalized(encoded: Encoded, facts: Facts, trailing: int = 0) -> Encoded:
    """Natural values as float32 of the network; `trailing` axes behind the features are scaled alike.

    Raises: DataError if a number is too large for 32 bits.
    """
    import numpy as np

    shift, scale = _spread(facts, trailing)
    given = encoded.values
    with np.errstate(over="ignore"):
        if not shift.any() and (scale == 1).all():
            values = given.astype(np.float32, copy=encoded.lengths is not None)
        else:
            values = np.empty(given.shape, dtype=np.float32)
            for start in range(0, len(given), SLAB):  # in 64 bits, but never all of it
                values[start : start + SLAB] = (given[start : start + SLAB] - shift) / scale
    if not np.isfinite(values).all():
        row = int(np.flatnonzero(~np.isfinite(values.reshape(len(values), -1)).all(axis=1))[0])
        raise DataError("holds a number too large for 32 bits", "normalize: standard", row=row)
    if encoded.lengths is not None:
        values[~mask(encoded)] = 0
    return Encoded(values, encoded.lengths)


def natural(values: np.ndarray, facts: Facts, trailing: int = 0) -> np.ndarray:
    """Values of the network in the units of the data."""
    import numpy as np

    shift, scale = _spread(facts, trailing)
    numbers: np.ndarray = np.asarray(values, dtype=np.float64) * scale + shift
    return numbers


def _spread(facts: Facts, trailing: int) -> tuple[np.ndarray, np.ndarray]:
    import numpy as np

    shift, scale = np.asarray(facts["shift"]), np.asarray(facts["scale"])
    return tuple(array.reshape(array.shape + (1,) * trailing) for array in (shift, scale))  # type: ignore[return-value]
