"""YAML text -> plain values and spans."""

from __future__ import annotations

import math
import time

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from nnrun.runner.compiler.text import source
from nnrun.runner.compiler.text.diagnostic import Place, Report
from nnrun.runner.compiler.text.source import dump, load_document
from tests.compiler.support import document, loaded

SCALARS = {
    "1e-3": 0.001,
    "1E5": 1e5,
    ".5": 0.5,
    "5.": 5.0,
    "-0.25": -0.25,
    "12": 12,
    "+7": 7,
    "012": 12,
    "0o17": 15,
    "0xff": 255,
    "3:30": "3:30",
    "1_000": "1_000",
    "on": "on",
    "off": "off",
    "yes": "yes",
    "No": "No",
    "y": "y",
    "true": True,
    "False": False,
    "TRUE": True,
    "tRue": "tRue",
    "null": None,
    "~": None,
    "": None,
    ".inf": math.inf,
    "-.INF": -math.inf,
    "2024-01-01": "2024-01-01",
    "=": "=",
    "<<": "<<",
    "1e": "1e",
    "e5": "e5",
    "0b1": "0b1",
    "'12'": "12",
    '"true"': "true",
    "! 12": "12",
    "a -> b": "a -> b",
}


@pytest.mark.parametrize(("text", "value"), SCALARS.items())
def test_scalars_follow_the_core_schema_of_yaml_1_2(text: str, value: object) -> None:
    (key, found), *_ = document(f"a: {text}").value.items()

    assert (key, found, type(found)) == ("a", value, type(value))


def test_not_a_number_is_read() -> None:
    assert math.isnan(document("a: .nan").value["a"])


def test_keys_are_texts_whatever_they_look_like() -> None:
    assert document("{1: a, true: b, null: c, 1e3: d}").value == {"1": "a", "true": "b", "null": "c", "1e3": "d"}


def test_an_alias_is_a_copy_with_a_place_of_its_own() -> None:
    found = document("a: &x [1, 2]\nb: *x\n")

    assert found.value == {"a": [1, 2], "b": [1, 2]}
    assert found.value["a"] is not found.value["b"]


def test_a_byte_order_mark_moves_no_column() -> None:
    span = document("\ufeffa: 1").span(Place(("a",)))

    assert (span.line, span.column, span.end_column) == (1, 4, 5)


def test_duplicate_keys_are_reported_each_with_the_first() -> None:
    report = Report()
    value = load_document("a: 1\nb: 2\na: 3\na: 4\n", "spec.yaml", report).value

    assert value == {"a": 1, "b": 2}
    assert [finding.headline for finding in report] == ["the key `a` stands twice in one mapping, first in line 1"] * 2


REFUSED = {
    "": "the spec is empty",
    "# nothing\n": "the spec is empty",
    "a: 1\n---\nb: 2": "a file holds one spec, here a second document starts",
    "a: *x": "no value is anchored as `&x` above this alias",
    "&a [*a]": "no value is anchored as `&a` above this alias",
    "a: !!python/object:os.system x": "a spec has no tags, got `tag:yaml.org,2002:python/object:os.system`",
    "a: !!float 1": "a spec has no tags, got `tag:yaml.org,2002:float`",
    "? [1]\n: 2": "a key is a name, not a list or a mapping",
    "? {a: 1}\n: 2": "a key is a name, not a list or a mapping",
    "a: \x01": "this is not YAML: the character U+0001 stands here",
    "a: \ud800": "this is not YAML: the character U+D800 stands here",
    "a: \udcff": "this is not YAML: the byte 0xff is not UTF-8",  # noqa: F601  (another surrogate, whatever its hash)
    "a: " + "9" * 401: "a number has at most 400 digits",
    "[" * 66 + "]" * 66: "values are nested at most 64 deep",
    "[" * 200_000: "values are nested at most 64 deep",
    "[" + "0," * 100_001 + "]": "a spec has at most 100000 values, aliases counted each time",
    "a" * (2**20 + 1): "a spec has at most 1048576 bytes, and this one has more",
    "%YAML 3.0\n---\na: 1": "this is not YAML: another version of YAML than 1 is asked for",
}


@pytest.mark.parametrize(("text", "headline"), REFUSED.items(), ids=lambda text: text[:12])
def test_what_no_spec_needs_is_refused(text: str, headline: str) -> None:
    assert loaded(text) == (None, [headline])


def test_a_chain_of_aliases_is_no_way_around_the_depth() -> None:
    chain = "\n".join(f"k{n + 1}: &a{n + 1} [*a{n}]" for n in range(2000))

    assert loaded(f"k0: &a0 x\n{chain}") == (None, ["values are nested at most 64 deep"])


