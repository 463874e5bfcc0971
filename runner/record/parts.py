"""What each part of the data holds, and where it comes from: said at the start of a run, and recorded with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel

from nnrun.registry.source import Source
from nnrun.runner.engine.data.dataset import Dataset
from nnrun.runner.engine.data.division.split import PARTS


def parts_table(data: Dataset) -> dict[str, list[Any]]:
    """A row for each part, as columns."""
    return {
        "part": [held.part for held in data.held],
        "examples": [held.examples for held in data.held],
        **{unit: [held.rows for held in data.held] for unit in {held.unit for held in data.held}},
        "from": [held.origin for held in data.held],
    }


def place(source: Source, folder: Path) -> str:
    """Where a source has its data from: its files, seen from `folder`, or its own name where it brings the data itself."""
    named = [value for key in ("file", "files", "folder") if (value := getattr(source, key, None))]
    paths = [path for value in named for path in (vars(value).values() if isinstance(value, BaseModel) else [value]) if path]
    return ", ".join(str(folder / path) for path in paths) or source.type_name()


def sizes(data: Dataset) -> dict[str, int]:
    """Examples of each part."""
    return {held.part: held.examples for held in data.held}


def parts_text(data: Dataset) -> str:
    """The same for the terminal: a line for each part. Rows are counted where they are not the examples."""
    lines = []
    for held in data.held:
        rows = f" of {held.rows:,} {held.unit}" if held.rows != held.examples else ""
        lines.append(f"{held.part:<6} {held.examples:>8,} examples{rows} from {held.origin}")
    lines += [f"{part:<6}       no examples" for part in PARTS if part not in {held.part for held in data.held}]
    return "\n".join([*lines, *data.notes])
