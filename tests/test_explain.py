"""`nnrun explain` knows every key and word of the language."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner

from nnrun.registry.algebra.activations import ACTIVATIONS, FUNCTIONS
from nnrun.registry.catalog import FOLDERS, all_of
from nnrun.runner.cli import main
from nnrun.runner.compiler.language.schema import schema
from nnrun.runner.show.pages import explainable, explanation


def said_by(value: Any, word: str) -> Iterator[Any]:
    """What stands under a word anywhere in the JSON Schema, which is made without `explain`."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == word:
                yield inner
            yield from said_by(inner, word)
    elif isinstance(value, list):
        for inner in value:
            yield from said_by(inner, word)


KEYS = sorted({key for properties in said_by(schema(), "properties") if isinstance(properties, dict) for key in properties})
CHOICES = sorted({str(choice) for values in said_by(schema(), "enum") for choice in values if not isinstance(choice, int)})


@pytest.mark.parametrize("key", [key for key in KEYS if key not in ("type", "default", "const")])
def test_every_key_of_the_language_is_explained(key: str) -> None:
    text = explanation(key)

    assert text is not None
    assert f"`{key}`" in text or f"\n  {key} (" in text or f"the {key} types" in text


@pytest.mark.parametrize("choice", CHOICES)
def test_every_choice_of_every_option_is_explained(choice: str) -> None:
    text = explanation(choice)

    assert text is not None
    assert choice in text


@pytest.mark.parametrize("function", sorted({*ACTIVATIONS, *FUNCTIONS}))
def test_every_function_is_told_with_what_it_computes_and_where_it_may_stand(function: str) -> None:
    text = str(explanation(function))

    assert f"`{function}`, a function: " in text
    assert (f"is: {function}(a" in text) == (function in FUNCTIONS)
    assert (f"activation: {function}`" in text) == (function in ACTIVATIONS)


def test_every_port_is_explained() -> None:
    ports = {port for cls in all_of("node").values() for port in (*cls.ports, *cls.outputs)}  # type: ignore[attr-defined]

    assert {port for port in ports if f".{port}" not in str(explanation(port))} == set()


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        (["a <-> b"], "a symmetric edge"),
        (["<->"], "a symmetric edge"),
        (["->"], "a forward edge"),
        (["x", "->", "y"], "a forward edge"),
        (["prev(h, 3)"], "an edge and in a formula"),
        (["$filters"], "in a block"),
        (["relu"], "`activation: relu`, a choice of the node types `causal_conv`"),
        (["same"], "`padding: same`, a choice of the node type `conv`"),
        (["words"], "`tokens: words`"),
        (["units"], "the node types `gru`, `lstm`, `rnn`"),
        (["block"], "Name of the block, under `blocks`."),
        (["sweep"], "a section of a spec"),
    ],
)
def test_words_that_are_no_types_are_explained(asked: list[str], wanted: str) -> None:
    said = CliRunner().invoke(main, ["explain", *asked])

    assert said.exit_code == 0
    assert wanted in said.stdout


@pytest.mark.parametrize(
    ("given", "meant"), [("softsgin", "softsign"), ("early_stoping", "early_stopping"), ("label_smothing", "label_smoothing")]
)
def test_a_near_name_is_offered(given: str, meant: str) -> None:
    said = CliRunner().invoke(main, ["explain", given])

    assert said.exit_code == 2
    assert f"`{meant}` exists" in said.stderr


def test_all_that_can_be_asked_for_has_an_answer() -> None:
    assert [name for name in explainable() if explanation(name) is None] == []
    assert set(explainable()) >= {name for role in FOLDERS for name in all_of(role)}
