"""Files that a trained network answers for: read as the source of its training reads them, or refused in words."""

from __future__ import annotations

import json
from pathlib import Path

import pandas
import pytest

from nnrun.registry.field import DataError
from nnrun.registry.source import SourceError
from nnrun.runner.answers.rows import read_columns
from nnrun.runner.engine.data.dataset import examples_of
from nnrun.runner.engine.inference.predict import Predictor
from tests.engine.support import build
from tests.served.models import KINDS, scores, spec

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
        ("rows.xlsx", b"", "`rows.xlsx` is no .csv, .parquet, .json file"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_words(predictor: Predictor, name: str, content: bytes, wanted: str) -> None:
    Path(name).write_bytes(content)

    with pytest.raises((DataError, SourceError)) as refused:
        read_columns(Path(name), predictor)

    assert refused.value.message.startswith(wanted)


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
