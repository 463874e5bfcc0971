"""What the files of the data tell without being read: a file that is not there, a column that is not in its heading, sizes of arrays."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from nnrun.registry.data.spelling import spelled
from nnrun.registry.field import Facts, Field
from nnrun.registry.source import Sizes, Source
from nnrun.runner.compiler.language.data import PARTS, Data
from nnrun.runner.compiler.text.diagnostic import Place, Report
from nnrun.runner.compiler.text.words import repair

SOURCE = ("data", "source")


def check_files(data: Data | None, fields: Mapping[str, Field], folder: Path | None, report: Report) -> dict[str, Facts]:
    """What is seen of fields, by name, as far as their sizes are concerned. Nothing is looked at without a folder, or outside of it."""
    if data is None or folder is None or not isinstance(data.source, Source):
        return {}
    seen = data.source.glance(folder)
    for file in seen.missing:
        help = "`nnrun` will look for it beside the spec; paths are relative to the spec's folder"
        report.add("missing-file", f"there is no file `{file}`", at=SOURCE, help=help, severity="warning")
    known: dict[str, Facts] = {}
    tables = {file: columns for file, columns in seen.tables.items() if not _report_heading(data, file, columns, fields, report)}
    for file, columns in tables.items():
        _check_ordering(data, file, columns, report)
    for name, config in fields.items():
        for file, columns in tables.items():
            sizes = [_sizes(column, columns) for column in config.reads(name)]
            if None in sizes:
                _report(name, config, file, config.reads(name)[sizes.index(None)], columns, report)
            elif len(sizes) == 1 and sizes[0] and (instead := config.misfit(sizes[0])) is not None:
                what = f"{' x '.join(map(str, sizes[0]))} numbers, which a `{config.type_name()}` does not take"
                headline = f"each example of `{config.reads(name)[0]}` in `{file}` holds {what}"
                report.add("shape-mismatch", headline, at=Place(("data", "fields", name), "key"), help=instead)
            elif len(sizes) == 1 and sizes[0] and (facts := config.glimpsed(sizes[0])) is not None:
                known[name] = facts
    return known


def _report_heading(data: Data, file: str, columns: Collection[str], fields: Mapping[str, Field], report: Report) -> bool:
    """Report a heading whose names are parted by another sign, and one that is a row: it has numbers, and no column that is read."""
    read = {column for name, config in fields.items() for column in config.reads(name)}
    assert isinstance(data.source, Source)
    if (wrong := data.source.misread(list(columns), read)) is not None:
        report.add("unknown-name", f"the first line of `{file}` {wrong[0]}", at=SOURCE, help=wrong[1])
        return True
    if not any(re.fullmatch(r"\s*[-+]?\d+([.,]\d+)?\s*", name) for name in columns) or any(spelled(name, columns) for name in read):
        return False
    headline = f"the first line of `{file}` holds values, not the names of columns: {', '.join(list(columns)[:4])}"
    help = "write the names above it; or `header: false` beside `source`, and columns are called `column_1`, `column_2`, …"
    report.add("unknown-name", headline, at=SOURCE, help=help)
    return True


def _check_ordering(data: Data, file: str, columns: Collection[str], report: Report) -> None:
    """The columns that say which rows follow each other, or to which part they belong."""
    window = data.window.by if data.window is not None else None
    split = [(("split", key), column) for key, column in data.split.columns.items()]
    for path, column in ((("window", "by"), window), (("time",), data.time), *split):
        if column is not None and spelled(column, columns) is None:
            help = repair(column, list(columns), "column")
            report.add("unknown-name", f"`{file}` has no column `{column}`", at=("data", *path), help=help)


def _sizes(column: str, columns: Mapping[str, Sizes]) -> Sizes | None:
    """Of a column, or of the part of it that is learned from; None where it is not there."""
    found = spelled(column, columns) or spelled(f"{column}_train", columns)
    return None if found is None else columns[found]


def _report(name: str, config: Field, file: str, column: str, columns: Collection[str], report: Report) -> None:
    path = ("data", "fields", name)
    at = Place((*path, "column")) if config.column else Place(path, "key")
    report.add("unknown-name", f"`{file}` has no column `{column}`", at=at, help=repair(column, list(_whole(columns)), "column"))


def _whole(columns: Collection[str]) -> Iterator[str]:
    """The names without those of parts behind them."""
    for column in columns:
        stem, _, part = column.rpartition("_")
        yield stem if stem and part in PARTS and f"{stem}_train" in columns else column
