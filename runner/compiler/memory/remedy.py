"""What to make smaller, where a training needs too much memory."""

from __future__ import annotations

from nnrun.runner.compiler.memory.needs import Memory, in_bytes

LARGE = 1 << 20
"""Bytes of a row: what reads it is large because of it."""


def remedy(memory: Memory) -> str:
    """What to reduce: where most of it goes."""
    most = memory.largest
    if most.what == "weights":
        return f"make `{most.name}` smaller, or what it reads: its weights, with all that their training keeps, take {in_bytes(most.size)}"
    if most.what == "data":
        return f"make `{most.name}` smaller, such as by fewer pixels, shorter texts or fewer rows: it takes {in_bytes(most.size)}"
    batch = f"a `batch_size` below {memory.batch:,}" if memory.batch > 1 else "shorter sequences, such as by a smaller `window`"
    smaller = f"a smaller `{most.name}`" if memory.read.size < LARGE else f"a smaller `{memory.read.name}`, such as by fewer pixels"
    return f"{batch}, or {smaller}: the values of `{most.name}` in one batch take {in_bytes(most.size)}"