def test_an_alias_bomb_is_refused_at_once() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]", *(f"a{n + 1}: &a{n + 1} [{', '.join([f'*a{n}'] * 9)}]" for n in range(20))]
    start = time.process_time()

    assert loaded("\n".join(lines)) == (None, ["a spec has at most 100000 values, aliases counted each time"])
    assert time.process_time() - start < 10


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("a: {b: 1", 1, 4),
        ("a: 'x", 1, 4),
        ("a: b: c", 1, 5),
        ("x:\n\ty: 1", 2, 1),
        ("a: 1\nü: \x07", 2, 4),
        ("- @x", 1, 3),
        ("a: [1,\n\n", 1, 4),
        ("a: [{}, {b: ", 1, 9),
    ],
)
def test_a_syntax_error_points_at_its_place(text: str, line: int, column: int) -> None:
    report = Report()
    span = load_document(text, "spec.yaml", report).span(Place(()))

    assert report.ids == ["yaml-syntax"]
    assert (span.line, span.column) == (line, column)


def test_spans_of_keys_and_values() -> None:
    found = document("nodes:\n  conv: {kernel: 3, 'stride': [1, 22]}\n")

    def part(*path: str | int, part: str = "value") -> str:
        span = found.span(Place(path, part))  # type: ignore[arg-type]
        return found.text.lines[span.line - 1][span.column - 1 : span.end_column - 1]

    assert part("nodes", part="key") == "nodes"
    assert part("nodes") == "conv: {kernel: 3, 'stride': [1, 22]}"
    assert part("nodes", "conv") == "{kernel: 3, 'stride': [1, 22]}"
    assert part("nodes", "conv", "kernel") == "3"
    assert part("nodes", "conv", "stride", part="key") == "'stride'"
    assert part("nodes", "conv", "stride", 1) == "22"


def test_a_place_that_is_not_written_is_shown_by_what_is_around_it() -> None:
    found = document("train: {loss: {type: mse}}")

    assert found.span(Place(("train", "loss", 0, "type"))) == found.span(Place(("train", "loss", "type")))
    assert found.span(Place(("train", "loss", "input"))) == found.span(Place(("train", "loss"), "key"))
    assert found.span(Place(("nodes",))) == found.span(Place(()))


def test_characters_of_a_text_are_found_inside_its_quotes() -> None:
    found = document('edges: ["prev(h, 3) -> h"]')
    span = found.span(Place(("edges", 0), start=5, end=6))

    assert found.text.lines[0][span.column - 1 : span.end_column - 1] == "h"


def test_a_text_with_escapes_is_shown_as_a_whole() -> None:
    found = document(r'edges: ["\x61 -> b"]')

    assert found.span(Place(("edges", 0), start=0, end=1)) == found.span(Place(("edges", 0)))


@pytest.mark.parametrize("loader", [yaml.Loader, getattr(yaml, "CLoader", yaml.Loader)])
def test_half_of_a_surrogate_pair_is_refused(loader: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "_Loader", loader)

    assert loaded(r'a: "\ud800"')[0] is None


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs", "Cc"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc_/. :1", max_size=6), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
@settings(deadline=None, max_examples=300)
def test_what_is_dumped_is_read_back(value: object) -> None:
    assert loaded(dump(value)) == (value, [])


@given(st.text(st.sampled_from("ab:-[]{}&*!|>'\"%@`#,? \n\t\r\u2028\x85\ufeffü1.~"), max_size=60))
@settings(deadline=None, max_examples=500)
def test_any_text_gives_a_value_or_a_place_inside_it(text: str) -> None:
    report = Report()
    found = load_document(text, "spec.yaml", report)

    for place, part in [((), "value"), *found.spans]:
        span = found.span(Place(place, part))  # type: ignore[arg-type]
        assert 1 <= span.line <= span.end_line <= len(found.text.lines)
        assert 1 <= span.column <= len(found.text.lines[span.line - 1]) + 1


@given(VALUES.filter(lambda value: isinstance(value, dict | list)))
@settings(deadline=None)
def test_both_parsers_of_pyyaml_give_the_same(value: object) -> None:
    text = dump(value)
    fast = document(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "_Loader", yaml.Loader)
        slow = document(text)

    assert (slow.value, slow.spans) == (fast.value, fast.spans)


def test_a_merge_key_takes_in_the_keys_that_are_not_written_beside_it() -> None:
    value, found = loaded("a: &a {x: 1, y: 2}\nb: &b {z: 3}\nc: {<<: *a, y: 4}\nd: {<<: [*a, *b], z: 5}\n")

    assert found == []
    assert value == {"a": {"x": 1, "y": 2}, "b": {"z": 3}, "c": {"x": 1, "y": 4}, "d": {"x": 1, "y": 2, "z": 5}}


@pytest.mark.parametrize(
    "text",
    ["a: {b", "a: [b", 'a: "b', "a: b: c", "a b\nc: d", "a:\n  b: c\n d: e", "a: @b", "a: - b", "a: *", "a: [b, c]]", "%a", 'a: "\\q"'],
)
def test_no_words_of_the_library_reach_a_user(text: str) -> None:
    (headline,) = loaded(text)[1]

    assert not any(
        word in headline for word in ("scanning", "parsing", "token", "block mapping", "flow", "scalar", "expected <", "simple key")
    )
