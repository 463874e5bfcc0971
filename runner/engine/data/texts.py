"""Texts as one stream of tokens: divided in the order of the text, and cut into pieces to learn from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from nnrun.registry.data.columns import MISSING, is_missing, shown
from nnrun.registry.field import DataError
from nnrun.registry.source import Columns
from nnrun.runner.compiler.language.data import Split
from nnrun.runner.engine.data.batch import Part
from nnrun.runner.engine.data.division.split import divide

REACH = 100
"""Characters within which a cut looks for white space, so that it tears no word. Some scripts have none."""

_SPACE = re.compile(r"\s")


def divided(split: Split, column: str, parts: Mapping[str, Columns]) -> dict[str, Columns]:
    """The texts of a column by part: train first, test last, and each part the texts that the data or `split.by` gives it.

    Texts are divided before they are tokens, so that the vocabulary is that of the training part. A cut may fall within a
    text, whose halves are then texts of their own. Raises: DataError.
    """
    _check(column, parts)
    if split.by is not None and "all" in parts:
        texts = parts["all"][column]
        rows = divide(split, {"all": len(texts)}, in_order=True, labels=None, where=parts["all"][split.by])
        return {part: {column: [texts[row] for row in held.tolist()]} for part, held in rows.items()}
    joined = [text for columns in parts.values() for text in columns[column]]
    characters = {part: sum(map(len, columns[column])) for part, columns in parts.items()}
    places = divide(split, characters, in_order=True, labels=None, where=None)
    return {part: {column: _between(joined, held[0], held[-1] + 1) if len(held) else []} for part, held in places.items()}


def stream(part: Part, name: str, length: int) -> Part:
    """All texts, one behind the other; the example of row i is the piece that begins with token i."""
    held, own = part.values[name], part.lengths[name]
    tokens = held[0, : own[0]] if len(held) == 1 else held[torch.arange(held.shape[1]) < own[:, None]]
    if len(tokens) < length:
        what = f"a piece of {length} tokens does not fit texts of {len(tokens)}"
        raise DataError(what, f"write `length: {len(tokens)}` or less").blaming("data", "window", "length")
    pieces = tokens.unfold(0, length, 1)  # views: a text of n tokens costs n numbers, not n times the piece
    lengths = torch.tensor([length]).expand(len(pieces))
    return replace(part, values={name: pieces}, lengths={name: lengths}, rows=torch.arange(len(pieces)), texts={})


def pieces_of(lengths: np.ndarray, rows: np.ndarray, length: int, stride: int) -> np.ndarray:
    """Where the pieces begin that lie within the texts `rows`, which follow each other. `lengths` are those of all texts."""
    before = int(lengths[: rows[0]].sum()) if len(rows) else 0
    return np.arange(before, before + int(lengths[rows].sum()) - length + 1, stride)


def _check(column: str, parts: Mapping[str, Columns]) -> None:
    for row, text in enumerate(text for columns in parts.values() for text in columns[column]):
        if is_missing(text) or not isinstance(text, str):
            raise DataError("has no value" if is_missing(text) else f"holds {shown(text)}, which is no text", MISSING, row).of(column)


def _between(texts: Sequence[Any], start: int, stop: int) -> list[str]:
    """The characters from `start` to `stop` of texts behind each other, without tearing words; blank pieces are left out."""
    found, before = [], 0
    for text in texts:
        piece = text[_cut(text, start - before) : _cut(text, stop - before)]
        if piece.strip():
            found.append(piece)
        before += len(text)
    return found


def _cut(text: str, at: int) -> int:
    """The end of the word that a cut before character `at` would tear."""
    if at <= 0 or at >= len(text):
        return min(max(at, 0), len(text))
    gap = _SPACE.search(text, at, at + REACH)
    return gap.start() if gap is not None and not text[at - 1].isspace() else at
