"""What pictures in files have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nnrun.registry.data.picture_files import opened
from nnrun.registry.field import DataError

LOOKED_AT = 200
"""Pictures by which their size is guessed."""

LARGEST = 64
"""Pixels of a side to which larger pictures are brought: enough to begin with, and quick."""


def picture_options(files: Sequence[str]) -> tuple[dict[str, Any], int]:
    """Options of an image field for these files, and the shorter side of the pictures. Raises: DataError."""
    sizes, grey = set(), True
    for file in files[:: max(len(files) // LOOKED_AT, 1)]:
        try:
            with opened(file) as picture:
                sizes.add((picture.height, picture.width))
                grey &= picture.mode in ("1", "L", "I", "F", "I;16")
        except DataError as error:
            raise DataError(f"a row {error.what}", "take it out of the data, or mend it") from error
    height, width = max(height for height, _ in sizes), max(width for _, width in sizes)
    scale = min(1.0, LARGEST / max(height, width))
    size = [max(round(side * scale), 1) for side in (height, width)]
    return {"size": size, "channels": 1 if grey else 3}, min(size)
