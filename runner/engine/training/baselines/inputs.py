"""What a model without a network reads: all that the network does, a list of numbers for each example."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from nnrun.registry.data.spelling import composed
from nnrun.registry.shape import Shape
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.engine.data.batch import Part
from nnrun.runner.engine.data.dataset import Dataset


def inputs(plan: Plan, data: Dataset, texts: Sequence[str]) -> tuple[Any, Any, Any]:
    """All that the network reads, of the training, validation and test part: texts as weighted words, numbers scaled.

    Where there is no validation part its place is None.
    """
    from sklearn.preprocessing import StandardScaler

    held = [data.train, data.valid, data.test]
    blocks = [_words(name, held) for name in texts]
    numbers = [name for name in plan.inputs if name not in texts]
    if numbers:
        found = [part and np.concatenate([_features(part, name, plan.values[name]) for name in numbers], axis=1) for part in held]
        scaler = StandardScaler().fit(found[0])
        blocks.append([None if part is None else scaler.transform(part) for part in found])
    if len(blocks) == 1:
        train, valid, test = blocks[0]
        return train, valid, test
    from scipy.sparse import hstack

    train, valid, test = (None if part is None else hstack([block[place] for block in blocks]).tocsr() for place, part in enumerate(held))
    return train, valid, test


def held(data: Dataset, target: str) -> np.ndarray | None:
    """The right answers of the validation part."""
    return None if data.valid is None else data.valid.values[target][data.valid.rows].numpy()


def _words(name: str, held: Sequence[Part | None]) -> list[Any]:
    """Weighted counts of words and of pairs of words, by part; of characters, where the texts have no words that occur twice."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    learned, *others = [None if part is None else [composed(part.texts[name][row]) for row in part.rows.tolist()] for part in held]
    try:
        vectorizer = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True).fit(learned)
    except ValueError:  # says sklearn where nothing is left
        vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True).fit(learned)
    return [None if texts is None else vectorizer.transform(texts) for texts in (learned, *others)]


def _features(part: Part, name: str, shape: Shape) -> np.ndarray:
    values = part.values[name][part.rows]
    if shape.kind == "category":
        values = torch.nn.functional.one_hot(values, int(shape.classes))  # type: ignore[arg-type]
    return values.reshape(len(part), -1).numpy()
