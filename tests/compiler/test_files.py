"""What a check sees of data files beside the spec: headings and sizes, never rows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nnrun.registry.data.glance import arrays
from nnrun.runner.compiler.check import Checked, check
from tests.tracking.support import ROOT

PICTURES = """\
nnrun: 1
name: pictures
data:
  source: npz
  file: data.npz
  fields:
    image: {type: image}
    kind: {type: category, classes: [a, b, c]}
nodes:
  look: {type: conv, filters: 4, kernel: KERNEL}
  flat: {type: flatten}
  scores: {type: linear, units: kind}
edges: [image -> look -> flat -> scores]
train: {loss: {type: cross_entropy, input: scores, target: kind}}
"""
TABLE = """\
nnrun: 1
name: table
data:
  source: csv
  file: FILE
  fields:
    price: {type: number}
    size: {type: number, column: COLUMN}
nodes:
  out: {type: linear, units: 1}
edges: [size -> out]
train: {loss: {type: mse, input: out, target: price}}
"""


def table(folder: Path, file: str = "data.csv", column: str = "size_m2") -> Checked:
    return check(TABLE.replace("FILE", file).replace("COLUMN", column), folder=folder)


@pytest.mark.parametrize(("array", "image", "channels"), [((9, 28, 20), "image", 1), ((9, 28, 20, 3), "image_train", 3)])
def test_the_size_of_an_array_need_not_be_declared(tmp_path: Path, array: tuple[int, ...], image: str, channels: int) -> None:
    kind = image.replace("image", "kind")
    np.savez(tmp_path / "data.npz", **{image: np.zeros(array, np.uint8), kind: np.zeros(9, int)})
    plan = check(PICTURES.replace("KERNEL", "5"), folder=tmp_path).plan

    assert plan is not None
    assert plan.values["image"].axes == (channels, 28, 20)
    assert plan.size == 4 * (25 * channels + 1) + (4 * 24 * 16 + 1) * 3


def test_a_kernel_that_does_not_fit_the_array_is_found_before_the_data_is_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", image=np.zeros((9, 28, 20)), kind=np.zeros(9))

    assert check(PICTURES.replace("KERNEL", "25"), folder=tmp_path).report.ids == ["kernel-too-large"]
    [finding] = check(PICTURES.replace("KERNEL", "25")).report
    assert finding.id == "shape-mismatch"  # where nobody can look, the size must be declared


def test_a_column_that_is_not_in_the_heading_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("price,size_m2\n1,2\n")
    [finding] = table(tmp_path, column="size_m").report

    assert (finding.headline, finding.help) == ("`data.csv` has no column `size_m`", "a column `size_m2` exists")
    assert finding.at.path == ("data", "fields", "size", "column")
    assert table(tmp_path).report.ids == []


def test_a_file_that_is_not_there_is_a_warning(tmp_path: Path) -> None:
    report = table(tmp_path, "dta.csv").report

    assert (report.ids, report.ok) == (["missing-file"], True)


def test_nothing_outside_of_the_folder_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("token,abc\n")
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "link.csv").symlink_to(tmp_path / "secret.csv")
    for file in ("../secret.csv", str(tmp_path / "secret.csv"), "link.csv", "../none.csv"):
        assert table(tmp_path / "specs", file).report.ids == []


@pytest.mark.parametrize("heading", [b"\xff\xfe\n", b"", b"price,size_m2", b'"a\nb",price\n', b"x" * 100_000 + b"\n"])
def test_a_heading_that_says_nothing_for_sure_is_left_to_the_run(tmp_path: Path, heading: bytes) -> None:
    (tmp_path / "data.csv").write_bytes(heading)

    assert table(tmp_path).report.ids == []


@pytest.mark.parametrize(("sign", "written"), [(";", '";"'), ("\t", '"\\t"'), ("|", '"|"')])
def test_a_heading_that_another_sign_parts_names_the_delimiter(tmp_path: Path, sign: str, written: str) -> None:
    (tmp_path / "data.csv").write_text(f"price{sign}size_m2\n1{sign}2\n")
    (found,) = table(tmp_path).report

    assert found.headline == f"the first line of `data.csv` has no `,` between its names: price{sign}size_m2"
    assert found.at.path == ("data", "source")
    assert found.help == f"write `delimiter: {written}` beside `source`"


SALES = """\
nnrun: 1
name: sales
data:
  source: csv
  file: data.csv
  fields: {sold: {type: series}}
  window: {length: 3, by: store}
nodes: {flat: {type: flatten_time}, out: {type: linear, units: 1}}
edges: [sold -> flat -> out]
train: {loss: {type: mse, input: out, target: sold.next}}
"""


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({}, ("data", "window", "by")),
        ({"length: 3, by: store}": "length: 3}\n  time: store"}, ("data", "time")),
        ({"length: 3, by: store}": "length: 3}\n  split: {by: store}"}, ("data", "split", "by")),
    ],
)
def test_columns_that_put_rows_in_order_are_looked_for_too(tmp_path: Path, change: dict[str, str], path: tuple[str, ...]) -> None:
    (tmp_path / "data.csv").write_text("shop,sold\na,1\n")
    text = SALES
    for old, new in change.items():
        text = text.replace(old, new)
    (found,) = check(text, folder=tmp_path).report

    assert (found.headline, found.at.path, found.help) == ("`data.csv` has no column `store`", path, "there are `shop`, `sold`")


@pytest.mark.parametrize(
    ("field", "array", "help"),
    [
        ("{type: vector}", (9, 20, 6), "write `{type: series, size: 6}` for 20 ticks of 6 numbers each"),
        ("{type: vector, column: xs}", (9, 6, 6), "or `{type: image, column: xs}` for a picture"),
        ("{type: series}", (9, 20, 6), "write `size: 6` beside the type: each of the 20 ticks has so many numbers"),
    ],
)
def test_an_array_that_a_field_does_not_take_names_the_field_that_does(
    tmp_path: Path, field: str, array: tuple[int, ...], help: str
) -> None:
    np.savez(tmp_path / "data.npz", **{"xs" if "xs" in field else "image": np.zeros(array), "kind": np.zeros(9, int)})
    checked = check(PICTURES.replace("{type: image}", field).replace("KERNEL", "3"), folder=tmp_path)
    found = checked.report[0]

    assert len(checked.report) == 1
    assert (found.id, found.at.path) == ("shape-mismatch", ("data", "fields", "image"))
    assert help in found.help


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04" + bytes(100)])
def test_what_is_no_archive_is_left_to_the_run(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "data.npz").write_bytes(content)

    assert arrays(tmp_path / "data.npz") is None


def test_headings_are_read_without_numpy_and_pillow(tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", image=np.zeros((50_000, 28, 20), np.uint8), kind=np.zeros(50_000))
    (tmp_path / "spec.yaml").write_text(PICTURES.replace("KERNEL", "5"))
    script = (
        "import sys; from pathlib import Path; from nnrun.runner.job import Job\n"
        "print(Job.read(Path('spec.yaml')).checked.plan.size, {'numpy', 'PIL', 'torch', 'pandas'} & set(sys.modules))"
    )
    said = subprocess.check_output([sys.executable, "-c", script], cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, text=True)

    assert said == "4715 set()\n"


def test_a_heading_that_is_a_row_is_one_finding(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("185,3,flat\n361,5,house\n")
    [finding] = table(tmp_path).report

    assert finding.headline == "the first line of `data.csv` holds values, not the names of columns: 185, 3, flat"
    assert finding.help.startswith("write the names above it; or `header: false` beside `source`")
