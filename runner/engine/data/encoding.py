"""Columns as tensors, and the examples that windows make of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from nnrun.registry.data.columns import GAP, MISSING, NAMELESS
from nnrun.registry.field import DataError, Encoded, Facts, Field, naming
from nnrun.registry.fields.series import Series
from nnrun.registry.fields.text import Text
from nnrun.registry.source import Columns
from nnrun.runner.compiler.language.data import Data
from nnrun.runner.engine.data.along import along, check_alike
from nnrun.runner.engine.data.batch import GIVEN, Part
from nnrun.runner.engine.data.columns import count_of
from nnrun.runner.engine.data.series.recordings import Recordings
from nnrun.runner.engine.data.series.windows import windows
from nnrun.runner.engine.data.texts import stream

HOLE = "let `missing: last` in the field fill the gap; a row left out makes a hole, which `time: COLUMN` under `data` keeps windows out of"


def encode(
    data: Data,
    fields: Mapping[str, Field],
    columns: Columns,
    facts: Mapping[str, Facts],
    rows: Sequence[int] | None = None,
    targets: Collection[str] = (),
    series: Recordings | None = None,
) -> tuple[Part, list[str]]:
    """All rows as numbers, and what the fields say of that; of targets also which are there, where some may be missing.

    `series` tells which rows are ticks of one series.
    """
    values: dict[str, Tensor] = {}
    lengths: dict[str, Tensor] = {}
    times: dict[str, str] = {}
    texts: dict[str, Sequence[str]] = {}
    said: list[str] = []
    axes = {name: config.shape(name, facts[name]).time for name, config in fields.items()}
    owners: dict[str, Encoded] = {}
    for name in sorted(fields, key=lambda name: axes[name] not in (None, name)):  # first what others lie along
        config, axis = fields[name], axes[name]
        with advising(data), naming(name, rows):
            located = config.over(series.runs) if isinstance(config, Series) and series is not None else config
            encoded = located.encode(columns[name], facts[name])
            _check_ticks(encoded, axis, data.window is not None and data.streamed is None)
            if axis in owners:
                encoded = along(encoded, owners[axis], axis)
        if axis == name:
            owners[name] = encoded
        values[name] = _tensor(encoded)
        if encoded.given is not None and name in targets:
            values[f"{name}{GIVEN}"] = torch.from_numpy(encoded.given.astype(np.uint8))
            if axis is not None:
                times[f"{name}{GIVEN}"] = axis
        if encoded.said is not None:
            said.append(f"`{name}`: {encoded.said}")
        if isinstance(config, Text):
            texts[name] = config.written(columns[name])
        if axis is not None:
            times[name] = axis
        if axis is not None and encoded.lengths is not None:
            own = torch.from_numpy(encoded.lengths)
            with naming(name, rows):
                check_alike(encoded.lengths, axis, lengths.setdefault(axis, own).numpy())
    return Part(values, lengths, times, torch.arange(count_of(columns)), texts=texts), said


def windowed(data: Data, fields: Mapping[str, Field], part: Part, series: Recordings | None, *, ahead: bool) -> Part:
    """Rows that are ticks of a series cut into windows, and texts into pieces."""
    if data.window is None:
        return part
    if series is None:
        assert data.streamed is not None
        return stream(part, data.streamed, data.window.length)
    cut = windows(part, data.window, series, ahead=ahead)
    targets = {name: f"{name}.next" for name in fields if f"{name}.next" in cut.values}
    return replace(cut, values={**cut.values, **{ahead: fields[name].bare(cut.values[ahead]) for name, ahead in targets.items()}})


def _check_ticks(encoded: Encoded, axis: str | None, windowed: bool) -> None:
    if windowed and encoded.lengths is not None:
        raise DataError("holds several values in a row, but `window` takes the rows for ticks, one value in each", "leave out `window`")
    if axis is not None and not windowed and encoded.lengths is None:
        help = "`window: {length: 24}` under `data` takes the rows for ticks and cuts the series into examples"
        raise DataError("holds one value in a row, where a list with one for each tick is wanted", help)


@contextmanager
def advising(data: Data) -> Iterator[None]:
    """Within it, nobody is told to leave out a row that is a tick: that would make a hole in the series."""
    try:
        yield
    except DataError as error:
        if error.help not in (MISSING, GAP, NAMELESS) or data.window is None or data.streamed is not None:
            raise
        raise DataError(error.what, HOLE, error.row, error.name) from None


def _tensor(encoded: Encoded) -> Tensor:
    tensor = torch.from_numpy(np.ascontiguousarray(encoded.values))
    return tensor.float() if tensor.is_floating_point() else tensor.long()
