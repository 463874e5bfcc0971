"""What is sent to a trained network as examples."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import torch

from nnrun.registry.field import DataError, Facts, Field, naming
from nnrun.registry.source import Columns
from nnrun.runner.compiler.language.data import Data
from nnrun.runner.engine.data.batch import Part
from nnrun.runner.engine.data.columns import joined_columns, spelled_columns
from nnrun.runner.engine.data.encoding import encode, windowed
from nnrun.runner.engine.data.series.future import Future, future_of
from nnrun.runner.engine.data.series.recordings import Recordings, recordings
from nnrun.runner.engine.data.series.windows import misfit, reach_of


def encode_sent(
    data: Data,
    fields: Mapping[str, Field],
    columns: Columns,
    facts: Mapping[str, Facts],
    rows: Sequence[int] | None = None,
    series: Recordings | None = None,
    future: Future | None = None,
) -> Part:
    """Columns that are sent to a trained network as numbers, a row for each; they stand in these `rows` of what was sent. What the rows of
    the `future` hold is not looked at, but for what is known in advance.

    Raises: DataError naming field and row.
    """
    sent = {}
    for name, column in joined_columns(fields, {"all": spelled_columns(fields, columns)}, rows).items():
        with naming(name, rows):
            held = column if future is None else future.hidden(name, column)
            sent[name] = fields[name].received(held, facts[name])
    part, _ = encode(data, fields, sent, facts, rows, series=series)
    return part


def examples_of(
    data: Data,
    fields: Mapping[str, Field],
    columns: Columns,
    facts: Mapping[str, Facts],
    stride: int = 1,
    foreseen: Collection[str] = (),
) -> tuple[Part, list[int]]:
    """Columns without anything to predict as examples, and the row that each ends with. Windows go up to the last row of each recording,
    `stride` ticks apart, and come in the order of the rows that they end with; what is known in advance needs the rows behind them.

    `foreseen` names fields of which the network reads `FIELD.next`. Raises: DataError naming field and row.
    """
    if data.window is None:
        whole = encode_sent(data, fields, columns, facts)
        return whole, whole.rows.tolist()
    if data.streamed is not None:
        whole = encode_sent(data, fields, columns, facts)
        part = windowed(data, fields, whole, None, ahead=False)
        behind = torch.cumsum(whole.lengths[data.streamed], 0)
        return part, torch.searchsorted(behind, part.rows + data.window.length - 1, right=True).tolist()
    series = recordings(data, {"all": columns})
    future = future_of(data, fields, columns, facts, series, foreseen)
    whole = encode_sent(data, fields, columns, facts, series=series, future=future)
    reach = reach_of(data.window, ahead=future is not None)
    if (what := misfit(data.window, series, ahead=future is not None)) is not None:
        raise DataError(what, f"give it {reach} rows in a row")
    cut = windowed(data, fields, whole, series, ahead=future is not None)
    assert cut.ends is not None
    starts = torch.from_numpy(series.starts(reach, stride, from_end=True))
    if future is not None:
        starts = starts[~torch.from_numpy(future.rows)[cut.ends[starts]]]
    part = replace(cut, rows=starts[torch.argsort(cut.ends[starts])])
    return part, cut.ends[part.rows].tolist()
