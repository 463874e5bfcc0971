"""Files that a trained network answers for: read as the source of its training reads them, or refused in words."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas
import pytest
from PIL import Image as Pillow

from nnrun.registry.field import DataError
from nnrun.registry.source import SourceError
from nnrun.runner.answers.rows import read_columns
from nnrun.runner.engine.checkpoint.model import save
from nnrun.runner.engine.data.sent import examples_of
from nnrun.runner.engine.inference.predict import Predictor
from tests.engine.support import build
from tests.served.models import KINDS, answered, scores, spec

SPEC = """\
nnrun: 1
name: parcels
data:
  source: csv
  file: parcels.csv
  delimiter: ";"
  fields:
    code: {type: category}
    weight: {type: number}
    path: {type: series, size: 2}
    kind: {type: category}
  split: {train: 0.6, valid: 0.2, test: 0.2}
nodes:
  seen: {type: embedding, units: 3}
  end: {type: last}
  scores: {type: linear, units: kind}
edges:
  - code -> seen -> scores
  - path -> end -> scores
  - weight -> scores
train:
  loss: {type: cross_entropy, input: scores, target: kind}
"""

ROWS = [{"code": ("007", "NA")[row % 2], "weight": row, "path": [[0.5, row], [1.0, 2.0]], "kind": "ab"[row % 2]} for row in range(20)]


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    built = build(SPEC, {name: [row[name] for row in ROWS] for name in ROWS[0]})
    return Predictor(built.network, built.plan, built.data.facts)


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_all_kinds_of_files_give_the_same_answers(predictor: Predictor) -> None:
    Path("rows.json").write_text(json.dumps(ROWS))
    Path("columns.json").write_text(json.dumps({name: [row[name] for row in ROWS] for name in ROWS[0]}))
    pandas.DataFrame(ROWS).to_parquet("rows.parquet")

    said = [predictor.predict(read_columns(Path(name), predictor)) for name in ("rows.json", "columns.json", "rows.parquet")]

    assert said[0] == said[1] == said[2]
    assert len(said[0]["kind"]) == 20


def test_cells_stay_as_they_are_written(predictor: Predictor) -> None:
    Path("rows.csv").write_text("weight;path;code\n1;x;007\n2;y;NA\n")

    assert read_columns(Path("rows.csv"), predictor)["code"] == ["007", "NA"]


@pytest.mark.parametrize(
    ("name", "content", "wanted"),
    [
        ("empty.csv", b"", "`empty.csv` is empty"),
        ("bare.csv", b"code;weight;path\n", "`bare.csv` has no rows"),
        ("short.csv", b"code;weight\n1;2\n", "`short.csv` has no column `path`, only `code`, `weight`"),
        ("latin.csv", "code;größe\n1;2\n".encode("latin-1"), "`latin.csv`"),
        ("ragged.csv", b"code;weight;path\n1;2\n", "line 2 of `ragged.csv` has a row of 2"),
        ("broken.json", b"{]", "`broken.json` is no JSON"),
        ("single.json", b'{"code": 1}', "`single.json` holds neither a list of rows nor columns of one length"),
        ("broken.parquet", b"PAR1", "`broken.parquet` cannot be read as a Parquet file"),
        ("deep.json", b"[" * 100_000, "`deep.json` is no JSON of rows: lists stand within each other too deep"),
        ("rows.xlsx", b"", "`rows.xlsx` is no .csv, .parquet, .npz, .json file"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_words(predictor: Predictor, name: str, content: bytes, wanted: str) -> None:
    Path(name).write_bytes(content)

    with pytest.raises((DataError, SourceError)) as refused:
        read_columns(Path(name), predictor)

    assert refused.value.message.startswith(wanted)


def test_a_file_whose_name_is_too_long_is_not_there(predictor: Predictor) -> None:
    with pytest.raises(SourceError, match="there is no file"):
        read_columns(Path("x" * 5000 + ".csv"), predictor)


SERIES = """\
nnrun: 1
name: shops
data:
  source: csv
  file: shops.csv
  fields:
    sales: {type: series}
  window: {length: 3, stride: 3, by: shop}
  split: {train: 0.8, valid: 0.2, test: 0}
nodes:
  flat: {type: flatten_time}
  next: {type: linear, units: 1}
edges: [sales -> flat -> next]
train:
  loss: {type: mse, input: next, target: sales.next}
"""


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recorded network of a rolling window, trained with a stride."""
    built = build(SERIES, {"shop": ["a", "b"] * 20, "sales": [float(row) for row in range(40)]})
    folder = tmp_path_factory.mktemp("run") / "model"
    save(folder, built.network, built.data.facts)
    return folder


def test_every_row_of_a_series_is_answered_or_named(shops: Path) -> None:
    Path("rows.csv").write_text("shop,sales\n" + "".join(f"{'ab'[row % 2]},{row}\n" for row in range(9)))

    said, text = answered(shops, Path("rows.csv"), "csv")

    # Row 5 ends the first three rows of shop a, which are 1, 3 and 5; row 6 those of shop b.
    assert [line.partition(",")[0] for line in text.splitlines()] == ["row", "5", "6", "7", "8", "9"]
    assert said.between == "rows 1 to 4 have no answer: no window ends there"


