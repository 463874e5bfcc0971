"""A saved network: whole or not at all, and proved so when it is read."""

from __future__ import annotations

import hashlib
import json
import random
import re
from pathlib import Path
from typing import Any

import pytest
import torch

from nnrun.runner.engine.checkpoint import model, sealed
from nnrun.runner.engine.checkpoint.model import load, save
from nnrun.runner.engine.checkpoint.sealed import BrokenCheckpoint
from nnrun.runner.engine.inference.predict import Predictor
from tests.engine.support import Built, build
from tests.engine.test_training import POINTS, points
from tests.registry.test_fields import tokenizer_file
from tests.served.models import KINDS


@pytest.fixture(scope="module")
def built() -> Built:
    return build(POINTS, points())


def test_what_is_read_is_what_was_saved(built: Built, tmp_path: Path) -> None:
    save(tmp_path / "model", built.network, built.data.facts)
    saved = load(tmp_path / "model")

    assert saved.facts == built.data.facts
    assert str(saved.plan) == str(built.plan)
    assert all(torch.equal(a, b) for a, b in zip(saved.network.parameters(), built.network.parameters(), strict=True))


def test_every_flipped_bit_is_found(built: Built, tmp_path: Path) -> None:
    save(tmp_path / "model", built.network, built.data.facts)
    rng = random.Random(0)
    for file in sorted((tmp_path / "model").iterdir()):
        whole = file.read_bytes()
        for _ in range(40):
            place, bit = rng.randrange(len(whole)), rng.randrange(8)
            file.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << bit)]) + whole[place + 1 :])
            if file.name == "MANIFEST.json" and b'"files"' in file.read_bytes() and _says_the_same(file.read_bytes(), whole):
                continue  # a bit of the note on the version of torch: no file depends on it
            with pytest.raises(BrokenCheckpoint):
                load(tmp_path / "model")
        file.write_bytes(whole)


def test_a_missing_file_is_named(built: Built, tmp_path: Path) -> None:
    save(tmp_path / "model", built.network, built.data.facts)
    (tmp_path / "model" / "weights.safetensors").unlink()

    with pytest.raises(BrokenCheckpoint, match=r"weights\.safetensors is missing"):
        load(tmp_path / "model")


@pytest.mark.parametrize("files", [{}, {"spec.yaml": "0"}, [], None])
def test_a_manifest_that_names_not_all_files_is_damaged(built: Built, tmp_path: Path, files: Any) -> None:
    save(tmp_path / "model", built.network, built.data.facts)
    seal(tmp_path / "model", files=files)

    with pytest.raises(BrokenCheckpoint, match=r"is damaged|of something else than a network|differs from what was saved"):
        load(tmp_path / "model")


TENSOR = b'{"a":{"dtype":"F32","shape":[999999999999],"data_offsets":[0,4]}}'
CRAFTED = {
    "facts that are a list": ("facts.json", b"[]"),
    "facts of nothing": ("facts.json", b"{}"),
    "facts that are deep": ("facts.json", b"[" * 100_000),
    "facts that are no text": ("facts.json", b"\xff\xfe"),
    "classes that are a number": ("facts.json", b'{"x": {"size": "two"}, "label": {"classes": 3}}'),
    "a heading longer than the file": ("weights.safetensors", (1 << 62).to_bytes(8, "little") + b"{}"),
    "a heading that is no JSON": ("weights.safetensors", (4).to_bytes(8, "little") + b"cos\n"),
    "a tensor that is not there": ("weights.safetensors", (len(TENSOR)).to_bytes(8, "little") + TENSOR + b"\0" * 4),
    "weights of nothing": ("weights.safetensors", b"\x02\0\0\0\0\0\0\0{}"),
    "a pickle": ("weights.safetensors", b"\x80\x04cposix\nsystem\n(S'touch ran'\ntR."),
    "a network that is too large": ("spec.yaml", b"units: 100000000"),
}
"""Files that are sealed all the same: anybody can."""


