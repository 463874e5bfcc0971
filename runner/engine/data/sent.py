"""What is sent to a trained network as examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch

from nnrun.registry.field import Facts, Field, naming
from nnrun.registry.source import Columns
from nnrun.runner.compiler.language.data import Data
from nnrun.runner.engine.data.batch import Part
from nnrun.runner.engine.data.columns import joined_columns, spelled_columns
from nnrun.runner.engine.data.encoding import encode, windowed
from nnrun.runner.engine.data.recordings import Recordings, recordings
from nnrun.runner.engine.data.windows import reach_of


def encode_sent(
    data: Data,
    fields: Mapping[str, Field],
    columns: Columns,
    facts: Mapping[str, Facts],
    rows: Sequence[int] | None = None,
    series: Recordings | None = None,
) -> Part:
    """Columns that are sent to a trained network as numbers, a row for each; they stand in these `rows` of what was sent.

    Raises: DataError naming field and row.
    """
    sent = {}
    for name, column in joined_columns(fields, {"all": spelled_columns(fields, columns)}, rows).items():
        with naming(name, rows):
            sent[name] = fields[name].received(column, facts[name])
    part, _ = encode(data, fields, sent, facts, rows, series=series)
    return part


def examples_of(
    data: Data, fields: Mapping[str, Field], columns: Columns, facts: Mapping[str, Facts], stride: int = 1
) -> tuple[Part, list[int]]:
    """Columns without anything to predict as examples, and the row that each ends with. Windows go up to the last row of each recording,
    `stride` ticks apart, and come in the order of the rows that they end with.

    Raises: DataError naming field and row.
    """
    series = recordings(data, {"all": columns}) if data.window is not None and data.streamed is None else None
    whole = encode_sent(data, fields, columns, facts, series=series)
    if data.window is None:
        return whole, whole.rows.tolist()
    # A value without time is known in advance: it is read where the value to predict lies, so that row must be there.
    # Only what keeps series apart is the same in all of one.
    by = (data.window.by,)
    known_ahead = any(config.shape(name, facts[name]).time is None and config.reads(name) != by for name, config in fields.items())
    if data.streamed is not None:
        part = windowed(data, fields, whole, None, ahead=known_ahead)
        behind = torch.cumsum(whole.lengths[data.streamed], 0)
        return part, torch.searchsorted(behind, part.rows + data.window.length - 1, right=True).tolist()
    assert series is not None
    cut = windowed(data, fields, whole, series, ahead=known_ahead)
    assert cut.ends is not None
    starts = torch.from_numpy(series.starts(reach_of(data.window, ahead=known_ahead), stride, from_end=True))
    part = replace(cut, rows=starts[torch.argsort(cut.ends[starts])])
    return part, cut.ends[part.rows].tolist()
