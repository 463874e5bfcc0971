"""A spec for a file of data: its columns as fields, a small network, loss, metrics and baseline, with comments that teach."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nnrun.registry.catalog import near
from nnrun.registry.data.files import locate
from nnrun.registry.field import DataError
from nnrun.runner.start.gallery import SCHEMA
from nnrun.runner.start.guess import Guess, as_target, guess, is_even
from nnrun.runner.start.network import network_for
from nnrun.runner.start.pictures import picture_options
from nnrun.runner.start.tables import Table, read_table

FEWEST = 10
"""Rows from which on there is something to learn."""

SERIES = 40
"""Rows from which on a series is cut into windows."""

UPDATES = 2000
"""Updates of the weights that a first training should have."""

BATCH = 32


@dataclass(frozen=True)
class Fields:
    """What a spec reads of a table, and what the network is to say."""

    lines: Mapping[str, tuple[Mapping[str, Any], str]]
    """By field its mapping and a word about it."""
    reads: Mapping[str, Guess]
    target: str
    answer: Guess
    left: Mapping[str, str]
    """Columns that are left out, and why."""
    axis: str | None = None
    """The field whose ticks the rows are, if they are a series."""
    time: str | None = None
    window: int = 0


def spec_for(name: str, file: Path, folder: Path, wanted: str | None) -> str:
    """The text of a spec that learns the column `wanted`, or the last, of a file. Raises: SourceError, DataError."""
    table = read_table(file, folder)
    if table.rows < FEWEST:
        raise DataError(f"`{table.title}` has {table.rows} rows, and from fewer than {FEWEST} nothing can be learned", "bring more of them")
    guesses = {column: _looked_at(guess(column, values), values, file) for column, values in table.columns.items()}
    target = _target(table, guesses, wanted)
    fields = _series(table, guesses, target) or _rows(table, guesses, target)
    return _text(name, table, fields, target)


def _looked_at(found: Guess, values: Sequence[Any], file: Path) -> Guess:
    """With what the files of pictures tell."""
    if found.kind != "image" or not isinstance(values[0], str):
        return found
    folder = file if file.is_dir() else file.parent
    options, side = picture_options([str(locate(folder, value)) for value in values])
    return replace(found, options=options, side=side)


def _target(table: Table, guesses: Mapping[str, Guess], wanted: str | None) -> str:
    """The column that the network is to say. Raises: DataError if it cannot."""
    if wanted is not None and wanted not in guesses:
        close = near(wanted, guesses)
        listed = ", ".join(f"`{column}`" for column in guesses)
        raise DataError(f"`{table.title}` has no column `{wanted}`", f"a column `{close}` exists" if close else f"its columns are {listed}")
    usable = [column for column, found in guesses.items() if found.kind in ("number", "category", "count")]
    if wanted is None:
        if not usable:
            told = "; ".join(f"`{column}`: {found.why}" for column, found in guesses.items())
            raise DataError(f"`{table.title}` has no column that a network could learn to say", told)
        return usable[-1]
    if wanted not in usable:
        found = guesses[wanted]
        help = "`nnrun new NAME --from translate_numbers` starts with a network that writes" if found.kind == "text" else None
        raise DataError(f"`{wanted}` cannot be what the network says: {found.why}", help or "a target holds numbers, or a few names")
    return wanted


def _rows(table: Table, guesses: Mapping[str, Guess], target: str) -> Fields:
    """Fields of a table whose rows know nothing of each other. Raises: DataError if nothing is left to read."""
    others = {column: found for column, found in guesses.items() if column != target}
    reads = {column: found for column, found in others.items() if found.kind not in ("out", "time", "count")}
    if not reads:  # better a column that counts than none
        reads = {column: found for column, found in others.items() if found.kind in ("count", "time") and _numeric(table.columns[column])}
    if not reads:
        told = "; ".join(f"`{column}`: {found.why}" for column, found in others.items()) or "it has one column"
        raise DataError(f"`{table.title}` has no column beside `{target}` that a network could read", told)
    names = Names()
    lines: dict[str, tuple[Mapping[str, Any], str]] = {}
    given: dict[str, Guess] = {}
    numbers = [column for column, found in reads.items() if found.kind in ("number", "count", "time")]
    if len(numbers) > 1:
        field = names.of("measures")
        lines[field] = {"type": "vector", "columns": numbers, "normalize": "standard"}, "numbers, scaled to mean 0 and deviation 1"
        given[field] = Guess("vector")
    for column, found in reads.items():
        if len(numbers) > 1 and column in numbers:
            continue
        kind = "number" if column in numbers else found.kind
        options = {"normalize": "standard"} if kind == "number" else found.options
        field = names.of(column)
        lines[field] = {"type": kind, **names.column(field, column), **options}, found.why
        given[field] = replace(found, kind=kind)
    field, answer = names.of(target), as_target(guesses[target], table.columns[target])
    lines[field] = _said(field, target, names, answer), f"what the network is to say: {answer.why}"
    left = {column: _why_left(found) for column, found in others.items() if column not in reads}
    return Fields(lines, given, field, answer, left)


def _series(table: Table, guesses: Mapping[str, Guess], target: str) -> Fields | None:
    """Fields of a table whose rows follow each other in time; None where they do not."""
    time = next((column for column, found in guesses.items() if found.kind == "time" and is_even(table.columns[column])), None)
    numbers = [column for column, found in guesses.items() if found.kind in ("number", "count")]
    if time is None or table.rows < SERIES or not numbers or guesses[target].kind not in ("number", "category", "count"):
        return None
    names, answer = Names(), as_target(guesses[target], table.columns[target])
    numbers = [column for column in numbers if column != target or answer.kind != "category"]
    if not numbers:
        return None
    lines: dict[str, tuple[Mapping[str, Any], str]] = {}
    alone = numbers == [target]
    axis = names.of(target if alone else "history")
    mapping = {"type": "series", **(names.column(axis, target) if alone else {"columns": numbers}), "normalize": "standard"}
    lines[axis] = mapping, "measured at each tick" if not alone else "what is measured, and to be foretold"
    reads = {axis: Guess("number")}
    for column, found in guesses.items():
        if found.kind == "category" and column != target:
            field = names.of(column)
            lines[field] = {"type": "category", **names.column(field, column), "along": axis}, f"{found.why}, one at each tick"
            reads[field] = found
    field = f"{axis}.next"
    if not (alone and answer.kind == "number"):
        field = names.of(target)
        lines[field] = _said(field, target, names, answer), f"what the network is to say, of the tick after the window: {answer.why}"
    used = {*numbers, target, time, *(column for column, found in guesses.items() if found.kind == "category")}
    left = {column: _why_left(found) for column, found in guesses.items() if column not in used}
    return Fields(lines, reads, field, answer, left, axis, time, max(2, min(24, table.rows // 10)))


def _said(field: str, column: str, names: Names, answer: Guess) -> Mapping[str, Any]:
    return {"type": answer.kind, **names.column(field, column), **({"normalize": "standard"} if answer.kind == "number" else {})}


def _numeric(values: Sequence[Any]) -> bool:
    return guess("x", values).kind in ("number", "count")


def _why_left(found: Guess) -> str:
    return {"time": "a time; the rows are not one series with even steps"}.get(found.kind, found.why)


class Names:
    """Names of fields, each once, for columns of any name."""

    def __init__(self) -> None:
        self.taken: set[str] = set()

    def of(self, column: str) -> str:
        """A name that a spec may have: small letters, digits and `_`."""
        plain = re.sub(r"[^a-z0-9]+", "_", column.lower()).strip("_") or "column"
        plain = plain if plain[0].isalpha() else f"x_{plain}"
        name = next(one for one in (plain, *(f"{plain}_{number}" for number in range(2, 10**6))) if one not in self.taken)
        self.taken.add(name)
        return name

    @staticmethod
    def column(field: str, column: str) -> Mapping[str, str]:
        """The option that says which column a field reads, where that has another name."""
        return {} if field == column else {"column": column}


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
        f"name: {name}",
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


def flow(value: Any) -> str:
    """A value as YAML, on one line."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {flow(item)}' for key, item in value.items())}}}"
    if isinstance(value, str):
        plain = re.fullmatch(r"[A-Za-z_][\w./-]*", value, re.ASCII) and value.lower() not in ("true", "false", "null")
        return value if plain else json.dumps(value, ensure_ascii=not value.isprintable())
    if isinstance(value, Iterable):
        return f"[{', '.join(map(flow, value))}]"
    return json.dumps(value)


def _quoted_line(text: str) -> str:
    """A name within a comment, which must stay one line."""
    return f"`{''.join(sign if sign.isprintable() else '?' for sign in ' '.join(text.split()))}`"
