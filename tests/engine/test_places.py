"""Faults of the data stand at the key of the spec that names the column, with that key as it should be."""

from __future__ import annotations

from pathlib import Path

import pytest

from nnrun.registry.field import DataError
from nnrun.runner.compiler.check import check
from nnrun.runner.engine.data.columns import load_columns
from nnrun.runner.engine.data.dataset import prepare

HOUSES = """\
nnrun: 1
name: houses
data:
  source: csv
  file: houses.csv
  fields: {{size: {size}, price: {price}}}
  {parts}
nodes: {{answer: {{type: linear, units: 1}}}}
edges: [size -> answer]
train: {{loss: {{type: mse, input: answer, target: price}}}}
"""

FIELD = ("data", "fields")


def fault(folder: Path, **options: str) -> DataError:
    """What reading the data of a spec ends with."""
    (folder / "houses.csv").write_text("area,rooms,price,fold\n1,2,3,train\n4,5,6,val\n")
    text = HOUSES.format(**{"size": "{type: vector, columns: [area, rooms]}", "price": "{type: number}", "parts": "", **options})
    plan = check(text).plan
    assert plan is not None
    assert plan.spec.data is not None
    with pytest.raises(DataError) as caught:
        prepare(plan.spec.data, plan.fields, load_columns(plan.spec.data, plan.fields, folder), ["price"], folder)
    return caught.value


@pytest.mark.parametrize(
    ("options", "path", "help"),
    [
        ({"size": "{type: vector, columns: [area, room]}"}, (*FIELD, "size", "columns", 1), "write `columns: [area, rooms]`"),
        ({"price": "{type: number, column: prize}"}, (*FIELD, "price", "column"), "write `column: price`"),
        ({"size": "{type: vector, columns: [areas]}"}, (*FIELD, "size", "columns", 0), "write `columns: [area]`"),
        ({"parts": "split: {by: folds}"}, ("data", "split", "by"), "write `by: fold`"),
    ],
)
def test_a_column_that_is_not_there_is_shown_where_it_is_named(
    tmp_path: Path, options: dict[str, str], path: tuple[str | int, ...], help: str
) -> None:
    found = fault(tmp_path, **options)

    assert (found.id, found.path, found.help) == ("no-column", path, help)


def test_a_field_whose_own_name_is_no_column_is_shown_itself(tmp_path: Path) -> None:
    text = HOUSES.replace("price: {price}", "prices: {price}").replace("target: price", "target: prices")
    (tmp_path / "houses.csv").write_text("area,rooms,price\n1,2,3\n")
    plan = check(text.format(size="{type: vector, columns: [area, rooms]}", price="{type: number}", parts="")).plan
    assert plan is not None
    assert plan.spec.data is not None

    with pytest.raises(DataError) as caught:
        load_columns(plan.spec.data, plan.fields, tmp_path)

    assert caught.value.path == (*FIELD, "prices")
    assert caught.value.help == "write `column: price` in the field `prices`, or call it so"


def test_a_part_by_another_name_is_shown_at_the_key_that_parts(tmp_path: Path) -> None:
    found = fault(tmp_path, parts="split: {by: fold}")

    assert (found.path, found.message) == (("data", "split", "by"), "`fold` in `houses.csv:3` holds `val`, which is no part")
    assert found.help == "each row holds `train`, `valid` or `test`: write `valid` in place of `val`"
