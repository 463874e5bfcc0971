"""Many files where one could be: read in the order of their names, one below the other, each told by its own name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nnrun.registry.catalog import Lookup
from nnrun.registry.data.files import confined
from nnrun.registry.data.paths.many import joined
from nnrun.registry.field import DataError
from nnrun.registry.source import Glance, Source, SourceError


def source(name: str, **options: Any) -> Source:
    made = Lookup("source").validate({"source": name, **options})
    assert isinstance(made, Source)
    return made


@pytest.fixture
def days(tmp_path: Path) -> Path:
    """A folder `days`, of each kind two files and more that are not meant."""
    folder = tmp_path / "days"
    folder.mkdir()
    for name, values in (("b", [3]), ("a", [1, 2])):
        (folder / f"{name}.csv").write_text("x,y\n" + "".join(f"{value},{name}\n" for value in values))
        np.savez(folder / f"{name}.npz", x=values)
        pq.write_table(pa.table({"x": values}), folder / f"{name}.parquet")
        (folder / f"{name}.txt").write_text(f"text {name}")
    (folder / ".c.csv").write_text("hidden")
    return folder


@pytest.mark.parametrize("name", ["csv", "npz", "parquet"])
@pytest.mark.parametrize("path", ["days", "days/*.ENDING", "*/?.ENDING"])
def test_files_stand_one_below_the_other_by_name(days: Path, name: str, path: str) -> None:
    made = source(name, file=path.replace("ENDING", name))

    assert [int(value) for value in made.load(days.parent, ["x"])["all"]["x"]] == [1, 2, 3]
    assert made.read_files(days.parent) == (days / f"a.{name}", days / f"b.{name}")


def test_many_text_files_are_as_many_texts(days: Path) -> None:
    assert source("text", file="days/*.txt").load(days.parent, ["text"]) == {"all": {"text": ["text a", "text b"]}}


def test_each_part_may_be_many_files(days: Path) -> None:
    parts = source("csv", files={"train": "days", "test": "days/b.csv"}).load(days.parent, ["x", "y"])

    assert parts == {"train": {"x": ["1", "2", "3"], "y": ["a", "a", "b"]}, "test": {"x": ["3"], "y": ["b"]}}


def test_archives_with_parts_are_joined_part_by_part(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x_train=[1], x_test=[2])
    np.savez(tmp_path / "b.npz", x_train=[3], x_test=[4])
    parts = source("npz", file="*.npz").load(tmp_path, ["x"])
    assert {part: list(table["x"]) for part, table in parts.items()} == {"train": [1, 3], "test": [2, 4]}

    np.savez(tmp_path / "c.npz", x=[5])
    with pytest.raises(DataError, match=r"come in the same parts, but `a\.npz` in `train`, `test` and `c\.npz` in one"):
        source("npz", file="*.npz").load(tmp_path, ["x"])


@pytest.mark.parametrize("name", ["csv", "npz", "parquet"])
def test_the_file_that_lacks_a_column_is_named(days: Path, name: str) -> None:
    (days / "b.csv").write_text("z\n1\n")
    np.savez(days / "b.npz", z=[1])
    pq.write_table(pa.table({"z": [1]}), days / "b.parquet")

    with pytest.raises(DataError, match=rf"`b\.{name}` has no column `x`, only `z`"):
        source(name, file="days").load(days.parent, ["x"])


@pytest.mark.parametrize(
    ("name", "file", "places"),
    [
        ("csv", "days", ["`days/a.csv:2`", "`days/a.csv:3`", "`days/b.csv:2`"]),
        ("csv", "days/a.csv", ["`days/a.csv:2`", "`days/a.csv:3`"]),
        ("parquet", "days", ["row 1 of `days/a.parquet`", "row 2 of `days/a.parquet`", "row 1 of `days/b.parquet`"]),
        ("npz", "days", ["row 1 of `days`", "row 2 of `days`", "row 3 of `days`"]),
    ],
)
def test_a_row_is_found_in_its_file(days: Path, name: str, file: str, places: list[str]) -> None:
    made = source(name, file=file)

    assert [made.place(days.parent, "all", row) for row in range(len(places))] == places


@pytest.mark.parametrize(
    "text", ["x\n1\n2", "x\n1\n2\n", "x\n\n1\n2\n", '"x"\n1\n"2"\n', 'x\n"1\n1"\n2\n', "x\r\n1\r\n2\r\n", "\nx\n1\n2", "x\n1\n2\n\n"]
)
def test_rows_are_counted_as_they_are_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.csv").write_bytes(text.encode())
    pieces = source("csv", file="a.csv").pieces(tmp_path, ["x"])
    assert pieces is not None

    assert pieces.rows == {"all": 2}
    assert sum(len(table["x"]) for table in pieces.read("all", ["x"])) == 2


def test_arrays_whose_examples_differ_in_size_come_as_rows() -> None:
    tables: list[Any] = [{"x": np.zeros((2, 3))}, {"x": np.ones((1, 4))}]
    table = joined(tables)

    assert [len(row) for row in table["x"]] == [3, 3, 4]


def test_a_path_that_leads_to_none_says_where_it_looked(days: Path) -> None:
    with pytest.raises(SourceError, match="`days/none\\*` leads to none") as caught:
        source("csv", file="days/none*").load(days.parent, ["x"])

    assert caught.value.help == f"files were looked for at `{days}/none*`"


def test_check_passes_over_many_files(days: Path) -> None:
    assert source("csv", file="days").glance(days.parent) == source("npz", file="days/*").glance(days.parent) == Glance()


def test_a_spec_that_is_not_trusted_follows_no_pattern_out_of_its_folder(days: Path) -> None:
    (days.parent / "own").mkdir()
    (days.parent / "own" / "link.csv").symlink_to(days / "a.csv")

    with confined(days.parent / "own"):
        for path in ("../days", "../days/*.csv", "*.csv", "*/../../days/*.csv"):
            with pytest.raises(SourceError):
                source("csv", file=path).load(days.parent / "own", ["x"])
