"""MLflow's `load_model(...).predict` answers as `nnrun predict` does, whatever it is given the rows in."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas
import pytest
from mlflow.models import Model
from mlflow.pyfunc import PyFuncModel
from pandas import DataFrame

import nnrun
from tests.served.conftest import Models
from tests.served.models import KINDS, PIXELS, Recorded, answered, write_picture

Columns = Mapping[str, Any]


def loaded(recorded: Recorded) -> PyFuncModel:
    return mlflow.pyfunc.load_model(str(recorded.folder))


def alike(found: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> bool:
    """Whether answers are the same; numbers to six places."""
    return [list(row) for row in found] == [list(row) for row in wanted] and all(
        (np.allclose(row[name], value, atol=1e-6) if np.array(value).dtype.kind in "iuf" else row[name] == value)
        for row, other in zip(found, wanted, strict=True)
        for name, value in other.items()
    )


FORMS: dict[str, Callable[[Columns], Any]] = {
    "frame of lists": DataFrame,
    "frame of arrays": lambda columns: DataFrame({name: [_array(value) for value in column] for name, column in columns.items()}),
    "columns": dict,
    "frame of a Parquet file": lambda columns: _from_parquet(DataFrame(columns)),
}


def _from_parquet(frame: DataFrame) -> DataFrame:
    file = io.BytesIO()
    frame.to_parquet(file)
    return pandas.read_parquet(file)


def _array(value: Any) -> Any:
    return np.array(value) if isinstance(value, list) else value


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_field_takes_every_form(models: Models, kind: str, form: str) -> None:
    recorded = models[kind]
    answers = loaded(recorded).predict(FORMS[form](recorded.kind.asked))

    assert alike(answers.to_dict("records"), recorded.answers)


def _files(pixels: np.ndarray, folder: Path) -> list[str]:
    return [write_picture(picture, folder / f"{row}.png") for row, picture in enumerate(pixels)]


PICTURES: dict[str, Callable[[np.ndarray, Path], Columns]] = {
    "bytes (H, W)": lambda pixels, _: {"image": pixels},
    "bytes (C, H, W)": lambda pixels, _: {"image": pixels[:, None]},
    "bytes (H, W, C)": lambda pixels, _: {"image": pixels[..., None]},
    "0 to 1 (H, W)": lambda pixels, _: {"image": pixels / 255},
    "0 to 1 (C, H, W)": lambda pixels, _: {"image": (pixels / 255)[:, None].astype("float32")},
    "0 to 1 (H, W, C)": lambda pixels, _: {"image": (pixels / 255)[..., None].tolist()},
    "whole numbers": lambda pixels, _: {"image": pixels.astype(float)},
    "a cell each": lambda pixels, _: DataFrame({"image": list(pixels)}),
    "a cell each, from 0 to 1": lambda pixels, _: DataFrame({"image": list(pixels / 255)}),
    "paths": lambda pixels, folder: {"image": _files(pixels, folder)},
    "a frame of paths": lambda pixels, folder: DataFrame({"image": _files(pixels, folder)}),
}


@pytest.mark.parametrize("form", PICTURES)
def test_a_picture_is_taken_in_every_form(models: Models, form: str, tmp_path: Path) -> None:
    answers = loaded(models["image"]).predict(PICTURES[form](PIXELS[:4], tmp_path))

    assert alike(answers.to_dict("records"), models["image"].answers)


def test_pixels_of_8_bits_that_are_given_to_complete_are_scaled(models: Models) -> None:
    """A pixel is on where it is brighter than half of 255."""
    given: list[list[int | None]] = PIXELS[0].tolist()
    given[0][0] = None
    (drawn,) = nnrun.load(models["machine"].folder).generate(given={"image": [given]}, sweeps=1)
    found, wanted = np.array(drawn["image"]).reshape(6, 5), PIXELS[0] > 127

    assert (found[1:] == wanted[1:]).all()
    assert (found[0, 1:] == wanted[0, 1:]).all()


def test_names_keep_their_zeros(models: Models) -> None:
    """`01` and `1` are two classes, so that the price is another."""
    rows = DataFrame({"height": [1, 1], "width": [4, 4], "code": ["01", "1"], "age": [7, 7]})
    first, second = loaded(models["table"]).predict(rows).price

    assert first != second


@pytest.mark.parametrize(
    ("kind", "bad", "reason"),
    [
        ("image", {"image": np.zeros((9, 9)).tolist()}, "`image` in row 2 holds an image 9 pixels high and 9 wide"),
        ("image", {"image": None}, "`image` in row 2 has no value"),
        ("text", {"said": " "}, "`said` in row 2 holds a text without any token"),
        ("table", {"height": 1, "width": 2, "code": "7", "age": 3}, "`code` in row 2 holds the class `7`"),
        ("table", {"height": "tall", "width": 2, "code": "1", "age": 3}, "`size` in row 2 holds `tall` in `height`"),
        ("writer", {"said": 7.5}, "`said` in row 2 holds `7.5`, which is no text"),
        ("prompt", {"prompt": None}, "`prompt` in row 2 has no value"),
        ("film", {"film": np.zeros((2, 9, 9)).tolist()}, "`film` in row 2 holds an image 9 pixels high"),
        ("ticks", {"path": [[1, 2]], "step": ["1", "1"]}, "`step` in row 2 has 2 ticks, but `path` has 1 there"),
    ],
)
def test_one_wrong_row_spoils_no_other(models: Models, kind: str, bad: dict[str, Any], reason: str) -> None:
    recorded = models[kind]
    rows = [recorded.rows[0], bad, recorded.rows[1]]
    answers = loaded(recorded).predict(DataFrame(rows)).to_dict("records")

    assert answers[1]["error"].startswith(reason)
    assert {value for name, value in answers[1].items() if name not in ("row", "error")} == {None}
    first, third = recorded.answers[:2]
    assert alike([answers[0], answers[2]], [first | {"error": None}, third | {"row": 3, "error": None}])


def test_no_window_goes_across_a_wrong_tick(models: Models) -> None:
    level = [*models["series"].kind.asked["level"], None, 1, 2, 3.5, 4, None, 1]
    answers = loaded(models["series"]).predict(DataFrame({"level": level}, dtype=object))
    answered = answers[answers["level_next"].notna()]

    assert answered.row.tolist() == [4, 5, 6, 7, 12]
    assert answered.level_next.tolist()[-1] == pytest.approx(models["series"].answers[0]["level_next"])
    assert answers[answers["level_next"].isna()].row.tolist() == [8, 13, 14]


def test_predict_tells_of_rows_with_which_no_window_ends(models: Models, tmp_path: Path) -> None:
    rows = [{"level": level} for level in (1, 2, 3, 4, 5, "x", 1, 2, 3, 4, None)]
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    said, text = answered(models["series"].folder, tmp_path / "rows.json")

    assert [row["row"] for row in json.loads(text)] == [4, 5, 6, 10, 11]
    assert [line.partition(":")[0] for line in said.refused] == ["row 6 has no answer", "row 11 has no answer"]
    assert said.between == "rows 1 to 3 and 7 to 9 have no answer: no window ends there"


def test_a_model_is_asked_for_more_by_params(models: Models) -> None:
    model, rows = loaded(models["text"]), DataFrame(models["text"].kind.asked)

    found = model.predict(rows, params={"what": ["answers", "probabilities", "end"], "best": 2})

    assert list(found)[:5] == ["row", "name", "name_probability", "name_2", "name_2_probability"]
    assert {"name_01", "name_1", "name_02", "end"} < {*found}
    assert found.name.tolist() == model.predict(rows).name.tolist()


def test_no_row_that_can_be_answered_is_a_fault(models: Models) -> None:
    with pytest.raises(Exception, match=re.escape("`image` in row 1 holds pixels from 0 to 300")):
        loaded(models["image"]).predict({"image": [[[0, 300]]]})


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_of_a_model_is_answered(models: Models, kind: str) -> None:
    model = loaded(models[kind])

    assert len(model.predict(model.input_example)) >= 1


def test_a_model_says_what_it_reads_and_answers(models: Models) -> None:
    signature = Model.load(str(models["table"].folder)).signature

    assert [column.name for column in signature.inputs] == ["height", "width", "code", "age"]
    assert str(signature.outputs) == "['row': long (required), 'price': double (required)]"
