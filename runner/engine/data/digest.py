"""A short name for what a run learns from: equal where examples, parts and their order are equal."""

from __future__ import annotations

import hashlib
import json

import torch
from torch import Tensor

from nnrun.runner.engine.data.dataset import Dataset

SIZE = 8
"""Bytes of a digest."""


def digest(data: Dataset) -> str:
    """Of all examples as tensors, of which part each belongs to, and of what the training part taught; 16 hex digits."""
    return data.digest or computed(data)


def computed(data: Dataset) -> str:
    """The same, of what is there."""
    summed = hashlib.blake2b(digest_size=SIZE)
    for name, tensor in sorted({**data.train.values, **{f"lengths/{axis}": held for axis, held in data.train.lengths.items()}}.items()):
        summed.update(f"{name} {tensor.dtype} {tuple(tensor.shape)} {tensor.stride()}".encode())
        summed.update(_memory(tensor))
    for name, part in (("train", data.train), ("valid", data.valid), ("test", data.test)):
        if part is not None:
            summed.update(name.encode())
            summed.update(_memory(part.rows))
    for name, texts in sorted(data.train.texts.items()):
        summed.update(json.dumps([name, list(texts)]).encode())
    summed.update(json.dumps(data.facts, sort_keys=True, default=str).encode())
    return summed.hexdigest()


def _memory(tensor: Tensor) -> memoryview:
    """The numbers where they lie: windows are views of one series, which is read once."""
    return torch.empty(0, dtype=torch.uint8).set_(tensor.untyped_storage()).numpy().data
