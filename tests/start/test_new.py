"""`nnrun new`: what it makes of a file of data checks clean, and trains."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image
from rich.console import Console
from sklearn.datasets import load_diabetes, load_digits, load_iris

from nnrun.runner.cli import main
from nnrun.runner.display import Display
from nnrun.runner.engine.network.network import Network
from nnrun.runner.engine.training.baselines.baseline import baseline
from nnrun.runner.engine.training.stages import train_stages
from nnrun.runner.job import Job
from nnrun.runner.reading import read
from nnrun.runner.smoke import Quiet
from nnrun.runner.start.gallery import gallery

RNG = np.random.default_rng(0)
SPECIES = ("setosa", "versicolor", "virginica")


def new(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["new", *map(str, arguments)])


def table(file: Path, heading: Sequence[str], rows: Sequence[Sequence[Any]], sign: str = ",", encoding: str = "utf-8") -> None:
    with file.open("w", newline="", encoding=encoding) as stream:
        csv.writer(stream, delimiter=sign).writerows([heading, *rows] if heading else rows)


def iris(folder: Path) -> Path:
    measures, kinds = load_iris(return_X_y=True)
    rows = [[number, *row, SPECIES[kind]] for number, (row, kind) in enumerate(zip(measures, kinds, strict=True), 1)]
    table(folder / "iris.csv", ["Id", "Sepal length (cm)", "Sepal width (cm)", "Petal length (cm)", "true", "Species"], rows)
    return folder / "iris.csv"


def iris_without_heading(folder: Path) -> Path:
    measures, kinds = load_iris(return_X_y=True)
    table(folder / "iris.data", [], [[*row, SPECIES[kind]] for row, kind in zip(measures, kinds, strict=True)])
    return folder / "iris.data"


def european(folder: Path) -> Path:
    rows = [["Zürich" if row[0] > 0 else "Genf", *row, target] for row, target in zip(*load_diabetes(return_X_y=True), strict=True)]
    table(folder / "d.csv", ["Ort", *(f"s {n}" for n in range(10)), "jahr später"], rows, ";", "latin-1")
    return folder / "d.csv"


def opinions(folder: Path) -> Path:
    texts = [" ".join(RNG.choice(["a", "good", "bad", "plot", "and", "film"], 8)) for _ in range(80)]
    table(folder / "opinions.csv", ["date seen", "review", "stars", "liked"], [
        [f"{n % 28 + 1}.1.2020", text, n % 5, "yes" if "good" in text else "no"] for n, text in enumerate(texts)
    ])  # fmt: skip
    return folder / "opinions.csv"


def months(folder: Path) -> Path:
    rows = [[f"{1990 + n // 12}-{n % 12 + 1:02}", round(float(np.sin(n)), 3)] for n in range(240)]
    table(folder / "months.csv", ["month", "sales"], rows)
    return folder / "months.csv"


def weather(folder: Path) -> Path:
    days = pandas.date_range("2020-01-01", periods=200).strftime("%Y-%m-%d")
    rows = [[day, *RNG.normal(size=2).round(3), RNG.choice(["sun", "fog", "rain"]), RNG.choice(["wet", "dry"])] for day in days]
    table(folder / "weather.csv", ["date", "wind", "heat", "sky", "tomorrow"], rows)
    return folder / "weather.csv"


def pictures_in_an_archive(folder: Path) -> Path:
    digits = load_digits()
    np.savez(folder / "digits.npz", images=digits.images[:300], labels=digits.target[:300])
    return folder / "digits.npz"


def archive_in_parts(folder: Path) -> Path:
    x, y = RNG.normal(size=(90, 6)), RNG.integers(0, 2, 90)
    np.savez(folder / "parts.npz", x_train=x[:60], x_test=x[60:], y_train=y[:60], y_test=y[60:])
    return folder / "parts.npz"


def series_in_an_archive(folder: Path) -> Path:
    x = RNG.normal(size=(80, 12))
    x[::2, 9:] = np.nan
    np.savez(folder / "waves.npz", x=x, y=RNG.normal(size=80))
    return folder / "waves.npz"


def folder_of_pictures(folder: Path) -> Path:
    for number in range(60):
        place = folder / "pets" / ("cat" if number % 2 else "dog")
        place.mkdir(parents=True, exist_ok=True)
        size = (20 + number % 3, 30, 3)
        Image.fromarray(RNG.integers(0, 256, size, dtype="uint8")).save(place / f"{number}.png")
    return folder / "pets"


def parquet(folder: Path) -> Path:
    n = 100
    columns = {
        "age": RNG.integers(18, 80, n),
        "member": RNG.random(n) > 0.5,
        "city": RNG.choice(["Bern", "Rom"], n),
        "price": RNG.random(n),
    }
    pandas.DataFrame(columns).to_parquet(folder / "t.parquet")
    return folder / "t.parquet"


def x_and_y(folder: Path) -> Path:
    table(folder / "line.csv", ["x", "y"], [[n, 2 * n + n % 3] for n in range(50)])
    return folder / "line.csv"


MADE: list[tuple[Callable[[Path], Path], dict[str, str]]] = [
    (iris, {"measures": "vector", "species": "category"}),
    (iris_without_heading, {"measures": "vector", "column_5": "category"}),
    (european, {"measures": "vector", "ort": "category", "jahr_spater": "number"}),
    (opinions, {"review": "text", "stars": "number", "liked": "category"}),
    (months, {"sales": "series"}),
    (weather, {"history": "series", "sky": "category", "tomorrow": "category"}),
    (pictures_in_an_archive, {"images": "image", "labels": "category"}),
    (archive_in_parts, {"x": "vector", "y": "category"}),
    (series_in_an_archive, {"x": "series", "y": "number"}),
    (folder_of_pictures, {"image": "image", "label": "category"}),
    (parquet, {"age": "number", "member": "category", "city": "category", "price": "number"}),
    (x_and_y, {"x": "number", "y": "number"}),
]


@pytest.mark.parametrize(("make", "types"), MADE, ids=lambda value: value.__name__ if callable(value) else "")
def test_what_is_made_of_data_checks_clean_trains_for_an_epoch_and_has_a_baseline(
    make: Callable[[Path], Path], types: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "specs").mkdir()
    place = tmp_path / "specs" / "mine.yaml"
    said = new(place.with_suffix(""), "--data", make(tmp_path))

    assert said.exit_code == 0, said.output
    assert len(said.stdout.splitlines()) == 2
    job = Job.read(place, ["train.epochs=1"])
    assert job.checked.report.ids == []
    assert job.checked.spec is not None
    assert job.checked.spec.data is not None
    assert {name: field.type_name() for name, field in job.checked.spec.data.fields.items()} == types
    checked, data, _ = read(job, Display(Console(file=io.StringIO()), quiet=True))
    assert checked.plan is not None
    assert checked.report.ids == []
    torch.manual_seed(0)
    watcher = Quiet()
    display = Display(Console(file=io.StringIO()), quiet=True)
    outcome = train_stages(Network(checked.plan), checked.plan, data, torch.device("cpu"), watcher, display)
    assert any(name.startswith("test/") for name in outcome.figures)
    assert baseline(checked.plan, data, checked.plan.spec.track) is not None


def test_columns_that_no_network_can_use_are_told_of_in_the_spec(tmp_path: Path) -> None:
    rows = [[n + 1, f"name {n}x", n % 4, 7, "" if n == 3 else n, "?" if n == 5 else n, n % 2] for n in range(40)]
    table(tmp_path / "t.csv", ["customer_id", "name", "a", "same", "gap", "power", "y"], rows)
    new(tmp_path / "t", "--data", tmp_path / "t.csv")
    text = (tmp_path / "t.yaml").read_text()

    for column in ("customer_id", "name", "same"):
        assert f"# left out: `{column}`: it " in text
    assert "# left out: `gap`: 1 of 40 rows have no value" in text
    assert "# left out: `power`: 1 of 40 rows hold no number" in text


def test_a_rare_class_may_be_missing_from_the_training_part(tmp_path: Path) -> None:
    rows = [[n % 7, "rare" if n == 39 else "often", "seldom" if n == 38 else "ab"[n % 2]] for n in range(40)]
    table(tmp_path / "t.csv", ["a", "how", "kind"], rows)
    new(tmp_path / "t", "--data", tmp_path / "t.csv")
    for seed in range(5):
        job = Job.read(tmp_path / "t.yaml", [f"data.split.seed={seed}"])
        checked, _, _ = read(job, Display(Console(file=io.StringIO()), quiet=True))

        assert checked.plan is not None
        assert checked.plan.losses[0].target_shape.classes == 3


def test_the_target_is_the_column_that_is_named(tmp_path: Path) -> None:
    new(tmp_path / "t", "--data", iris(tmp_path), "--target", "Sepal width (cm)")
    data = Job.read(tmp_path / "t.yaml").checked

    assert data.plan is not None
    assert data.plan.losses[0].target == "sepal_width_cm"
    assert set(data.plan.read) == {"measures", "species"}


@pytest.mark.parametrize("name", sorted(gallery()))
def test_a_spec_of_the_gallery_is_the_same_under_another_name(name: str, tmp_path: Path) -> None:
    said = new(tmp_path / "mine", "--from", name)
    made, first = Job.read(tmp_path / "mine.yaml").checked, Job.read(gallery()[name]).checked

    assert said.exit_code == 0
    assert made.spec is not None
    assert first.spec is not None
    assert made.spec.name == "mine"
    assert str(made.plan) == str(first.plan)


@pytest.mark.parametrize("name", ["2024", "true", "1e3", "a.b"])
@pytest.mark.parametrize("more", [(), ("--from", "mlp_digits")])
def test_a_name_stays_a_text(name: str, more: tuple[str, ...], tmp_path: Path) -> None:
    new(tmp_path / name, *more)
    spec = Job.read(tmp_path / f"{name}.yaml").checked.spec

    assert spec is not None
    assert spec.name == name


def test_without_data_a_small_spec_explains_itself(tmp_path: Path) -> None:
    said = new(tmp_path / "first")

    assert said.exit_code == 0
    assert Job.read(tmp_path / "first.yaml").checked.report.ids == []
    assert (tmp_path / "spec.schema.json").exists()


BAD: list[tuple[list[str], str, int]] = [
    (["taken"], "`taken.yaml` is there already", 2),
    (["a b"], "`a b` is no name of an experiment", 2),
    (["x", "--from", "mlp_digit"], "`mlp_digits` is one", 2),
    (["x", "--from", "mlp_digits", "--data", "iris.csv"], "either `--from` or `--data`", 2),
    (["x", "--target", "y"], "`--target` names a column of the file", 2),
    (["x", "--data", "missing.csv"], "there is no file or folder `missing.csv`", 4),
    (["x", "--data", "taken.yaml"], "is none of a CSV, Parquet or npz file", 4),
    (["x", "--data", "iris.csv", "--target", "species"], "a column `Species` exists", 1),
    (["x", "--data", "book.txt"], "`book.txt` holds no table but a text", 1),
    (["x", "--data", "few.csv"], "`few.csv` has 2 rows", 1),
    (["x", "--data", "one.csv"], "`one.csv` has no column beside `y`", 1),
    (["x", "--data", "opinions.csv", "--target", "review"], "`review` cannot be what the network says", 1),
]


@pytest.mark.parametrize(("arguments", "message", "code"), BAD, ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_what_cannot_be_is_refused_with_a_word(
    arguments: list[str], message: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    iris(tmp_path)
    opinions(tmp_path)
    (tmp_path / "taken.yaml").write_text("mine")
    (tmp_path / "book.txt").write_text("Once upon a time\nthere was a king.\n")
    table(tmp_path / "few.csv", ["x", "y"], [[1, 2], [2, 3]])
    table(tmp_path / "one.csv", ["y"], [[n] for n in range(30)])
    said = new(*arguments)

    assert said.exit_code == code
    assert message in said.stderr
    assert not (tmp_path / "x.yaml").exists()
    assert (tmp_path / "taken.yaml").read_text() == "mine"
