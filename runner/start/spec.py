"""A spec for a file of data: its columns as fields, a small network, loss, metrics and baseline, with comments that teach."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from nnrun.registry.data.files import locate
from nnrun.registry.field import DataError
from nnrun.runner.start.fields import Fields, fields_of, find_target
from nnrun.runner.start.gallery import SCHEMA
from nnrun.runner.start.guess import Guess, guess
from nnrun.runner.start.network import network_for
from nnrun.runner.start.pictures import picture_options
from nnrun.runner.start.tables import Table, read_table
from nnrun.runner.start.written import flow

FEWEST = 10
"""Rows from which on there is something to learn."""

UPDATES = 2000
"""Updates of the weights that a first training should have."""

BATCH = 32


def spec_for(name: str, file: Path, folder: Path, wanted: str | None) -> str:
    """The text of a spec that learns the column `wanted`, or the last, of a file. Raises: SourceError, DataError."""
    table = read_table(file, folder)
    if table.rows < FEWEST:
        raise DataError(f"`{table.title}` has {table.rows} rows, and from fewer than {FEWEST} nothing can be learned", "bring more of them")
    guesses = {column: _looked_at(guess(column, values), values, file) for column, values in table.columns.items()}
    target = find_target(table, guesses, wanted)
    return _text(name, table, fields_of(table, guesses, target), target)


def _looked_at(found: Guess, values: Sequence[Any], file: Path) -> Guess:
    """With what the files of pictures tell."""
    if found.kind != "image" or not isinstance(values[0], str):
        return found
    folder = file if file.is_dir() else file.parent
    options, side = picture_options([str(locate(folder, value)) for value in values])
    return replace(found, options=options, side=side)


def _text(name: str, table: Table, fields: Fields, target: str) -> str:
    is_class = fields.answer.kind == "category"
    units = fields.target if is_class else 1
    made, answer = network_for(fields.reads, fields.axis, {"type": "linear", "units": units}, set(fields.lines))
    ragged = any(found.kind in ("series", "video") for found in fields.reads.values())
    epochs = max(5, min(100, round(UPDATES * BATCH / table.rows)))
    metrics = ["accuracy", "f1"] if is_class else ["rmse", "r2", {"type": "mae", "units": "original"}]
    loss = {"type": "cross_entropy" if is_class else "mse", "input": answer, "target": fields.target}
    monitor = "valid/accuracy" if is_class else "valid/rmse"
    lines = [
        SCHEMA,
        f"# Made by `nnrun new` from {_quoted_line(table.title)}: change what it guessed wrong, and `nnrun check` it again.",
        "# `nnrun explain KEY` tells what a key does, `nnrun nodes` what else there is.",
        "nnrun: 1",
        f"name: {flow(name)}",
        f"description: {flow(f'Learns {target} from {table.title}.')}",
        "",
        "data:",
        *(f"  {key}: {flow(value)}" for key, value in table.source.items()),
        *([f"  time: {flow(fields.time)}   # rows come in its order, one step apart"] if fields.time is not None else []),
        "  fields:",
        *_aligned({key: (flow(value), why) for key, (value, why) in fields.lines.items()}, "    "),
        *(f"    # left out: {_quoted_line(column)}: {why}" for column, why in fields.left.items()),
        *([f"  window: {{length: {fields.window}}}   # ticks that the network reads at a time"] if fields.window else []),
        *_split(table),
        "",
        "nodes:",
        *_aligned({key: (flow(config), why) for key, (config, why) in made.nodes.items()}, "  "),
        "",
        "edges:",
        *(f"  - {edge}" for edge in made.edges),
        "",
        "train:",
        f"  loss: {flow(loss)}",
        "  optimizer: {type: adam, lr: 0.003}   # `nnrun find-lr` suggests a rate",
        f"  batch_size: {BATCH}",
        f"  epochs: {epochs}",
        f"  early_stopping: {{monitor: {monitor}, patience: {max(3, epochs // 5)}}}   # stop when the validation part gets no better",
        "",
        f"metrics: {flow(metrics)}",
        f"track: {{baseline: {'simple' if ragged else 'linear'}}}   # what the result stands beside, without a network",
    ]
    return "\n".join(lines) + "\n"


def _split(table: Table) -> Iterator[str]:
    """How the rows are parted, where the data does not say it itself."""
    shares = {"train": 0.7, "valid": 0.15, "test": 0.15}
    wanted = {part: share for part, share in shares.items() if part not in table.parts and not (table.parts and part == "train")}
    if wanted:
        yield f"  split: {flow(wanted)}   # learn from, choose by, test on once"


def _aligned(rows: Mapping[str, tuple[str, str]], indent: str) -> Iterator[str]:
    """A line for each, with its comment."""
    width = max(map(len, rows)) + 1
    for key, (value, why) in rows.items():
        yield f"{indent}{key + ':':{width}} {value}" + (f"   # {why}" if why else "")


def _quoted_line(text: str) -> str:
    """A name within a comment, which must stay one line."""
    return f"`{''.join(sign if sign.isprintable() else '?' for sign in ' '.join(text.split()))}`"
