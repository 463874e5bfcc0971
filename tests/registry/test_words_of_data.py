"""What is said of data that is not as the spec says: each cause has a help of its own, and following it ends."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nnrun.registry.data.columns import GAP, parse_numbers
from nnrun.registry.fault import Fault
from nnrun.registry.sources.csv import Csv
from nnrun.registry.sources.npz import Npz


def fault(source: Csv | Npz, folder: Path, columns: list[str]) -> Fault:
    with pytest.raises(Fault) as caught:
        source.load(folder, columns)
    return caught.value


def csv(**options: object) -> Csv:
    return Csv.model_validate({"source": "csv", "file": "films.csv", **options})


@pytest.mark.parametrize(("sign", "written"), [(";", '";"'), ("\t", '"\\t"'), ("|", '"|"')])
def test_a_file_with_another_delimiter_is_told_its_delimiter(sign: str, written: str, tmp_path: Path) -> None:
    (tmp_path / "films.csv").write_text(f"length{sign}genre\n90{sign}drama\n")

    assert f"`delimiter: {written}`" in str(fault(csv(), tmp_path, ["length", "genre"]).help)
    assert csv(delimiter=sign).load(tmp_path, ["genre"])["all"]["genre"] == ["drama"]


def test_a_file_of_a_heading_only_says_so(tmp_path: Path) -> None:
    (tmp_path / "films.csv").write_text("length,genre\n")

    assert fault(csv(), tmp_path, ["length"]).message == "`films.csv` has no rows, only a heading"


def test_a_missing_column_names_its_nearest_for_a_field_of_one_column_or_several(tmp_path: Path) -> None:
    (tmp_path / "films.csv").write_text("length,genre\n90,drama\n")

    assert fault(csv(), tmp_path, ["lenght"]).help == "a column `length` exists: name it in `column`, or in `columns` of several"
    assert "`columns: [NAME, NAME]`" in str(fault(csv(), tmp_path, ["measures"]).help)


@pytest.mark.parametrize(
    ("cell", "help"),
    [("1,5", "`1.5`"), ("1.234,5", "`1234.5`"), ("90 min", "without its unit"), ("drama", "a `category` or `text` field takes words")],
)
def test_what_is_no_number_is_told_why(cell: str, help: str) -> None:
    with pytest.raises(Fault) as caught:
        parse_numbers(["1", cell])

    assert help in str(caught.value.help)


@pytest.mark.parametrize("columns", [["x_train", "y"], ["xx", "y"], ["x_train"], ["xx"]])
def test_advice_about_parts_of_an_archive_does_not_go_in_circles(columns: list[str], tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **{f"{name}_{part}": np.zeros(3) for name in ("x", "y") for part in ("train", "test")})
    source = Npz.model_validate({"source": "npz", "file": "a.npz"})
    if columns == ["x_train"]:
        assert set(source.load(tmp_path, columns)) == {"all"}
        return

    help = str(fault(source, tmp_path, columns).help)
    assert ("`column: x` reads `x_train`" if "x_train" in columns else "`column: NAME` reads those of one of `x`, `y`") in help
    assert set(source.load(tmp_path, ["x", "y"])) == {"train", "test"}


@pytest.mark.parametrize(
    ("cell", "help"),
    [
        ("1,361", 'write `1361` if the comma parts thousands, or `decimal: ","` in the field if it stands for the point of `1.361`'),
        ("1,5", 'write `decimal: ","` in the field, or the number with a point, `1.5`'),
        ("N/A", GAP),
    ],
)
def test_a_comma_is_not_taken_for_a_point_where_it_may_part_thousands(cell: str, help: str) -> None:
    with pytest.raises(Fault) as refused:
        parse_numbers([cell])

    assert refused.value.help == help
