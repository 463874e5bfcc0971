"""An n-gram: the next token by the few before it, counted in the training part. What a language model has to beat."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

ORDER = 6
"""Tokens that are counted together: five before, and the one that follows."""

AT_ONCE = 1 << 22
"""Probabilities that are worked out at a time."""


@dataclass(frozen=True)
class Tokens:
    """Sequences of tokens, one behind the other. `places` count from 0 in each; before the first token of each stands the same mark."""

    values: np.ndarray
    places: np.ndarray


@dataclass(frozen=True)
class _Level:
    """What follows contexts of one length. A context has a number, its place in the sorted codes of the level above."""

    codes: np.ndarray
    """Of each context with a token that followed it: number of the context times the classes, plus the token; sorted."""
    counts: np.ndarray
    """How often."""
    starts: np.ndarray
    """Where the codes of each context begin, and where the last one's end."""
    totals: np.ndarray
    """How often each context occurred with something behind it."""


class Ngram:
    """p(w | h) = (c(h w) + T(h) p(w | h')) / (c(h) + T(h)), with c(h) how often the context h was seen, T(h) how many different tokens
    followed it, and h' without its first token; below the empty context all tokens are equally likely.

    Source: Witten and Bell 1991, The zero-frequency problem, method C; as Chen and Goodman 1999 write it, equation 16.
    """

    def __init__(self, tokens: Tokens, classes: int, order: int = ORDER) -> None:
        self.classes = classes
        self.levels: list[_Level] = []
        contexts = np.zeros(len(tokens.values), dtype=np.int64)
        for length in range(order):
            known = contexts >= 0
            codes, counts = np.unique(contexts[known] * classes + tokens.values[known], return_counts=True)
            rows = len(self.levels[-1].codes) + (length == 1) if self.levels else 1  # the mark is one context more of length 1
            starts = np.searchsorted(codes // classes, np.arange(rows + 1))
            totals = np.add.reduceat(np.append(counts, 0), starts[:-1]) * (np.diff(starts) > 0)
            self.levels.append(_Level(codes, counts, starts, totals))
            contexts = self._next(contexts, tokens, length)

    def probabilities(self, tokens: Tokens) -> Iterator[tuple[slice, np.ndarray]]:
        """For some tokens at a time where they stand, and the probability of all classes there, (m, classes)."""
        contexts = [np.zeros(len(tokens.values), dtype=np.int64)]
        for length in range(len(self.levels) - 1):
            contexts.append(self._next(contexts[-1], tokens, length))
        step = max(AT_ONCE // self.classes, 1)
        for start in range(0, len(tokens.values), step):
            here = slice(start, start + step)
            yield here, self._mixed([held[here] for held in contexts])

    def _next(self, contexts: np.ndarray, tokens: Tokens, length: int) -> np.ndarray:
        """Numbers of the contexts that are a token longer, of `length` + 1; -1 where there is none, or it was never seen."""
        known, level = contexts >= 0, self.levels[length]
        codes = contexts * self.classes + tokens.values
        known &= np.isin(codes, level.codes)
        number = np.where(known, np.searchsorted(level.codes, codes), -1)
        longer = np.concatenate([[-1], number[:-1]])  # what ends with a token is the context of the one behind it
        longer[tokens.places == 0] = len(level.codes) if length == 0 else -1  # the mark
        return longer

    def _mixed(self, contexts: list[np.ndarray]) -> np.ndarray:
        mixed = np.full((len(contexts[0]), self.classes), 1 / self.classes)
        for level, held in zip(self.levels, contexts, strict=True):
            known = np.flatnonzero(held >= 0)
            rows = known[level.totals[held[known]] > 0]
            numbers = held[rows]
            different = np.diff(level.starts)[numbers]
            mixed[rows] *= different[:, None]
            inside = np.repeat(level.starts[numbers] - np.cumsum(different) + different, different) + np.arange(different.sum())
            mixed[np.repeat(rows, different), level.codes[inside] % self.classes] += level.counts[inside]
            mixed[rows] /= (level.totals[numbers] + different)[:, None]
        return mixed
