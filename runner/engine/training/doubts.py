"""What is to be said of data and network before the training: why its figures may mean less than they seem to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nnrun.registry.data.tokens import UNKNOWN
from nnrun.registry.node import Trainable
from nnrun.registry.shape import total
from nnrun.registry.training import Storage
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.engine.data.batch import Part
from nnrun.runner.engine.data.dataset import Dataset

MOST = 10
"""Parameters for each number that is learned from; with more, a network learns it by heart (an LSTM on texts has about four)."""

UNKNOWN_SHARE = 0.5
"""Of the tokens of a part: who knows fewer than the others reads hardly anything."""

LEAKED_SHARE = 0.05
"""Of the examples of a part; fewer are equal by chance in many tables (4 % of digits of 8x8 black and white pixels)."""

CHUNK = 1 << 22
"""Bytes of the examples that are looked at together."""


def doubts(plan: Plan, data: Dataset) -> Iterator[str]:
    """Warnings."""
    train = [stage.spec.train for stage in (*plan.stages, plan)]
    yield from _empty(plan, data)
    yield from _unknown(plan, data)
    if all(one is not None and isinstance(one.learner, Storage) for one in train):
        return  # what stores is to know its patterns by heart
    if not data.train.on_disk:  # or all of it would be read, and remembered
        yield from _leaked(data)
    size, numbers = trained(plan), numbers_of(data.train)
    if size > MOST * numbers:
        yield f"{size:,} parameters learn from {numbers:,} numbers: expect overfitting"


def trained(plan: Plan) -> int:
    """Numbers that the training changes: without those that are frozen, or that no stage names."""
    nodes = [stage.spec.train.nodes for stage in (*plan.stages, plan) if stage.spec.train is not None]
    named = None if None in nodes else {name for names in nodes for name in names or ()}
    frozen = {op.name for op in plan.ops if isinstance(op.config, Trainable) and op.config.freeze}

    def changes(*names: str) -> bool:
        return frozen.isdisjoint(names) and (named is None or named.issuperset(names))

    sizes = [op.size for op in plan.ops if changes(op.name)]
    sizes += [start.size for start in plan.starts.values() if changes(start.value)]
    sizes += [coupling.free for net in plan.nets for coupling in net.couplings if changes(coupling.first, coupling.second)]
    return int(total(sizes))


def numbers_of(part: Part) -> int:
    """How many numbers a part holds. Padding does not count, and a tick that many windows hold counts once."""
    count = 0
    for name, tensor in part.values.items():
        axis = part.times.get(name)
        if axis is not None:
            count += _ticks(tensor, part.rows, part.lengths[axis]) * tensor[0, 0].numel()
        elif "." not in name:  # what a series becomes next is one of its ticks
            count += len(part) * tensor[0].numel()
    return count


def _ticks(tensor: Tensor, rows: Tensor, lengths: Tensor) -> int:
    """Different ticks in the sequences of some rows. Windows are views of one series: where they start, their strides tell."""
    rows = rows.sort().values
    starts = rows * (tensor.stride(0) // max(1, tensor.stride(1)))
    gaps = torch.cat([starts.diff(), lengths[rows[-1:]]])
    return int(torch.minimum(lengths[rows], gaps).sum())


def _empty(plan: Plan, data: Dataset) -> Iterator[str]:
    """Parts that were asked for and hold nothing."""
    assert plan.spec.data is not None
    split = plan.spec.data.split
    for name, part, lost in (
        ("valid", data.valid, "the last weights are kept, whichever were best"),
        ("test", data.test, "nothing is tested"),
    ):
        share = getattr(split, name)
        cut = share > 0 and ("all" in data.given or name == "valid" or name in split.model_fields_set)
        if part is None and split.by is None and (name in data.given or cut):
            of = "its rows" if name in data.given else f"a share of {share:g}"
            yield f"no example is left for the part `{name}` of {of}, beside {len(data.train):,} to learn from: {lost}"


def _unknown(plan: Plan, data: Dataset) -> Iterator[str]:
    """Texts of words that the training part does not hold."""
    for name, field in plan.fields.items():
        for label, part in (("validation", data.valid), ("test", data.test)):
            if field.type_name() != "text" or part is None:
                continue
            tokens, lengths = part.values[name][part.rows], part.lengths[part.times[name]][part.rows]
            real = torch.arange(tokens.shape[1]) < lengths[:, None]
            share = float((tokens[real] == UNKNOWN).double().mean())
            if share >= UNKNOWN_SHARE:
                yield f"{share:.0%} of the tokens of `{name}` in the {label} part are unknown: they do not occur in the training part"


def _leaked(data: Dataset) -> Iterator[str]:
    """Examples of another part that are training examples, in every field."""
    known: set[tuple[int, int]] | None = None
    for label, part in (("validation", data.valid), ("test", data.test)):
        if part is None:
            continue
        known = known if known is not None else set(_digests(data.train))
        count = sum(digest in known for digest in _digests(part))
        if count and count >= LEAKED_SHARE * len(part):
            share = f"{count:,} of {len(part):,} examples of the {label} part ({count / len(part):.0%})"
            yield f"{share} are training examples too: what is remembered passes for what is understood"


def _digests(part: Part) -> Iterator[tuple[int, int]]:
    """For each example a number of 128 bits that equal ones share, others practically never: two sums of its words, each times a random
    odd number (Dietzfelbinger et al. 1997, multiplicative hashing)."""
    tensors = [*part.values.values(), *part.lengths.values()]
    factors: np.ndarray[Any, Any] | None = None
    bytes_each = sum(tensor[:1].numel() * tensor.element_size() for tensor in tensors)
    for rows in torch.split(part.rows, max(1, CHUNK // max(1, bytes_each))):
        words = np.concatenate([_words(tensor[rows]) for tensor in tensors], axis=1).astype(np.uint64)
        if factors is None:
            factors = np.random.default_rng(0).integers(2**63, size=(words.shape[1], 2), dtype=np.uint64) * np.uint64(2) + np.uint64(1)
        yield from zip(*(words @ factors).T.tolist(), strict=True)


def _words(tensor: Tensor) -> np.ndarray[Any, Any]:
    """The bytes of each example as numbers of 32 bits, zeros behind them."""
    if not tensor.numel():
        return np.zeros((len(tensor), 0), dtype=np.uint32)
    flat = tensor.contiguous().numpy().reshape(len(tensor), -1).view(np.uint8)
    return np.pad(flat, ((0, 0), (0, -flat.shape[1] % 4))).view(np.uint32)
