"""Many files where one could be: a folder, or a path that holds `*`; their tables stand one below the other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

from nnrun.registry.data.files import existing, locate
from nnrun.registry.source import Columns, SourceError

WILD = ("*", "?", "[")
"""Signs of a path that means many files."""


def is_many(folder: Path, path: str) -> bool:
    """Whether a path means files; a file may be called `part[1].parquet`. Raises: SourceError."""
    found = locate(folder, path)
    return found.is_dir() or (any(sign in path for sign in WILD) and not found.exists())


def listed(folder: Path, path: str, ending: str) -> list[Path]:
    """The files that such a path means, in the order of their names; of a folder those with this ending. Names that begin with a dot are
    passed over. Raises: SourceError if there is none."""
    parts = Path(path).parts
    plain = list(takewhile(lambda part: not any(sign in part for sign in WILD), parts))
    place, pattern = existing(folder, str(Path(*plain))), "/".join(parts[len(plain) :]) or f"*{ending}"
    found = [file for file in sorted(place.glob(pattern)) if not file.name.startswith(".")]
    if not found:
        raise SourceError(f"`{path}` leads to none, where a file is wanted", f"files were looked for at `{place / pattern}`")
    return found


def joined(tables: Sequence[Columns]) -> Columns:
    """Tables of the same columns, one below the other; arrays stay one where their examples have one size."""
    import numpy as np

    if len(tables) == 1:
        return tables[0]
    columns: dict[str, Any] = {}
    for name in tables[0]:
        parts = [table[name] for table in tables]
        is_array = all(hasattr(part, "dtype") for part in parts) and len({part.shape[1:] for part in parts}) == 1  # type: ignore[attr-defined]
        columns[name] = np.concatenate(parts) if is_array else [value for part in parts for value in part]
    return columns
