"""The vectors that a file has for the symbols of a field."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nnrun.registry.field import DataError

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Found:
    """What a file has for some of the symbols: `rows` (n,) are their numbers, `vectors` (n, size) what stands there."""

    rows: np.ndarray
    vectors: np.ndarray


def check_size(file: Path, given: int, wanted: int) -> None:
    """Raises: DataError if vectors have another length than wanted."""
    if given != wanted:
        raise DataError(f"`{file.name}` holds vectors of {given} numbers, where {wanted} units are wanted", f"write `units: {given}`")