def test_stretches_of_rows_without_an_answer_are_named(shops: Path) -> None:
    Path("rows.csv").write_text("shop,sales\n" + "".join(f"{shop},{row}\n" for shop in "abc" for row in range(1 if shop == "c" else 4)))

    said, text = answered(shops, Path("rows.csv"), "json")

    assert [row["row"] for row in json.loads(text)] == [3, 4, 7, 8]
    assert said.between == "rows 1 to 2, 5 to 6 and 9 have no answer: no window ends there"


def test_a_table_is_answered_row_for_row(predictor: Predictor, tmp_path: Path) -> None:
    save(tmp_path / "model", predictor.network, predictor.facts)
    Path("rows.json").write_text(json.dumps(ROWS))

    said, text = answered(tmp_path / "model", Path("rows.json"), "csv")

    assert text.startswith("row,kind,kind_probability\n")
    assert said.between is None


def test_the_column_that_keeps_series_apart_is_asked_for(shops: Path) -> None:
    Path("rows.csv").write_text("sales\n1\n2\n3\n")

    with pytest.raises(DataError, match=r"`rows\.csv` has no column `shop`, only `sales`"):
        answered(shops, Path("rows.csv"), "csv")


FILMS = """\
nnrun: 1
name: sums
data:
  source: npz
  file: sums.npz
  lengths: {path: ticks}
  fields:
    path: {type: series}
    total: {type: number}
nodes:
  mean: {type: pool_time, method: mean}
  sum: {type: linear, units: 1}
edges: [path -> mean -> sum]
train:
  loss: {type: mse, input: sum, target: total}
"""


def test_an_archive_is_read_as_in_the_training() -> None:
    ragged = [[1.0, 2.0, 3.0], [4.0], [5.0, 6.0]]
    built = build(FILMS, {"path": ragged, "total": [6.0, 4.0, 11.0]}, "data.split={valid: 0, test: 0}")
    predictor = Predictor(built.network, built.plan, built.data.facts)
    np.savez("padded.npz", path=np.array([[1, 2, 3], [4, 0, 0], [5, 6, 0]], dtype=np.float32), ticks=[3, 1, 2])
    Path("rows.json").write_text(json.dumps([{"path": row} for row in ragged]))

    padded, listed = (predictor.predict(read_columns(Path(name), predictor)) for name in ("padded.npz", "rows.json"))

    assert padded == listed


PICTURES = """\
nnrun: 1
name: pictures
data:
  source: csv
  file: pictures.csv
  fields:
    image: {type: image, size: 2, channels: 1}
    bright: {type: category, classes: [dark, light]}
nodes:
  flat: {type: flatten}
  scores: {type: linear, units: 2}
edges: [image -> flat -> scores]
train:
  loss: {type: cross_entropy, input: scores, target: bright}
"""


def test_a_folder_of_pictures_is_answered_file_by_file(tmp_path: Path) -> None:
    shades = {"a.png": 0, "more/b.png": 255, "c.PNG": 128}
    Path("pictures/more").mkdir(parents=True)
    for name, shade in shades.items():
        Pillow.new("L", (2, 2), shade).save(Path("pictures") / name)
    images = [np.full((2, 2), shade, dtype=np.uint8) for shade in shades.values()]
    built = build(PICTURES, {"image": images * 10, "bright": ["dark", "light", "light"] * 10})
    save(tmp_path / "model", built.network, built.data.facts)
    alone = Predictor(built.network, built.plan, built.data.facts).predict({"image": images})

    rows = json.loads(answered(tmp_path / "model", Path("pictures"), "json")[1])

    assert [row["file"] for row in rows] == ["a.png", "c.PNG", "more/b.png"]
    told = {row["file"]: row["bright_probability"] for row in rows}
    assert told == pytest.approx(dict(zip(shades, alone["bright_probability"], strict=True)))


def test_a_folder_is_refused_for_a_network_that_reads_a_table(predictor: Predictor) -> None:
    Path("rows").mkdir()

    with pytest.raises(DataError, match="`rows` is a folder, which can hold pictures, and the network reads `code`, `weight`, `path`"):
        read_columns(Path("rows"), predictor)


@pytest.mark.parametrize("window", ["{length: 4}", "{length: 4, stride: 3}", "{length: 2, horizon: 2}"])
def test_a_window_is_named_by_the_row_of_its_last_tick(window: str) -> None:
    built = build(KINDS["series"].spec, KINDS["series"].data, f"data.window={window}")
    level, data = [float(row) for row in range(11)], built.plan.spec.data
    assert data is not None
    part, rows = examples_of(data, {"level": built.plan.fields["level"]}, {"level": level}, built.data.facts)
    last = built.plan.fields["level"].decode(part.values["level"][:, -1].numpy(), built.data.facts["level"])

    assert [level[row] for row in rows] == pytest.approx(last)


def test_a_piece_of_a_text_is_named_by_the_row_of_its_last_token() -> None:
    edges = ("seen: {type: embedding, units: 3}, out: {type: linear, units: said}", "said -> seen -> out", scores("said"))
    built = build(spec("said: {type: text, tokens: characters}", *edges, "window: {length: 4}"), {"said": ["abcdefghijklmnopqrst"] * 9})
    answers = Predictor(built.network, built.plan, built.data.facts).predict({"said": ["abcde", None, "fg", "hijk"]})

    # Pieces of 4 end with d and e of the first text; behind the second, which is none, with i, j and k of the fourth.
    assert answers["row"] == [1, 1, 2, 4, 4, 4]
    assert [error is None for error in answers["error"]] == [True, True, False, True, True, True]
