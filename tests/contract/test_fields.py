"""Laws of all field types."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch

from nnrun.registry.catalog import Lookup, all_of
from nnrun.registry.component import field_docs
from nnrun.registry.field import Encoded, Field
from nnrun.registry.fields.category import OTHER
from nnrun.registry.shape import Shape

COUNT = 12


@dataclass(frozen=True)
class Row:
    """A field in use, and for each option another value that must change something."""

    config: Mapping[str, Any]
    changes: Mapping[str, Any] = field(default_factory=dict)
    columns: Mapping[str, Any] | None = None
    """Data in which the changes show; made up where left out."""

    @property
    def field(self) -> Field:
        return make(self.config)

    def __str__(self) -> str:
        return " ".join(f"{key}={value}" for key, value in self.config.items()).removeprefix("type=")


def make(config: Mapping[str, Any]) -> Field:
    made = Lookup("field").validate(dict(config))
    assert isinstance(made, Field)
    return made


IMAGES = np.random.default_rng(3).integers(0, 256, (COUNT, 6, 5, 3), dtype=np.uint8)
MASKS = np.random.default_rng(5).choice([0, 2], (COUNT, 6, 5))
TEXTS = ["The cat sat on the mat .", "A dog, the dog and the cat", "the END"] * 4
NUMBERS = [float(number**2) for number in range(COUNT)]
PAIRS = np.random.default_rng(4).normal(3, 2, (COUNT, 2))

ROWS = [
    Row(
        {"type": "number"},
        {"normalize": "standard", "along": "film", "column": "other"},
        {"it": NUMBERS, "other": NUMBERS[::-1]},
    ),
    Row({"type": "number", "missing": "mean"}, {"missing": "median", "decimal": ","}, {"it": ["1", None, "2.000", "-", "9"] * 2}),
    Row({"type": "number", "missing": "indicator", "normalize": "standard"}, {"missing": "skip"}),
    Row(
        {"type": "vector", "columns": ["a", "b"], "missing": "median"},
        {"missing": "indicator", "decimal": ","},
        {"a": ["1", "", "2.000", "9"] * 3, "b": ["1", "3", "", "?"] * 3},
    ),
    Row({"type": "series", "missing": 0}, {"missing": 1.5, "decimal": ","}, {"it": ["1", "", "2.000", "9"] * 3}),
    Row({"type": "series", "size": 2, "missing": "indicator"}, {"missing": "mean"}),
    Row({"type": "series", "missing": "last"}, {"missing": "interpolate"}, {"it": [1.0, None, 4.0, None, None, 2.0] * 2}),
    Row(
        {"type": "category", "unseen": "other", "missing": "other", "min_count": 3},
        {"min_count": 4},
        {"it": ["a", "b", None, "a"] * 3},
    ),
    Row({"type": "category", "unseen": "other"}, {"unseen": "refuse"}),
    Row({"type": "category", "missing": "skip"}, {"missing": "other"}),
    Row({"type": "weight"}, {"along": "film", "column": "other"}, {"it": NUMBERS, "other": NUMBERS[::-1]}),
    Row({"type": "weight", "along": "film"}),
    Row(
        {"type": "date"},
        {"parts": ["month", "hour"], "along": "film", "column": "other"},
        {"it": ["2024-01-31", "1999-12-31 13:00"] * 6, "other": ["2024-02-01"] * 12},
    ),
    Row({"type": "date", "parts": ["monthday"], "along": "film"}, {"parts": ["weekday"]}),
    Row({"type": "number", "along": "film", "normalize": "minmax"}, {"along": "text", "normalize": "none"}),
    Row(
        {"type": "vector"},
        {"size": 2, "normalize": "minmax", "column": "other", "columns": ["a", "b", "c"]},
        {"it": PAIRS, "other": -PAIRS, "a": NUMBERS, "b": NUMBERS, "c": NUMBERS},
    ),
    Row({"type": "vector", "columns": ["a", "b", "c"], "normalize": "standard"}, {"columns": ["b", "a", "c"], "normalize": "none"}),
    Row(
        {"type": "category"},
        {"classes": ["b", "a"], "along": "film", "column": "other"},
        {"it": ["a", "b"] * 6, "other": ["b", "a"] * 6},
    ),
    Row({"type": "category", "along": "film"}, {"along": "text"}),
    Row({"type": "category", "classes": [0, 1, True]}),
    Row(
        {"type": "image"},
        {"size": [3, 4], "channels": 1, "normalize": "standard", "binarize": 0.5, "augment": {"shift": 1}, "column": "other"},
        {"it": IMAGES, "other": IMAGES[::-1]},
    ),
    Row({"type": "image", "augment": {"flip": "horizontal"}}, {"augment": {"flip": "vertical"}}),
    Row({"type": "image", "size": 7, "channels": 3, "normalize": "minmax"}, {"channels": 1, "size": [7, 8], "normalize": "standard"}),
    Row(
        {"type": "video"},
        {"size": [3, 4], "channels": 1, "normalize": "standard", "binarize": 0.5, "augment": {"shift": 1}, "column": "other"},
        {"it": IMAGES.reshape(4, 3, 6, 5, 3), "other": IMAGES.reshape(4, 3, 6, 5, 3)[::-1]},
    ),
    Row({"type": "video", "size": [5, 4], "channels": 3, "normalize": "standard"}, {"augment": {"flip": "horizontal"}}),
    Row(
        {"type": "mask"},
        {"classes": ["sky", "land", "sea"], "size": [3, 4], "augment": {"shift": 1}, "column": "other"},
        {"it": MASKS, "other": 2 - MASKS},
    ),
    Row({"type": "mask", "size": 6, "classes": ["sky", "land"], "augment": {"flip": "vertical"}}, {"augment": {"flip": "horizontal"}}),
    Row(
        {"type": "text"},
        {
            "tokens": "characters", "vocabulary": 6, "min_count": 5, "lower": False, "max_length": 2, "end": True, "column": "other",
        },
        {"it": TEXTS, "other": TEXTS[::-1]},
    ),
    Row({"type": "text", "tokens": "characters"}, {"lower": True, "vocabulary": 6, "min_count": 9}, {"it": TEXTS}),
    Row({"type": "text", "tokens": "bytes"}, {"lower": True}, {"it": TEXTS}),
    Row({"type": "text", "end": True}, {"end": False}),
    Row(
        {"type": "text", "tokens": "given"},
        {"vocabulary": 6, "min_count": 5, "lower": True, "max_length": 2, "end": True, "column": "other"},
        {"it": [text.split() for text in TEXTS], "other": [text.split() for text in TEXTS[::-1]]},
    ),
    Row(
        {"type": "series"},
        {"normalize": "minmax", "column": "other", "columns": ["it", "other"]},
        {"it": NUMBERS, "other": NUMBERS[::-1]},
    ),
    Row({"type": "series", "size": 2}, {"size": 3}),
    Row({"type": "series", "columns": ["a", "b"], "normalize": "standard"}, {"columns": ["b", "a"], "normalize": "none"}),
]  # fmt: skip

each_row = pytest.mark.parametrize("row", ROWS, ids=str)


def sampled(config: Field, seed: int = 0) -> Any:
    return config.sample(COUNT, np.random.default_rng(seed))


def encoded(config: Field) -> tuple[dict[str, Any], Encoded]:
    column = sampled(config)
    facts = config.fit(column)
    return facts, config.encode(column, facts)


def test_every_field_type_has_a_row() -> None:
    assert {row.config["type"] for row in ROWS} == set(all_of("field"))


def test_every_option_of_every_field_is_changed_in_a_row() -> None:
    for name, cls in all_of("field").items():
        changed = {option for row in ROWS if row.config["type"] == name for option in row.changes}
        assert changed == set(cls.model_fields) - {"type"}, name


@each_row
def test_made_up_column_has_the_shape_that_the_rule_gives(row: Row) -> None:
    facts, result = encoded(row.field)
    shape = row.field.shape("it", facts)

    leading = (COUNT,) if shape.time is None or result.lengths is None else (COUNT, int(result.lengths.max()))
    assert result.values.shape == (*leading, *shape.axes)
    assert np.isfinite(result.values).all()


@each_row
def test_type_of_the_values_is_that_of_the_kind(row: Row) -> None:
    facts, result = encoded(row.field)
    shape = row.field.shape("it", facts)

    assert result.values.dtype == (np.float32 if shape.kind == "number" else np.int64)
    if shape.kind != "number":
        assert isinstance(shape.classes, int)
        assert 0 <= result.values.min() <= result.values.max() < shape.classes


@each_row
def test_facts_only_fill_in_what_the_shape_left_open(row: Row) -> None:
    before, after = row.field.shape("it"), row.field.shape("it", encoded(row.field)[0])

    def agrees(early: Any, late: Any) -> bool:
        return isinstance(late, int) and (early == late or (isinstance(early, str) and early.startswith("it")))

    assert len(before.axes) == len(after.axes)
    assert all(agrees(early, late) for early, late in zip(before.axes, after.axes, strict=True))
    assert before.classes == after.classes or agrees(before.classes, after.classes)
    assert (before.kind, before.time) == (after.kind, after.time)


@each_row
def test_facts_survive_json(row: Row) -> None:
    facts, result = encoded(row.field)
    again = json.loads(json.dumps(facts, allow_nan=False))

    assert again == facts
    assert np.array_equal(row.field.encode(sampled(row.field), again).values, result.values)


@each_row
def test_padding_is_zero(row: Row) -> None:
    _, result = encoded(row.field)

    if result.lengths is not None:
        assert result.lengths.min() < result.values.shape[1], "the made-up rows differ in length"
        assert all(not values[length:].any() for values, length in zip(result.values, result.lengths, strict=True))


@each_row
def test_decoding_gives_one_entry_for_each_row(row: Row) -> None:
    facts, result = encoded(row.field)
    decoded = row.field.decode(row.field.bare(result.values), facts)

    assert isinstance(decoded, list)
    assert len(decoded) == COUNT
    json.dumps(decoded)


@each_row
def test_decoding_restores_what_was_encoded(row: Row) -> None:
    facts, result = encoded(row.field)
    column = sampled(row.field)
    shape = row.field.shape("it", facts)
    decoded = row.field.decode(row.field.bare(result.values), facts)

    for index, (given, back) in enumerate(zip(column, decoded, strict=True)):
        real = back if result.lengths is None or shape.kind == "token" else back[: int(result.lengths[index])]
        if row.config["type"] == "date":
            continue  # what the calendar says of a moment does not say when it was
        if row.config["type"] in ("image", "video"):
            given = np.moveaxis(given, -1, -3) / 255
        if result.given is not None and not result.given[index].all():
            continue  # what was missing was made up
        if shape.kind == "number":
            assert np.allclose(given, real, atol=1e-5)
        else:
            assert np.array_equal(given, real) or real == OTHER


@each_row
def test_what_was_missing_is_told(row: Row) -> None:
    result = encoded(row.field)[1]
    missing = row.config.get("missing", "refuse")

    if missing == "refuse" or (row.config["type"] == "category" and missing != "skip"):
        assert result.given is None
    else:
        assert result.given is not None
        assert result.given.shape == result.values.shape[: result.given.ndim]
        assert [number % 5 != 1 for number in range(COUNT)] == result.given.reshape(COUNT, -1).all(1).tolist()


@each_row
def test_made_up_columns_follow_from_the_seed(row: Row) -> None:
    first, again, other = (row.field.encode(sampled(row.field, seed), encoded(row.field)[0]).values for seed in (1, 1, 2))

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


CHANGES = [(row, option, value) for row in ROWS for option, value in row.changes.items()]


@pytest.mark.parametrize(("row", "option", "value"), CHANGES, ids=lambda part: str(part))
def test_changing_an_option_changes_something(row: Row, option: str, value: Any) -> None:
    before, after = make(row.config), make({**row.config, option: value})

    assert effect(before, row.columns) != effect(after, row.columns)


def effect(config: Field, columns: Mapping[str, Any] | None) -> tuple[Any, ...]:
    """All that a field does, in a form that can be compared."""
    shape: Shape = config.shape("it")
    if columns is None:
        column = config.sample(COUNT, np.random.default_rng(0))
    elif shape.time not in (None, "it"):
        return shape, config.reads("it")  # its ticks are those of another field, which this column does not know
    else:
        column = config.gather("it", columns)
    facts = config.fit(column)
    result = config.encode(column, facts)
    augment = config.build_augment()
    values = torch.from_numpy(result.values)
    laid_out = values.transpose(0, 1) if result.lengths is not None else values
    drawn = torch.rand(3, len(result.values), generator=torch.Generator().manual_seed(0))
    augmented = None if augment is None else augment(laid_out, drawn).tolist()
    return shape, config.shape("it", facts), config.reads("it"), json.dumps(facts), result.values.tolist(), augmented


@pytest.mark.parametrize("name", sorted(all_of("field")))
def test_every_option_is_documented(name: str) -> None:
    cls = all_of("field")[name]

    assert cls.summary()
    assert set(field_docs(cls)) == set(cls.model_fields) - {"type"}


@pytest.mark.parametrize("name", sorted(all_of("field")))
def test_every_field_type_has_a_json_schema(name: str) -> None:
    schema = all_of("field")[name].model_json_schema()

    assert set(schema["properties"]) == set(all_of("field")[name].model_fields)


def test_fields_and_sources_are_known_without_loading_numpy() -> None:
    heavy = ["numpy", "torch", "PIL", "sklearn", "pandas", "pyarrow", "tokenizers", "statsmodels", "mlxtend", "num2words", "vega_datasets"]
    script = f"""
import sys
from nnrun.registry.catalog import all_of
for source in all_of("source").values():
    if set(source.model_fields) == {{"source"}}:
        source(source=source.type_name()).columns()
for field in all_of("field").values():
    field.model_validate({{"type": field.type_name()}}).shape("it")
print([name for name in {heavy} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
