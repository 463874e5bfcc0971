"""Vectors as a text, as GloVe, word2vec and fastText write them: a token and its numbers in each line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from nnrun.registry.data.reading import lines
from nnrun.registry.data.vectors.found import Found, check_size
from nnrun.registry.field import DataError

HEADING = re.compile(r"\d+ \d+\s*")
"""How many tokens there are, and how long their vectors: word2vec's first line, which GloVe leaves out."""


def read(file: Path, wanted: Mapping[str, int], size: int) -> Found:
    """What the text has for the wanted tokens; of a token that stands there twice, the first. Raises: SourceError, DataError."""
    import numpy as np

    found: dict[int, np.ndarray] = {}
    for count, line in enumerate(lines(file), 1):
        if count == 1:
            check_size(file, int(line.split()[1]) if HEADING.fullmatch(line) else len(line.split()) - 1, size)
        token, *numbers = line.rstrip().rsplit(" ", size)  # a token of GloVe's may hold spaces
        row = wanted.get(token)
        if row is None or row in found:
            continue
        try:
            vector = np.array(numbers, dtype=np.float32)
        except ValueError:
            raise _no_vector(file, count, size) from None
        if len(vector) != size:
            raise _no_vector(file, count, size)
        found[row] = vector
    return Found(np.array([*found], dtype=np.int64), np.array([*found.values()], dtype=np.float32).reshape(-1, size))


def _no_vector(file: Path, line: int, size: int) -> DataError:
    return DataError(f"line {line} of `{file.name}` is no token with {size} numbers behind it", "each line is `token number number …`")
