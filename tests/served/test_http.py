"""`mlflow models serve`, asked over HTTP in every form that its clients send, answers as `nnrun predict` does."""

from __future__ import annotations

import io
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from mlflow.pyfunc.scoring_server.client import ScoringServerClient
from pandas import DataFrame

from tests.served.conftest import SERVED, Models
from tests.served.models import PIXELS, Recorded, write_picture
from tests.served.test_forms import alike

FORMS: dict[str, Callable[[Recorded], dict[str, Any]]] = {
    "dataframe_records": lambda model: {"dataframe_records": model.rows},
    "dataframe_split": lambda model: {"dataframe_split": _split(model)},
    "instances": lambda model: {"instances": model.rows},
    "inputs": lambda model: {"inputs": dict(model.kind.asked)},
    "inputs, row by row": lambda model: {"inputs": model.rows},
}

ONE_COLUMN = [name for name in SERVED if name != "table"]


def _split(model: Recorded) -> dict[str, Any]:
    return {"columns": list(model.kind.asked), "data": [list(row.values()) for row in model.rows]}


def ask(address: str, body: Mapping[str, Any]) -> list[dict[str, Any]]:
    request = urllib.request.Request(f"{address}/invocations", json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return list(json.loads(answer.read(), parse_constant=_no_json)["predictions"])


def _no_json(word: str) -> None:
    raise AssertionError(f"{word} is no JSON")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", SERVED)
def test_a_served_model_takes_every_form(models: Models, servers: Mapping[str, str], kind: str, form: str) -> None:
    assert alike(ask(servers[kind], FORMS[form](models[kind])), models[kind].answers)


@pytest.mark.parametrize("form", ["instances", "inputs"])
@pytest.mark.parametrize("kind", ONE_COLUMN)
def test_a_model_of_one_column_takes_it_without_its_name(models: Models, servers: Mapping[str, str], kind: str, form: str) -> None:
    (column,) = models[kind].kind.asked.values()

    assert alike(ask(servers[kind], {form: list(column)}), models[kind].answers)


@pytest.mark.parametrize("kind", SERVED)
def test_mlflows_own_client_gets_the_same(models: Models, servers: Mapping[str, str], kind: str) -> None:
    host, _, port = servers[kind].removeprefix("http://").partition(":")
    answers = ScoringServerClient(host, int(port)).invoke(DataFrame(models[kind].kind.asked)).get_predictions()

    assert alike(answers.to_dict("records"), models[kind].answers)


@pytest.mark.parametrize("kind", SERVED)
def test_a_served_model_takes_parquet(models: Models, servers: Mapping[str, str], kind: str) -> None:
    file = io.BytesIO()
    DataFrame(models[kind].kind.asked).to_parquet(file)
    request = urllib.request.Request(f"{servers[kind]}/invocations", file.getvalue(), {"Content-Type": "application/vnd.apache.parquet"})

    with urllib.request.urlopen(request) as answer:
        assert alike(json.load(answer)["predictions"], models[kind].answers)


@pytest.mark.parametrize("form", ["0 to 1", "(C, H, W)", "(H, W, C)", "paths"])
def test_a_served_network_of_pictures_takes_them_in_every_form(
    models: Models, servers: Mapping[str, str], form: str, tmp_path: Path
) -> None:
    pixels = PIXELS[:4]
    column = {
        "0 to 1": (pixels / 255).tolist(),
        "(C, H, W)": pixels[:, None].tolist(),
        "(H, W, C)": pixels[..., None].tolist(),
        "paths": [write_picture(picture, tmp_path / f"{row}.png") for row, picture in enumerate(pixels)],
    }[form]

    for body in ({"inputs": {"image": column}}, {"dataframe_records": [{"image": picture} for picture in column]}):
        assert alike(ask(servers["image"], body), models["image"].answers)


def test_one_wrong_row_of_a_request_spoils_no_other(models: Models, servers: Mapping[str, str]) -> None:
    rows = [models["image"].rows[0], {"image": [[0] * 9] * 9}, {"image": None}, models["image"].rows[1]]
    found = ask(servers["image"], {"dataframe_records": rows})

    assert [row["name"] is None for row in found] == [False, True, True, False]
    assert found[1]["error"].startswith("`image` in row 2 holds an image 9 pixels high and 9 wide, where only 6 and 5")
    assert found[2]["error"] == "`image` in row 3 has no value"


def test_a_request_of_wrong_rows_alone_is_refused_in_words(servers: Mapping[str, str]) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        ask(servers["table"], {"dataframe_records": [{"height": 1, "width": 2, "code": "7", "age": 3}]})

    assert refused.value.code == 400
    assert "`code` in row 1 holds the class `7`" in refused.value.read().decode()
