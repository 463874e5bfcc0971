"""A saved network: whole or not at all, and proved so when it is read."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch

from nnrun.runner.engine.checkpoint import BrokenCheckpoint, load, save
from tests.engine.support import Built, build
from tests.engine.test_training import POINTS, points


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


def _says_the_same(manifest: bytes, whole: bytes) -> bool:
    import json

    try:
        return bool(json.loads(manifest)["files"] == json.loads(whole)["files"])
    except (ValueError, KeyError, TypeError):
        return False
