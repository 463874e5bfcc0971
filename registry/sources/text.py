"""One long text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from nnrun.registry.catalog import register
from nnrun.registry.data.reading import read_text
from nnrun.registry.data.tables import FileSource, check_columns
from nnrun.registry.field import DataError
from nnrun.registry.source import Column, Columns


@register
class TextFile(FileSource):
    """A text file that is read as one long text, in the column `text`, for a network that continues it. Many files are as
    many texts, one behind the other.

    Its parts are cut in the order of the text: the test part is its end. `window` makes training pieces of it.
    """

    source: Literal["text"]
    encoding: str = "utf-8"
    """How characters are written as bytes; `latin-1` in many older files."""

    def columns(self) -> Mapping[str, Column]:
        return {"text": Column("text", about="the whole file")}

    def read(self, file: Path, columns: Sequence[str]) -> Columns:
        check_columns(f"`{file.name}`", columns, ["text"])
        text = read_text(file, self.encoding)
        if not text.strip():
            raise DataError(f"`{file.name}` holds no text", "name a file with the text to learn from")
        return {name: [text] for name in columns}
