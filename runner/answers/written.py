"""Tables that are answered piece by piece, as text or as a file, whole or not at all."""

from __future__ import annotations

import json
import os
import pickle
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

Format = Literal["csv", "json", "parquet"]
Table = dict[str, list[Any]]

HELD = 64 << 20
"""Bytes of pieces that wait in memory; more wait in a file."""


class Pieces:
    """Tables that follow each other, held until all are there: only then is it known which columns they have. Within it they are there."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(HELD)  # noqa: SIM115
        self._names: dict[str, None] = {}
        self._last: dict[str, None] = {}

    def __enter__(self) -> Pieces:
        return self

    def __exit__(self, *failure: object) -> None:
        self._file.close()

    def add(self, table: Table, last: str | None = None) -> None:
        """One more; `last` is a column that comes behind all others."""
        pickle.dump(table, self._file)
        self._names |= dict.fromkeys(name for name in table if name != last)
        self._last |= dict.fromkeys([last] if last is not None else [])

    def __iter__(self) -> Iterator[Table]:
        """All of them, with the same columns; None where one lacked a column."""
        self._file.seek(0)
        while True:
            try:
                table: Table = pickle.load(self._file)
            except EOFError:
                return
            count = len(next(iter(table.values())))
            yield {name: table.get(name, [None] * count) for name in (*self._names, *self._last)}


def text_of(pieces: Pieces, form: Literal["csv", "json"]) -> Iterator[str]:
    """The table as text, piece by piece."""
    return _csv(pieces) if form == "csv" else _json(pieces)


def write(pieces: Pieces, file: Path, form: Format) -> None:
    """The table as a file, which is there whole or not at all. Raises: OSError."""
    draft = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        if form == "parquet":
            _parquet(pieces, draft)
        else:
            with draft.open("w", encoding="utf-8", newline="") as stream:
                stream.writelines(text_of(pieces, form))
        os.replace(draft, file)
    finally:
        draft.unlink(missing_ok=True)


def _csv(pieces: Pieces) -> Iterator[str]:
    import pandas

    for number, table in enumerate(pieces):
        frame = pandas.DataFrame({name: pandas.Series(values, dtype=object) for name, values in table.items()})
        yield str(frame.to_csv(index=False, header=number == 0))


def _json(pieces: Pieces) -> Iterator[str]:
    before = "[\n"
    for table in pieces:
        for row in zip(*table.values(), strict=True):
            lines = json.dumps(dict(zip(table, row, strict=True)), ensure_ascii=False, indent=2).replace("\n", "\n  ")
            yield f"{before}  {lines}"
            before = ",\n"
    yield "\n]\n"


def _parquet(pieces: Pieces, file: Path) -> None:
    import pyarrow
    from pyarrow.parquet import ParquetWriter

    from nnrun.runner.engine.inference import arrow

    whole = pyarrow.unify_schemas([arrow.table(table).schema for table in pieces], promote_options="permissive")
    with ParquetWriter(file, whole, compression="zstd") as writer:
        for table in pieces:
            writer.write_table(arrow.table(table).cast(whole))
