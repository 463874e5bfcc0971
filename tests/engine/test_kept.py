"""Checkpoints: what is read equals what was written, two are kept, and only whole ones count."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from nnrun.runner.engine.checkpoint.kept import Kept
from nnrun.runner.engine.checkpoint.sealed import BrokenCheckpoint, verify
from nnrun.runner.engine.checkpoint.snapshot import Snapshot
from nnrun.runner.engine.checkpoint.values import packed, unpacked


def snapshot(step: int) -> Snapshot:
    return Snapshot({"step": step}, {"w": torch.full((3,), float(step))}, {"n": 1}, {"value": math.nan})


def step_of(found: Snapshot | None) -> int:
    assert found is not None
    assert torch.equal(found.weights["w"], torch.full((3,), float(found.course["step"])))
    return int(found.course["step"])


def test_a_value_is_read_as_it_was_written() -> None:
    weights = torch.randn(3, 4).t()
    value = {
        "state": {0: {"step": torch.tensor(3.0), "exp": weights, "view": weights[1]}, 7: {}},
        "groups": [{"betas": (0.9, 0.999), "foreach": None, "flag": True}],
        "dice": torch.get_rng_state(),
        "numbers": [0.1, math.inf, 1e-320, -0.0, 2**62],
    }
    again = unpacked(*packed(value))

    assert again["groups"] == value["groups"]
    assert isinstance(again["groups"][0]["betas"], tuple)
    assert list(again["state"]) == [0, 7]
    assert [str(number) for number in again["numbers"]] == [str(number) for number in value["numbers"]]  # type: ignore[attr-defined]
    assert torch.equal(again["state"][0]["exp"], weights)
    assert torch.equal(again["state"][0]["view"], weights[1])
    assert again["dice"].dtype == torch.uint8
    assert math.isnan(unpacked(*packed([math.nan]))[0])


def test_what_is_no_plain_value_is_refused() -> None:
    with pytest.raises(TypeError, match="tensors, mappings, lists and tuples, got set"):
        packed({"a": {1, 2}})
    with pytest.raises(TypeError, match="a number or a text"):
        packed({(1, 2): 3})


def test_the_last_two_checkpoints_are_kept(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "checkpoints")
    assert kept.newest().snapshot is None
    for step in range(5):
        kept.write(snapshot(step), {"torch": "x"})

    assert sorted(path.name for path in kept.folder.iterdir()) == ["00000004", "00000005"]
    assert step_of(kept.newest().snapshot) == 4
    assert kept.newest().about["torch"] == "x"


@pytest.mark.parametrize("file", ["MANIFEST.json", "state.json", "tensors.safetensors"])
@pytest.mark.parametrize("damage", ["flipped", "cut", "missing"])
def test_of_a_damaged_checkpoint_the_one_before_is_taken_and_said(file: str, damage: str, tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    kept.write(snapshot(1), {})
    kept.write(snapshot(2), {})
    path = tmp_path / "00000002" / file
    content = path.read_bytes()
    match damage:
        case "flipped":
            middle = len(content) // 2
            path.write_bytes(content[:middle] + bytes([content[middle] ^ 4]) + content[middle + 1 :])
        case "cut":
            path.write_bytes(content[:-7])
        case "missing":
            path.unlink()
    found = kept.newest()

    assert step_of(found.snapshot) == 1
    (why,) = found.skipped
    assert file in why


def test_what_a_killed_save_has_left_counts_for_nothing_and_goes(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    kept.write(snapshot(1), {})
    (tmp_path / ".00000002.4711").mkdir()
    (tmp_path / ".00000002.4711" / "state.json").write_text("{")

    assert step_of(kept.newest().snapshot) == 1
    kept.write(snapshot(2), {})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["00000001", "00000002"]


def test_a_disk_that_refuses_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Kept(tmp_path)
    kept.write(snapshot(1), {})

    def full(self: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        with pytest.raises(OSError, match="No space left"):
            kept.write(snapshot(2), {})
    assert [path.name for path in tmp_path.iterdir()] == ["00000001"]
    verify(tmp_path / "00000001")


def test_a_model_is_no_checkpoint(tmp_path: Path) -> None:
    from nnrun.runner.engine.checkpoint.model import verify as verify_model

    kept = Kept(tmp_path)
    kept.write(snapshot(1), {})
    with pytest.raises(BrokenCheckpoint, match="something else than a network"):
        verify_model(tmp_path / "00000001")