@pytest.mark.parametrize("how", CRAFTED)
def test_a_folder_that_does_not_fit_together_is_refused_in_words(built: Built, tmp_path: Path, how: str) -> None:
    save(tmp_path / "model", built.network, built.data.facts)
    name, content = CRAFTED[how]
    if name == "spec.yaml":
        content = re.sub(rb"units: \d+", content, (tmp_path / "model" / name).read_bytes())
    (tmp_path / "model" / name).write_bytes(content)
    seal(tmp_path / "model")

    with pytest.raises(BrokenCheckpoint):
        load(tmp_path / "model")


def seal(folder: Path, **said: Any) -> None:
    """Give a folder a manifest that is right in itself: anybody can."""
    names = ("spec.yaml", "facts.json", "weights.safetensors")
    files = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}
    manifest = {"format": model.FORMAT, "torch": "2", "files": files, **said}
    (folder / "MANIFEST.json").write_text(sealed._sealed(manifest))


def _says_the_same(manifest: bytes, whole: bytes) -> bool:
    try:
        return bool(json.loads(manifest)["files"] == json.loads(whole)["files"])
    except (ValueError, KeyError, TypeError):
        return False


@pytest.mark.parametrize("tokens", ["words", "characters", "bytes", "tokenizer.json"])
def test_a_network_of_any_tokens_is_read_again(tokens: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tokenizer_file(tmp_path)
    kind = KINDS["text"]
    built = build(kind.spec, kind.data, f"data.fields.said.tokens={tokens}")
    save(tmp_path / "model", built.network, built.data.facts)
    (tmp_path / "tokenizer.json").unlink()  # it travels with the network

    before = Predictor(built.network, built.plan, built.data.facts).predict(kind.asked)
    assert Predictor.load(tmp_path / "model").predict(kind.asked) == before


def as_format_1(folder: Path) -> None:
    """Make of a saved network what an earlier version would have saved: facts that say less, and resolved options that mean nothing."""
    facts = json.loads((folder / "facts.json").read_text())
    for told in facts.values():
        for name in ("pixels", "exact"):
            told.pop(name, None)
    (folder / "facts.json").write_text(json.dumps(facts))
    text = (folder / "spec.yaml").read_text()
    (folder / "spec.yaml").write_text(text.replace("tokens: bytes", "tokens: bytes, vocabulary: 8000, min_count: 1"))
    manifest = json.loads((folder / "MANIFEST.json").read_text())
    digests = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in manifest["files"]}
    (folder / "MANIFEST.json").write_text(sealed._sealed({"format": 1, "torch": manifest["torch"], "files": digests}))


@pytest.mark.parametrize(
    ("kind", "setting"), [("image", "train.seed=0"), ("table", "train.seed=0"), ("text", "data.fields.said.tokens=bytes")]
)
def test_a_network_of_format_1_answers_as_it_did(kind: str, setting: str, tmp_path: Path) -> None:
    built = build(KINDS[kind].spec, KINDS[kind].data, setting)
    save(tmp_path / "model", built.network, built.data.facts)
    before = Predictor.load(tmp_path / "model").predict(KINDS[kind].asked)
    as_format_1(tmp_path / "model")

    assert Predictor.load(tmp_path / "model").predict(KINDS[kind].asked) == before


def test_a_network_of_format_1_that_means_something_else_now_is_refused(tmp_path: Path) -> None:
    text = (
        KINDS["text"]
        .spec.replace("end: {", "memory: {type: gru, units: 3, bidirectional: true}, end: {")
        .replace("-> end", "-> memory -> end")
    )
    built = build(text, KINDS["text"].data)
    save(tmp_path / "model", built.network, built.data.facts)
    assert load(tmp_path / "model").plan.ops[-2].name == "end"
    as_format_1(tmp_path / "model")

    with pytest.raises(BrokenCheckpoint, match="is of format 1, and `end` gave the last tick then"):
        load(tmp_path / "model")


def test_a_network_of_a_later_format_is_refused(built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "FORMAT", 3)
    save(tmp_path / "model", built.network, built.data.facts)
    monkeypatch.undo()

    with pytest.raises(BrokenCheckpoint, match="is of format 3, and this version reads 1 to 2"):
        load(tmp_path / "model")
