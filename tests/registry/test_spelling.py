"""What looks alike is alike: Unicode may write é as one character or as two, in texts, names of classes, and names of columns."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any
from unicodedata import normalize

import numpy as np
import pandas
import pytest
from pydantic import ValidationError

from nnrun.registry.catalog import find
from nnrun.registry.data.spelling import spelled
from nnrun.registry.fields.category import Category
from nnrun.registry.fields.text import Text
from nnrun.registry.source import Source
from nnrun.runner.answers.rows import read_columns
from nnrun.runner.compiler.language.data import Split
from nnrun.runner.engine.data.division.split import divide
from nnrun.runner.engine.inference.predict import Predictor
from tests.engine.support import Built, build

ONE, TWO = (normalize(form, "Café crème") for form in ("NFC", "NFD"))
"""The same to the eye; the second is three characters longer."""


@pytest.mark.parametrize("options", [{}, {"tokens": "characters"}, {"tokens": "bytes"}, {"lower": False}])
def test_a_text_has_one_spelling(options: dict[str, Any]) -> None:
    config = Text.model_validate({"type": "text", **options})
    facts = config.fit([TWO])

    assert facts == config.fit([ONE])
    assert config.encode([TWO], facts).values.tolist() == config.encode([ONE], facts).values.tolist()
    assert config.told(TWO, facts) == config.told(ONE, facts) == normalize("NFC", config.told(TWO, facts))


def test_a_capital_has_one_spelling_when_it_is_made_small() -> None:
    config = Text.model_validate({"type": "text"})

    assert config.told(normalize("NFD", "ÉTÉ"), config.fit([ONE])) == normalize("NFC", "été")


def test_texts_that_were_learned_before_are_cut_as_they_were() -> None:
    config = Text.model_validate({"type": "text", "tokens": "characters"})
    before = {"vocabulary": ["<padding>", "<unknown>", "<begin>", "<end>", "e", "\u0301", "\u00e9"]}

    assert config.encode(["e\u0301\u00e9"], before).values.tolist() == [[4, 5, 6]]


def test_a_class_has_one_spelling() -> None:
    config = Category.model_validate({"type": "category"})
    facts = config.fit([TWO, ONE, "tea"])

    assert facts == {"classes": [ONE, "tea"], "counts": [2, 1], "form": "NFC"}
    assert config.encode([ONE, TWO, "tea"], facts).values.tolist() == [0, 0, 1]


def test_classes_that_a_spec_lists_have_one_spelling() -> None:
    config = Category.model_validate({"type": "category", "classes": ["tea", TWO]})

    assert config.encode([ONE, TWO], config.fit([ONE])).values.tolist() == [1, 1]
    with pytest.raises(ValidationError):
        Category.model_validate({"type": "category", "classes": [ONE, TWO]})


def test_classes_that_were_learned_before_are_told_apart_as_they_were() -> None:
    config = Category.model_validate({"type": "category"})

    assert config.encode([TWO, ONE], {"classes": [TWO, ONE], "counts": [1, 1]}).values.tolist() == [0, 1]


def test_parts_hold_equal_shares_of_a_class_in_both_spellings() -> None:
    rows = divide(Split(valid=0.0, test=0.5), {"all": 4}, in_order=False, labels=[ONE, TWO, "tea", "tea"], where=None)

    assert [sum(row < 2 for row in held) for held in (rows["train"], rows["test"])] == [1, 1]


def source(file: Path) -> Source:
    return find("source", file.suffix.removeprefix(".")).model_validate({"source": file.suffix.removeprefix("."), "file": file.name})  # type: ignore[return-value, union-attr]


def write(file: Path, name: str) -> None:
    match file.suffix:
        case ".csv":
            with file.open("w", newline="", encoding="utf-8") as stream:
                csv.writer(stream).writerows([["other", name], [1, 2]])
        case ".parquet":
            pandas.DataFrame({"other": [1], name: [2]}).to_parquet(file)
        case ".npz":
            np.savez(file, **{"other": np.ones(1), name: np.full(1, 2)})
        case ".json":
            file.write_text(json.dumps([{"other": 1, name: 2}]))


@pytest.mark.parametrize("ending", ["csv", "parquet", "npz"])
@pytest.mark.parametrize(("there", "wanted"), [(ONE, TWO), (TWO, ONE)])
def test_a_column_is_found_in_either_spelling(ending: str, there: str, wanted: str, tmp_path: Path) -> None:
    write(tmp_path / f"data.{ending}", there)
    (columns,) = source(tmp_path / f"data.{ending}").load(tmp_path, [wanted]).values()

    assert {name: int(values[0]) for name, values in columns.items()} == {wanted: 2}


def test_the_parts_of_an_archive_are_found_in_either_spelling(tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", **{f"{TWO}_train": np.ones(3), f"{TWO}_test": np.ones(2)})

    parts = source(tmp_path / "data.npz").load(tmp_path, [ONE])

    assert {part: len(columns[ONE]) for part, columns in parts.items()} == {"train": 3, "test": 2}


def test_a_name_as_it_is_written_goes_before_one_that_looks_alike() -> None:
    assert (spelled(TWO, [ONE, TWO]), spelled(ONE, [ONE, TWO]), spelled("tea", [ONE])) == (TWO, ONE, None)


SPEC = f"""
nnrun: 1
name: alike
data:
  source: csv
  file: none.csv
  fields:
    x: {{type: number, column: {ONE}}}
    y: {{type: number}}
nodes: {{out: {{type: linear, units: 1}}}}
edges: [x -> out]
train: {{loss: {{type: mse, input: out, target: y}}, epochs: 1}}
"""


def answering() -> Built:
    return build(SPEC, {ONE: [float(n) for n in range(20)], "y": [float(n) for n in range(20)]})


def test_a_network_is_asked_in_either_spelling() -> None:
    built = answering()
    predictor = Predictor(built.network, built.plan, built.data.facts)

    assert predictor.predict({TWO: [1.0, 2.0]}) == predictor.predict({ONE: [1.0, 2.0]})


@pytest.mark.parametrize("ending", ["csv", "parquet", "json"])
def test_a_file_of_questions_may_have_either_spelling(ending: str, tmp_path: Path) -> None:
    built = answering()
    write(tmp_path / f"rows.{ending}", TWO)

    columns = read_columns(tmp_path / f"rows.{ending}", Predictor(built.network, built.plan, built.data.facts))

    assert {name: int(values[0]) for name, values in columns.items()} == {ONE: 2}
