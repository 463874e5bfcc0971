"""Vectors as an archive of NumPy's: the arrays `tokens` and `vectors`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from nnrun.registry.data.arrays import NoArray, member_of, opened
from nnrun.registry.data.vectors.found import Found, check_size
from nnrun.registry.field import DataError

if TYPE_CHECKING:
    import numpy as np

HELP = "`numpy.savez(file, tokens=tokens, vectors=vectors)` writes n texts and n x units numbers"


def read(file: Path, wanted: Mapping[str, int], size: int) -> Found:
    """What the archive has for the wanted tokens; of a token that stands there twice, the first. Raises: SourceError, DataError."""
    import numpy as np

    tokens, vectors = _arrays(file)
    if tokens.ndim != 1 or tokens.dtype.kind != "U" or vectors.ndim != 2 or vectors.dtype.kind not in "fiu" or len(tokens) != len(vectors):
        told = " and ".join(f"{' x '.join(map(str, array.shape))} of type {array.dtype}" for array in (tokens, vectors))
        raise DataError(f"`tokens` and `vectors` of `{file.name}` hold {told}", HELP)
    check_size(file, vectors.shape[1], size)
    places: dict[int, int] = {}
    for place, token in enumerate(tokens.tolist()):
        if (row := wanted.get(token)) is not None:
            places.setdefault(row, place)
    return Found(np.array([*places], dtype=np.int64), vectors[[*places.values()]].astype(np.float32))


def _arrays(file: Path) -> tuple[np.ndarray, np.ndarray]:
    with opened(file) as archive:
        missing = [name for name in ("tokens", "vectors") if f"{name}.npy" not in archive.namelist()]
        if missing:
            raise DataError(f"`{file.name}` holds no array `{missing[0]}`", HELP)
        try:
            return member_of(archive, "tokens"), member_of(archive, "vectors")
        except NoArray as error:
            raise DataError(f"an array of `{file.name}` cannot be read: {error}", error.help) from error
