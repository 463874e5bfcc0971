"""Fields along each other: as many ticks in each row, and no tick of the one without that of the other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nnrun.registry.field import DataError, Encoded


def along(encoded: Encoded, owner: Encoded, axis: str) -> Encoded:
    """A field that lies along another one, without the ends of rows that the `owner` of the `axis` left out.

    Raises: DataError naming the row where the data has more or fewer ticks of it.
    """
    if owner.whole is None or encoded.lengths is None:
        return encoded
    check_alike(encoded.lengths, axis, owner.whole)
    most = owner.values.shape[1]
    given = None if encoded.given is None else encoded.given[:, :most]
    return replace(encoded, values=encoded.values[:, :most], lengths=owner.lengths, given=given)


def check_alike(own: np.ndarray, axis: str, others: np.ndarray) -> None:
    """Refuse fields along each other that have different numbers of ticks in a row. Raises: DataError."""
    if not np.array_equal(own, others):
        row = int((own != others).nonzero()[0][0])
        what = f"has {int(own[row])} ticks, but `{axis}` has {int(others[row])} there"
        raise DataError(what, "give one value for each tick", row)
