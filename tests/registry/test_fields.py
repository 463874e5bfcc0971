"""What each field type makes of a column."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow
from pydantic import ValidationError

from nnrun.registry.catalog import Lookup
from nnrun.registry.data.spelling import composed
from nnrun.registry.data.tokens import BEGIN, END, UNKNOWN, WORD, Words
from nnrun.registry.field import DataError, Encoded, Field, naming
from nnrun.registry.fields.category import Category
from nnrun.registry.fields.text import Text
from nnrun.registry.modules.augment import augment
from nnrun.registry.shape import Shape, ShapeError


def field(type: str, **options: Any) -> Field:
    made = Lookup("field").validate({"type": type, **options})
    assert isinstance(made, Field)
    return made


def fitted(config: Field, column: Sequence[Any]) -> tuple[dict[str, Any], Encoded]:
    facts = config.fit(column)
    return facts, config.encode(column, facts)


def refusal(config: Field, column: Sequence[Any], train: Sequence[Any] | None = None) -> DataError:
    """What is said of the field `it` that gets this column."""
    with pytest.raises(DataError) as caught, naming("it"):
        config.encode(column, config.fit(column if train is None else train))
    assert caught.value.help
    return caught.value


# Numbers, vectors, series


@pytest.mark.parametrize(
    ("config", "padded", "lengths"),
    [
        ({"type": "series"}, [[1, 2, np.nan], [3, np.nan, np.nan], [4, 5, 6]], [2, 1, 3]),
        ({"type": "series", "size": 2}, [[[1, 2], [3, 4]], [[5, 6], [np.nan, np.nan]]], [2, 1]),
        ({"type": "number", "along": "it"}, [[1, np.nan], [2, 3]], [1, 2]),
        ({"type": "category", "along": "it"}, [[0, np.nan], [1, 0]], [1, 2]),
        ({"type": "video"}, [[[[0.1]], [[0.2]]], [[[0.3]], [[np.nan]]]], [2, 1]),
    ],
)
def test_nan_at_the_end_of_an_arrays_row_is_padding(config: dict[str, Any], padded: Any, lengths: list[int]) -> None:
    _, encoded = fitted(field(**config), np.array(padded))

    assert encoded.lengths is not None
    assert encoded.lengths.tolist() == lengths
    assert np.isfinite(encoded.values).all()


def test_nan_before_the_end_is_a_missing_value() -> None:
    error = refusal(field("series"), np.array([[1, 2, 3], [4, np.nan, 6]]))

    assert error.message == "`it` in row 2 has no value, at tick 2"


def test_a_row_of_padding_alone_has_no_value() -> None:
    assert refusal(field("series"), np.array([[1.0, 2.0], [np.nan, np.nan]])).message == "`it` in row 2 has no value"


def test_standard_normalisation_is_that_of_the_training_part() -> None:
    config = field("number", normalize="standard")
    facts = config.fit([2, 4, 4, 4, 5, 5, 7, 9])  # the mean is 5, the deviation 2

    assert facts == {"shift": 5.0, "scale": 2.0}
    assert config.encode([5, 9, -1], facts).values.tolist() == [0.0, 2.0, -3.0]


def test_minmax_normalisation_goes_from_0_to_1_in_the_training_part() -> None:
    config = field("number", normalize="minmax")
    facts = config.fit([10, 20, 30])

    assert config.encode([10, 15, 30, 40], facts).values.tolist() == [0.0, 0.25, 1.0, 1.5]


def test_each_place_of_a_vector_is_normalised_for_itself() -> None:
    config = field("vector", columns=["a", "b"], normalize="minmax")
    column = config.gather("x", {"a": [0, 1, 2], "b": ["100", "300", "200"]})

    assert fitted(config, column)[1].values.tolist() == [[0, 0], [0.5, 1], [1, 0.5]]


@pytest.mark.parametrize("how", ["standard", "minmax"])
def test_a_constant_becomes_0_instead_of_a_division_by_0(how: str) -> None:
    assert fitted(field("number", normalize=how), [0.1] * 7)[1].values.tolist() == [0.0] * 7


sane = st.floats(-1e6, 1e6, allow_subnormal=False)


@given(st.lists(sane, min_size=2, max_size=20), st.sampled_from(["standard", "minmax", "none"]))
def test_decoding_inverts_normalisation(numbers: list[float], how: str) -> None:
    config = field("number", normalize=how)
    facts, encoded = fitted(config, numbers)

    assert np.allclose(config.decode(encoded.values, facts), numbers, atol=1e-6 * (1 + max(map(abs, numbers))))


@given(st.lists(st.lists(sane, min_size=1, max_size=5), min_size=1, max_size=6))
def test_padding_does_not_count_in_the_normalisation(rows: list[list[float]]) -> None:
    config = field("number", along="film", normalize="standard")

    assert config.fit(rows) == pytest.approx(field("number", normalize="standard").fit(list(np.concatenate(rows))))


def test_numbers_may_be_written_as_text() -> None:
    assert fitted(field("number"), ["1", " 2.5 ", "-3e2"])[1].values.tolist() == [1.0, 2.5, -300.0]


MISSING = [None, float("nan"), "", "  ", "nan"]


@pytest.mark.parametrize("gap", MISSING)
def test_a_missing_number_is_refused_with_its_row(gap: Any) -> None:
    assert refusal(field("number"), [1.0, 2.0, gap]).message.startswith("`it` in row 3 has no value")


@pytest.mark.parametrize("gap", MISSING)
def test_a_missing_number_of_a_vector_is_refused_with_its_column(gap: Any) -> None:
    config = field("vector", columns=["width", "height"])
    error = refusal(config, config.gather("it", {"width": [1, 2], "height": [3, gap]}))

    assert error.message.startswith("`it` in row 2 has no value in `height`")


def test_a_gap_in_an_array_of_numbers_is_refused_with_its_row() -> None:
    gapped = np.array([1.0, np.nan, 3.0])

    assert refusal(field("series"), gapped).message == "`it` in row 2 has no value"  # type: ignore[arg-type]


def test_a_word_among_numbers_is_refused() -> None:
    assert refusal(field("number"), ["1", "two"]).message == "`it` in row 2 holds `two`, which is no number"


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf], ids=str)
@pytest.mark.parametrize(
    ("config", "shape"),
    [
        ({"type": "number"}, ()),
        ({"type": "vector"}, (3,)),
        ({"type": "series"}, (4,)),
        ({"type": "series", "size": 2}, (4, 2)),
        ({"type": "image"}, (5, 5)),
        ({"type": "image", "normalize": "standard"}, (3, 5, 5)),
        ({"type": "video"}, (4, 5, 5)),
    ],
    ids=str,
)
def test_a_number_that_is_none_is_refused_with_field_and_row_before_it_can_be_learned_from(
    config: dict[str, Any], shape: tuple[int, ...], number: float
) -> None:
    column = np.random.default_rng(0).random((6, *shape))
    column[(4, *(0 for _ in shape))] = number  # not at the end of a sequence, where NaN is padding

    assert refusal(field(**config), column).message.startswith("`it` in row 5 ")


def test_an_infinite_number_is_refused() -> None:
    assert refusal(field("number"), [1.0, float("inf")]).message == "`it` in row 2 holds `inf`, which is not finite"


def test_dates_are_refused_as_numbers() -> None:
    dates = np.array(["2024-02-29"], dtype="datetime64[D]")

    assert refusal(field("number"), dates).message == "`it` in row 1 holds `2024-02-29`, which is no number"  # type: ignore[arg-type]


def test_numbers_too_large_for_32_bits_are_refused() -> None:
    assert refusal(field("number"), [1.0, 1e39]).message == "`it` in row 2 holds a number too large for 32 bits"


def test_rows_of_different_length_are_no_vectors() -> None:
    assert refusal(field("vector"), [[1, 2], [3]]).message == "`it` in row 2 holds a list of 1, where 2 numbers are wanted"


def test_a_list_is_no_number() -> None:
    assert "`it` in row 2 holds a list" in refusal(field("number"), [1, [2]]).message


def test_an_empty_training_part_is_refused() -> None:
    for type in ("number", "vector", "series", "category", "text", "image", "video"):
        with pytest.raises(DataError, match="no rows"):
            field(type).fit([])


def test_refusals_name_the_row_of_the_whole_data() -> None:
    with pytest.raises(DataError, match="`price` in row 41 "), naming("price", rows=[10, 40, 20]):
        field("number").fit([1.0, None, 2.0])


def test_a_vector_in_one_column_has_the_size_of_the_data() -> None:
    config = field("vector")

    assert config.shape("x") == Shape(("x",))
    assert config.shape("x", config.fit(np.zeros((3, 7)))) == Shape((7,))  # type: ignore[arg-type]


def test_a_declared_size_is_known_before_the_data_is_read() -> None:
    assert field("vector", size=64).shape("x") == Shape((64,))


@pytest.mark.parametrize("option", [{"column": "c"}, {"size": 2}])
@pytest.mark.parametrize("type", ["vector", "series"])
def test_options_of_one_column_are_refused_beside_columns(type: str, option: dict[str, Any]) -> None:
    with pytest.raises(ShapeError) as caught:
        field(type, columns=["a", "b"], **option).shape("x")

    assert caught.value.field == next(iter(option))


def test_rows_of_a_series_are_its_ticks() -> None:
    encoded = fitted(field("series"), [3.0, 1.0, 2.0])[1]

    assert encoded.values.tolist() == [3.0, 1.0, 2.0]
    assert encoded.lengths is None


def test_a_row_with_a_list_is_a_series_of_its_own() -> None:
    encoded = fitted(field("series"), [[1.0, 2.0, 3.0], [4.0]])[1]

    assert encoded.values.tolist() == [[1, 2, 3], [4, 0, 0]]
    assert encoded.lengths is not None
    assert encoded.lengths.tolist() == [3, 1]


def test_columns_with_lists_are_a_series_of_vectors() -> None:
    config = field("series", columns=["x", "y"])
    encoded = fitted(config, config.gather("path", {"x": [[1, 2], [5]], "y": [[3, 4], [6]]}))[1]

    assert config.shape("path") == Shape((2,), time="path")
    assert encoded.values.tolist() == [[[1, 3], [2, 4]], [[5, 6], [0, 0]]]


def test_columns_with_lists_of_different_length_are_refused() -> None:
    with pytest.raises(DataError, match=r"different length in its columns: \[2, 1\]"):
        field("series", columns=["x", "y"]).gather("path", {"x": [[1, 2]], "y": [[3]]})


def test_refusals_along_a_film_name_the_tick() -> None:
    error = refusal(field("number", along="film"), [[1, 2], [3, None, 4]])

    assert error.message == "`it` in row 2 has no value, at tick 2"


# Categories


def test_classes_are_those_of_the_training_part_with_their_counts() -> None:
    assert field("category").fit(["b", "a", "b"]) == {"classes": ["a", "b"], "counts": [1, 2], "form": "NFC"}


def test_whole_numbers_are_classes_in_their_own_order() -> None:
    assert field("category").fit([10, 9, -1, 9])["classes"] == ["-1", "9", "10"]


@pytest.mark.parametrize("column", [[3, 7], ["3", "7"], np.array([3, 7], np.uint8), np.array([3.0, 7.0]), [3.0, 7.0]])
def test_a_class_has_one_name_in_all_file_formats(column: Any) -> None:
    assert field("category").fit(column)["classes"] == ["3", "7"]


def test_truth_values_are_classes() -> None:
    config = field("category", classes=[False, True])

    assert fitted(config, [True, False, True])[1].values.tolist() == [1, 0, 1]


def test_declared_classes_fix_the_order() -> None:
    config = field("category", classes=["low", "high", "none"])
    facts, encoded = fitted(config, ["high", "low"])

    assert config.shape("it") == Shape(kind="category", classes=3)
    assert facts == {"classes": ["low", "high", "none"], "counts": [1, 1, 0], "form": "NFC"}
    assert encoded.values.tolist() == [1, 0]


def test_a_class_unseen_in_training_is_refused_by_name() -> None:
    error = refusal(field("category"), ["cat", "emu"], train=["cat", "dog"])

    assert error.message == "`it` in row 2 holds the class `emu`, which does not occur in the training part: `cat`, `dog`"
    assert "`classes`" in (error.help or "")


def test_a_class_that_is_not_declared_is_refused() -> None:
    assert "not among `classes`: `a`, `b`" in refusal(field("category", classes=["a", "b"]), ["a", "c"]).message


@pytest.mark.parametrize("gap", MISSING[:4])
def test_a_missing_class_is_refused(gap: Any) -> None:
    assert refusal(field("category"), ["a", gap]).message == "`it` in row 2 has no value"


def test_a_broken_number_names_no_class() -> None:
    assert refusal(field("category"), [1, 0.37]).message == "`it` in row 2 holds `0.37`, which names no class"


@pytest.mark.parametrize("classes", ["ab", [], ["one"], ["a", "a"], ["a", None], [0.5, 1]])
def test_classes_are_two_different_names_or_more(classes: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        Category.model_validate({"type": "category", "classes": classes})

    assert caught.value.error_count() == 1


def test_a_class_at_each_frame_is_padded() -> None:
    config = field("category", along="film")
    facts, encoded = fitted(config, [["b", "a", "b"], ["a"]])

    assert config.shape("it", facts) == Shape(kind="category", classes=2, time="film")
    assert encoded.values.tolist() == [[1, 0, 1], [0, 0, 0]]
    assert config.decode(encoded.values, facts)[0] == ["b", "a", "b"]


# Texts


def test_words_are_cut_at_white_space_and_punctuation() -> None:
    text = "Don't pay 1,000.50 (or 3), says O\N{RIGHT SINGLE QUOTATION MARK}Neill..."

    assert " ".join(Words().split(text)) == "Don't pay 1,000.50 ( or 3 ) , says O\N{RIGHT SINGLE QUOTATION MARK}Neill . . ."


def test_vocabulary_has_the_commonest_words_of_the_training_part_behind_the_special_symbols() -> None:
    facts = field("text", vocabulary=6).fit(["the cat the dog", "the dog"])

    assert facts == {"vocabulary": ["<padding>", "<unknown>", "<begin>", "<end>", "the", "dog"], "form": "NFC"}


def test_words_outside_the_vocabulary_are_unknown() -> None:
    config = field("text")
    facts = config.fit(["a b"])
    encoded = config.encode(["b c a", "a"], facts)

    assert encoded.values.tolist() == [[5, 1, 4], [4, 0, 0]]
    assert config.decode(encoded.values, facts) == ["b <unknown> a", "a"]


def test_rare_words_are_left_out_of_the_vocabulary() -> None:
    assert field("text", min_count=2).fit(["a b a"])["vocabulary"][4:] == ["a"]


def test_long_texts_lose_their_end() -> None:
    config = field("text", max_length=2)
    facts, encoded = fitted(config, ["one two three"])

    assert config.decode(encoded.values, facts) == ["one two"]


def test_only_words_lose_their_capitals() -> None:
    assert field("text").fit(["Ab"])["vocabulary"][4:] == ["ab"]
    assert field("text", tokens="characters").fit(["Ab"])["vocabulary"][4:] == ["A", "b"]


def test_a_decoded_text_ends_before_the_end_symbol() -> None:
    config = field("text")
    facts = config.fit(["a b"])

    assert config.decode(np.array([[BEGIN, 4, 5, END, 4, 0]]), facts) == ["a b"]


def test_the_end_symbol_stands_behind_each_text_where_asked_for() -> None:
    texts = ["one two three", "one"]
    facts, encoded = fitted(field("text", max_length=2, end=True), texts)

    assert encoded.values.tolist() == [[4, 5, END], [4, END, 0]], "it does not count as one of `max_length` tokens"
    assert encoded.lengths is not None
    assert encoded.lengths.tolist() == [3, 2]
    assert facts == field("text", max_length=2).fit(texts)


def test_single_tokens_are_decoded_too() -> None:
    config = field("text", tokens="characters")
    facts = config.fit(["ab"])

    assert config.decode(np.array([5, 4]), facts) == ["b", "a"]


@given(st.lists(st.text(min_size=1).filter(WORD.search), min_size=1, max_size=4))
def test_known_words_come_back(texts: list[str]) -> None:
    config = field("text", lower=False)
    facts, encoded = fitted(config, texts)

    assert [WORD.findall(text) for text in config.decode(encoded.values, facts)] == [WORD.findall(composed(text)) for text in texts]


@given(st.lists(st.text(min_size=1), min_size=1, max_size=4), st.sampled_from(["characters", "bytes"]))
def test_characters_come_back_to_the_letter(texts: list[str], tokens: str) -> None:
    config = field("text", tokens=tokens)
    facts, encoded = fitted(config, texts)

    assert config.decode(encoded.values, facts) == list(map(composed, texts))


def test_bytes_have_a_vocabulary_before_the_data_is_read() -> None:
    config = field("text", tokens="bytes")

    assert config.shape("text") == Shape(kind="token", classes=260, time="text")
    assert config.encode(["é"], config.fit(["x"])).values.tolist() == [[4 + 0xC3, 4 + 0xA9]]


def test_half_a_character_is_shown_as_such() -> None:
    config = field("text", tokens="bytes")

    assert config.decode(np.array([[4 + 0xC3]]), config.fit(["x"])) == ["\N{REPLACEMENT CHARACTER}"]


@pytest.mark.parametrize("option", ["vocabulary", "min_count"])
def test_bytes_learn_no_vocabulary(option: str) -> None:
    with pytest.raises(ShapeError, match=f"`{option}` is about a vocabulary learned from the data") as caught:
        field("text", tokens="bytes", **{option: 9}).shape("text")

    assert caught.value.field == option


@pytest.mark.parametrize("gap", [None, float("nan"), "", " \n"])
def test_a_missing_text_is_refused(gap: Any) -> None:
    assert "`it` in row 2 h" in refusal(field("text"), ["a", gap]).message


def test_a_number_is_no_text() -> None:
    assert refusal(field("text"), ["a", 5]).message == "`it` in row 2 holds `5`, which is no text"


@pytest.mark.parametrize("tokens", ["word", "tokens.txt", 3])
def test_tokens_are_a_known_kind_or_a_file(tokens: Any) -> None:
    with pytest.raises(ValidationError):
        Text.model_validate({"type": "text", "tokens": tokens})


def tokenizer_file(folder: Path) -> Path:
    tokenizers = pytest.importorskip("tokenizers")
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel({"hello": 0, "world": 1, "?": 2}, unk_token="?"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    path = folder / "tokenizer.json"
    made.save(str(path))
    return path


def test_a_tokenizer_file_brings_its_vocabulary(tmp_path: Path) -> None:
    tokenizer_file(tmp_path)
    config = field("text", tokens="tokenizer.json").located(tmp_path)
    facts, encoded = fitted(config, ["hello world", "world", "never"])

    assert facts["vocabulary"][4:] == ["hello", "world"], "for what is unknown there is a symbol of our own"
    assert encoded.values.tolist() == [[4, 5], [5, 0], [UNKNOWN, 0]]
    assert config.decode(encoded.values, facts)[:2] == ["hello world", "world"]


def test_a_unigram_tokenizer_brings_no_unknown_token_of_its_own(tmp_path: Path) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    model = tokenizers.models.Unigram([("[UNK]", 0.0), ("ab", -1.0), ("a", -2.0)], unk_id=0, byte_fallback=False)
    tokenizers.Tokenizer(model).save(str(tmp_path / "tokenizer.json"))
    config = field("text", tokens="tokenizer.json").located(tmp_path)
    facts, encoded = fitted(config, ["ab", "aba", "abz"])

    assert facts["vocabulary"][4:] == ["ab", "a"]
    assert encoded.values.tolist() == [[4, 0], [4, 5], [4, UNKNOWN]]
    assert config.told("abz", facts) == "abz"


def test_a_tokenizer_neither_pads_nor_cuts_a_text_as_it_was_saved_to(tmp_path: Path) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    made = tokenizers.Tokenizer.from_file(str(tokenizer_file(tmp_path)))
    made.enable_padding(length=8)
    made.enable_truncation(2)
    made.save(str(tmp_path / "tokenizer.json"))
    _, encoded = fitted(field("text", tokens="tokenizer.json").located(tmp_path), ["world", "hello world world"])

    assert encoded.values.tolist() == [[5, 0, 0], [4, 5, 5]]


@pytest.mark.parametrize(
    ("options", "text", "told"),
    [
        ({}, 'The  cat  (a "tabby") isn\'t HERE.', 'the cat (a " tabby ") isn\'t here.'),
        ({"lower": False, "vocabulary": 5}, "Zyx and  Xyz", "Zyx and Xyz"),
        ({"max_length": 2}, "one two three", "one two three"),
        ({"tokens": "characters", "max_length": 3}, "Zyx  and", "Zyx  and"),
        ({"tokens": "bytes"}, "Zoë", "Zoë"),
    ],
)
def test_what_a_text_says_does_not_depend_on_vocabulary_or_length(options: dict[str, Any], text: str, told: str) -> None:
    config = field("text", **options)

    assert config.told(text, config.fit(["a a b"])) == told


def test_the_tokenizer_travels_with_the_facts(tmp_path: Path) -> None:
    path = tokenizer_file(tmp_path)
    config = field("text", tokens="tokenizer.json").located(tmp_path)
    facts = config.fit(["hello"])
    path.unlink()

    assert config.encode(["world"], facts).values.tolist() == [[5]]


def test_a_broken_tokenizer_file_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("tokenizers")
    (tmp_path / "broken.json").write_text("{}")

    assert "tokenizer file that cannot be read" in refusal(field("text", tokens="broken.json").located(tmp_path), ["a"]).message


# Images and films

RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)
RAINBOW = np.random.default_rng(0).integers(0, 256, (6, 5, 3), dtype=np.uint8)


def saved(folder: Path, array: np.ndarray, name: str = "it.png", **options: Any) -> str:
    Pillow.fromarray(array).save(folder / name, **options)
    return str(folder / name)


def packed(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Pillow.fromarray(array).save(buffer, "png")
    return buffer.getvalue()


def test_8_bit_pixels_become_numbers_from_0_to_1() -> None:
    assert np.allclose(fitted(field("image"), [RAMP])[1].values[0, 0], RAMP / 255)


def test_other_numbers_stay_as_they_are() -> None:
    assert fitted(field("image"), [[[0.0, 16.0], [2.5, -1.0]]])[1].values.tolist() == [[[[0.0, 16.0], [2.5, -1.0]]]]


@pytest.mark.parametrize("make", [saved, lambda _, array: packed(array), lambda _, array: {"bytes": packed(array), "path": None}])
@pytest.mark.parametrize("array", [RAMP, RAINBOW], ids=["grey", "colour"])
def test_a_file_holds_the_same_picture_as_its_array(tmp_path: Path, make: Any, array: np.ndarray) -> None:
    config = field("image")

    assert np.array_equal(fitted(config, [make(tmp_path, array)])[1].values, fitted(config, [array])[1].values)


def test_channels_may_stand_first_or_last() -> None:
    last, first = RAINBOW, np.moveaxis(RAINBOW, -1, 0)

    assert np.array_equal(fitted(field("image"), [last])[1].values, fitted(field("image"), [first])[1].values)


def test_an_array_of_pictures_is_encoded_like_a_list_of_them() -> None:
    batch = np.stack([RAINBOW, RAINBOW[::-1]])

    one, other = (fitted(field("image"), column)[1].values for column in (batch, list(batch)))  # type: ignore[arg-type]

    assert np.array_equal(one, other)


def test_16_bit_pixels_become_numbers_from_0_to_1(tmp_path: Path) -> None:
    deep = (RAMP.astype(np.uint16)) * 257

    assert np.allclose(fitted(field("image"), [saved(tmp_path, deep)])[1].values[0, 0], RAMP / 255)


def test_grey_is_made_of_colours_as_pillow_does_it(tmp_path: Path) -> None:
    config = field("image", channels=1)
    file, array = (fitted(config, [picture])[1].values for picture in (saved(tmp_path, RAINBOW), RAINBOW))

    assert np.allclose(file, array, atol=0.51 / 255)  # the file's grey is rounded to 8 bits


def test_pictures_are_brought_to_one_size(tmp_path: Path) -> None:
    config = field("image", size=[8, 4])
    column = [saved(tmp_path, RAMP), RAMP, RAMP[:5]]
    encoded = fitted(config, column)[1].values

    assert encoded.shape == (3, 1, 8, 4)
    assert np.allclose(encoded[0], encoded[1], atol=1.01 / 255)


def test_grey_and_colour_together_are_colour() -> None:
    config = field("image")
    facts, encoded = fitted(config, [RAINBOW[..., 0], RAINBOW])

    assert facts["channels"] == 3
    assert np.array_equal(encoded.values[0, 0], encoded.values[0, 2])


def test_pictures_of_different_sizes_are_refused() -> None:
    error = refusal(field("image"), [RAMP, RAMP[:5]])

    assert error.message == "`it` in row 2 holds an image 5 pixels high and 16 wide, where 16 and 16 are wanted"
    assert error.help == "`size: [16, 16]` brings all images to one size"


def test_a_turned_photograph_is_held_upright(tmp_path: Path) -> None:
    exif = Pillow.Exif()
    exif[0x0112] = 6  # the camera was turned: show it turned clockwise
    path = saved(tmp_path, RAINBOW, exif=exif)
    facts, encoded = fitted(field("image"), [path])

    assert facts["size"] == [5, 6]
    assert np.allclose(encoded.values[0], np.moveaxis(np.rot90(RAINBOW, -1), -1, 0) / 255)


def test_channels_are_normalised_for_themselves() -> None:
    config = field("image", normalize="standard")
    encoded = fitted(config, [RAINBOW, RAINBOW // 2])[1].values

    assert np.allclose(encoded.mean(axis=(0, 2, 3)), 0, atol=1e-5)
    assert np.allclose(encoded.std(axis=(0, 2, 3)), 1, atol=1e-5)


def test_binarized_pixels_are_1_above_the_threshold() -> None:
    pixels = fitted(field("image", binarize=0.5), [RAMP])[1].values

    assert pixels.sum() == 128  # 128/255 and brighter
    assert set(np.unique(pixels)) == {0.0, 1.0}


def test_binarize_is_refused_beside_normalize() -> None:
    with pytest.raises(ShapeError, match="`binarize`"):
        field("image", binarize=0.5, normalize="minmax").shape("it")


def test_an_image_of_unknown_size_has_names_for_its_axes() -> None:
    assert field("image", channels=1).shape("it") == Shape((1, "it.height", "it.width"))


@pytest.mark.parametrize(
    ("picture", "said"),
    [
        (None, "has no value"),
        ("", "has no value"),
        ("nowhere.png", "names the file `nowhere.png`, which does not exist"),
        (b"no picture", "holds bytes that cannot be read as a picture"),
        (5, "holds `5`, which is no picture"),
        ([["a"]], "holds no picture, but an array of <U1"),
        ([[1.0], [1.0, 2.0]], "holds no picture, but lists of different length"),
        (np.zeros((2, 2, 2, 2)), "holds an array of (2, 2, 2, 2), which is no picture"),
        ([[float("nan")]], "has pixels without a finite value"),
    ],
    ids=str,
)
def test_what_is_no_picture_is_refused(picture: Any, said: str) -> None:
    assert f"`it` in row 2 {said}" in refusal(field("image", size=1, channels=1), [RAMP, picture]).message


@pytest.mark.parametrize("cut", [20, 60])
def test_a_picture_that_was_cut_off_is_refused(tmp_path: Path, cut: int) -> None:
    file = tmp_path / "cut.png"
    file.write_bytes(packed(RAINBOW)[:cut])

    assert "cannot be read as a picture" in refusal(field("image"), [str(file)]).message


def test_films_are_padded_to_the_longest() -> None:
    config = field("video")
    facts, encoded = fitted(config, [np.stack([RAMP] * 3), RAMP[None]])

    assert config.shape("it", facts) == Shape((1, 16, 16), time="it")
    assert encoded.values.shape == (2, 3, 1, 16, 16)
    assert encoded.lengths is not None
    assert encoded.lengths.tolist() == [3, 1]


def test_a_film_may_be_a_list_of_files(tmp_path: Path) -> None:
    paths = [saved(tmp_path, RAINBOW, "a.png"), saved(tmp_path, RAINBOW[::-1], "b.png")]
    files, array = (fitted(field("video"), [film])[1].values for film in (paths, np.stack([RAINBOW, RAINBOW[::-1]])))

    assert np.array_equal(files, array)


def test_a_film_may_be_an_animated_file(tmp_path: Path) -> None:
    frames = [Pillow.fromarray(RAMP), Pillow.fromarray(RAMP[::-1])]
    frames[0].save(tmp_path / "film.gif", save_all=True, append_images=frames[1:])
    encoded = fitted(field("video", channels=1), [str(tmp_path / "film.gif")])[1]

    assert np.allclose(encoded.values[0, :, 0], np.stack([RAMP, RAMP[::-1]]) / 255)


def test_a_missing_frame_is_refused_with_its_tick() -> None:
    assert refusal(field("video"), [[RAMP, None]]).message == "`it` in row 1 has no value, at tick 2"


# Augmentation


def drawn(count: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(3, count, generator=torch.Generator().manual_seed(seed))


def test_no_augmentation_was_asked_for() -> None:
    assert field("image", augment={}).build_augment() is None


@settings(deadline=None)
@given(st.integers(0, 3), st.sampled_from(["none", "horizontal", "vertical"]), st.integers(0, 99))
def test_augmented_images_are_moved_and_mirrored_ones(shift: int, flip: str, seed: int) -> None:
    image = torch.arange(30.0).reshape(1, 5, 6)
    batch = augment(image.expand(8, 1, 5, 6), drawn(8, seed), shift, flip)
    mirrored = [image, image.flip({"horizontal": 2, "vertical": 1, "none": 0}[flip])]

    possible = {
        tuple(moved(one, down, right).flatten().tolist())
        for one in mirrored
        for down in range(-shift, shift + 1)
        for right in range(-shift, shift + 1)
    }
    assert {tuple(one.flatten().tolist()) for one in batch} <= possible


def moved(image: torch.Tensor, down: int, right: int) -> torch.Tensor:
    """An image (C, H, W) moved by hand, the border repeated."""
    wide = torch.nn.functional.pad(image[None], (3, 3, 3, 3), mode="replicate")[0]
    return wide[:, 3 - down : 3 - down + image.shape[1], 3 - right : 3 - right + image.shape[2]]


def test_augmentation_follows_from_what_is_drawn() -> None:
    batch = torch.rand(16, 3, 8, 8)
    change = field("image", augment={"shift": 2, "flip": "horizontal"}).build_augment()
    assert change is not None
    one, same, other = (change(batch, drawn(16, seed)) for seed in (1, 1, 2))

    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_half_of_the_images_are_mirrored() -> None:
    batch = torch.tensor([0.0, 1.0]).reshape(1, 1, 1, 2).expand(4000, 1, 1, 2)
    mirrored = augment(batch, drawn(4000), flip="horizontal")[:, 0, 0, 0].mean()

    assert abs(mirrored.item() - 0.5) < 4 * 0.5 / 4000**0.5  # four standard deviations


def test_all_frames_of_a_film_move_alike() -> None:
    change = field("video", augment={"shift": 3, "flip": "vertical"}).build_augment()
    assert change is not None
    films = torch.rand(1, 6, 1, 9, 9).expand(4, 6, 1, 9, 9)  # time comes first: each film stands still
    after = change(films, drawn(6))

    assert torch.equal(after, after[:1].expand_as(after))
    assert not torch.equal(after, films)


def test_whole_numbers_in_lists_are_the_pixels_that_were_learned_from() -> None:
    image, learned = field("image"), np.arange(0, 240, 20, dtype="uint8").reshape(2, 2, 3)
    facts = image.fit(learned)

    assert np.array_equal(image.encode(learned.tolist(), facts).values, image.encode(learned, facts).values)
    assert image.encode((learned / 255).tolist(), facts).values == pytest.approx(image.encode(learned, facts).values)
