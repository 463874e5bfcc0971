"""Values of Python and NumPy as Arrow columns.

`pyarrow.array` does the same, but loads pandas, a third of a second, to see whether it was given something of pandas.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pyarrow import Array, Buffer, Table


def table(columns: Mapping[str, Sequence[Any] | np.ndarray[Any, Any]]) -> Table:
    """Columns of equal length, by name."""
    import pyarrow

    return pyarrow.Table.from_arrays([column(values) for values in columns.values()], names=list(columns))


def column(values: Sequence[Any] | np.ndarray[Any, Any]) -> Array:
    """Numbers, texts, or lists of such, `None` where there is none; equal to `pyarrow.array(values)`, which all else is left to."""
    import pyarrow

    if isinstance(values, np.ndarray) and values.ndim == 1:
        return _numbers(values, None)
    known = [value for value in values if value is not None]
    absent = (
        None if len(known) == len(values) else pyarrow.py_buffer(np.packbits([value is not None for value in values], bitorder="little"))
    )
    kinds = set(map(type, known))
    if kinds and kinds <= {int, float}:
        return _numbers(np.array([0 if value is None else value for value in values]), absent)
    if kinds == {str}:
        texts = [(value or "").encode() for value in values]
        buffers = [absent, _offsets(texts), pyarrow.py_buffer(b"".join(texts))]
        return pyarrow.Array.from_buffers(pyarrow.string(), len(values), buffers)
    if kinds == {list} or kinds == {np.ndarray}:
        flat = np.concatenate(known) if kinds == {np.ndarray} else list(chain.from_iterable(known))
        within = column(flat)
        buffers = [absent, _offsets([() if value is None else value for value in values])]
        return pyarrow.Array.from_buffers(pyarrow.list_(within.type), len(values), buffers, children=[within])
    return pyarrow.array(values)


def _numbers(values: np.ndarray[Any, Any], absent: Buffer | None) -> Array:
    import pyarrow

    if values.dtype.kind not in "iuf":
        return pyarrow.array(values)
    buffers = [absent, pyarrow.py_buffer(np.ascontiguousarray(values))]
    return pyarrow.Array.from_buffers(pyarrow.from_numpy_dtype(values.dtype), len(values), buffers)


def _offsets(pieces: Sequence[Any]) -> Buffer:
    """Where each piece begins in all of them joined, and where the last one ends."""
    import pyarrow

    return pyarrow.py_buffer(np.cumsum([0, *map(len, pieces)], dtype=np.int32))
