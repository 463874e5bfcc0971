"""Data that is prepared piece by piece and read from the disk is the data that memory would hold."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from nnrun.registry.field import DataError
from nnrun.registry.source import SourceError
from nnrun.registry.sources import csv, parquet
from nnrun.registry.sources.parquet import Parquet
from nnrun.runner.compiler.check import check
from nnrun.runner.compiler.memory.machine import Allowed
from nnrun.runner.engine.checkpoint.snapshot import Snapshot
from nnrun.runner.engine.checkpoint.values import unpacked
from nnrun.runner.engine.data.ahead import DEPTH, ahead
from nnrun.runner.engine.data.batch import NEAR, STRETCH, Part
from nnrun.runner.engine.data.cache.prepared import prepared
from nnrun.runner.engine.data.cache.proof import ChangedData, Proof
from nnrun.runner.engine.data.cache.rows import Rows, Texts, joined
from nnrun.runner.engine.data.dataset import Dataset
from tests.engine.test_going_on import Everything, Watch, trained

SPEC = """\
nnrun: 1
name: t
data:
  source: {source: parquet, file: FILE}
  keep: disk
  fields: {FIELDS, y: {type: category}}
  SPLIT
nodes: {NODES, scores: {type: linear, units: y}}
edges: [EDGES]
train: {loss: {type: cross_entropy, input: scores, target: y}}
"""
PICTURES = """\
nnrun: 1
name: t
data:
  source: {source: image_folder, folder: pictures}
  keep: disk
  fields: {image: {type: image, normalize: standard}, label: {type: category}}
nodes: {flat: {type: flatten}, scores: {type: linear, units: label}}
edges: [image -> flat -> scores]
train: {loss: {type: cross_entropy, input: scores, target: label}}
"""
COUNT = 500


def spec(fields: str, nodes: str, edges: str, file: str = "t.parquet", split: str = "") -> str:
    replaced = {"FILE": file, "FIELDS": fields, "NODES": nodes, "EDGES": edges, "SPLIT": split}
    text = SPEC
    for name, value in replaced.items():
        text = text.replace(name, value)
    return text


NUMBERS = spec("x: {type: number, normalize: standard}", "same: {type: linear, units: 2}", "x -> same -> scores")
VECTORS = spec("v: {type: vector, size: 3, normalize: minmax}", "same: {type: linear, units: 2}", "v -> same -> scores")
WORDS = spec("text: {type: text}", "embed: {type: embedding, units: 2}, end: {type: pool_time}", "text -> embed -> end -> scores")
TWINS = spec(
    "text: {type: text, vocabulary: 12}, other: {type: text, vocabulary: text}",
    "embed: {type: embedding, units: 2}, again: {type: embedding, units: 2, share: embed}, end: {type: last}, stop: {type: last}",
    "text -> embed -> end -> scores, other -> again -> stop -> scores",
)
TICKS = spec("s: {type: series, normalize: standard}", "cell: {type: gru, units: 2}, end: {type: last}", "s -> cell -> end -> scores")
PARTED = spec("x: {type: number}", "same: {type: linear, units: 2}", "x -> same -> scores", split="split: {by: part}")
GAPS = spec(
    "g: {type: number, missing: mean, normalize: standard}, h: {type: number, missing: indicator}, "
    "who: {type: category, unseen: other, missing: other}",
    "row: {type: tabular}",
    "g -> scores, h -> scores, who -> row -> scores",
)
GROUPS = spec("x: {type: number}", "same: {type: linear, units: 2}", "x -> same -> scores", split="split: {by_group: owner, valid: 0.2}")
FOLDED = spec("x: {type: number}", "same: {type: linear, units: 2}", "x -> same -> scores", split="split: {folds: 4, fold: 3}")
FOLDER = spec("x: {type: number}", "same: {type: linear, units: 2}", "x -> same -> scores", file="tables")
WILD = spec("x: {type: number}", "same: {type: linear, units: 2}", "x -> same -> scores", file="tables/*.parquet")
LINES = WILD.replace("source: parquet", "source: csv").replace("*.parquet", "*.csv")


def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "x": rng.normal(5, 2, COUNT),
            "v": list(rng.normal(size=(COUNT, 3)).astype("float32")),
            "s": [rng.normal(size=rng.integers(1, 9)).tolist() for _ in range(COUNT)],
            "text": [" ".join(f"wörd{number}" for number in rng.integers(0, 20, rng.integers(1, 7))) for _ in range(COUNT)],
            "y": rng.choice(list("abc"), COUNT),
            "g": np.where(rng.random(COUNT) < 0.3, np.nan, rng.normal(5, 2, COUNT)),
            "h": np.where(rng.random(COUNT) < 0.3, np.nan, rng.normal(size=COUNT)),
            "who": rng.choice(["ann", "ben", "cy", None], COUNT, p=[0.5, 0.3, 0.01, 0.19]),
            "owner": rng.integers(0, 40, COUNT),
            "part": rng.choice(["train", "train", "valid", "test"], COUNT),
            "other": [" ".join(f"wörd{number}" for number in rng.integers(15, 25, rng.integers(1, 7))) for _ in range(COUNT)],
        }
    )


def write(folder: Path) -> None:
    whole = table()
    whole.to_parquet(folder / "t.parquet", row_group_size=70)
    (folder / "tables").mkdir()
    for number in range(3):
        hundred = whole.iloc[number * 100 : (number + 1) * 100]
        hundred.to_parquet(folder / "tables" / f"{number}.parquet")
        hundred.to_csv(folder / "tables" / f"{number}.csv", index=False)
    rng = np.random.default_rng(0)
    for label in "ab":
        (folder / "pictures" / label).mkdir(parents=True)
        for number in range(30):
            Image.fromarray(rng.integers(0, 255, (6, 5, 3), np.uint8)).save(folder / "pictures" / label / f"{number}.png")


@pytest.fixture(autouse=True)
def _small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of its own, and pieces of a few rows."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(parquet, "ROWS", 64)
    monkeypatch.setattr(parquet, "LISTS", 64)
    monkeypatch.setattr(csv, "WHOLE", 10_000)
    monkeypatch.setattr(csv, "ROWS", 64)
    write(tmp_path)


def read(folder: Path, text: str, *settings: str, room: int = 8 << 30) -> tuple[Dataset, Proof, list[str]]:
    said: list[str] = []
    plan = check(text, settings=settings).plan
    assert plan is not None
    return *prepared(plan, folder, Allowed(room, "this machine has", room), said.append), said


def content(part: Part) -> Mapping[str, Any]:
    """All that the network and people may see of a part."""
    batch = part.batch(part.rows)
    texts = {name: [column[row] for row in part.rows.tolist()] for name, column in part.texts.items()}
    return {**batch.values, **{f"length of {axis}": held for axis, held in batch.lengths.items()}, "rows": part.rows, **texts}


@pytest.mark.parametrize(
    "text",
    [NUMBERS, VECTORS, WORDS, TWINS, TICKS, PARTED, GAPS, GROUPS, FOLDED, FOLDER, WILD, LINES, PICTURES],
    ids=["numbers", "vectors", "words", "twins", "ticks", "parted", "gaps", "groups", "folded", "folder", "wild", "lines", "pictures"],
)
def test_it_is_what_memory_would_hold(tmp_path: Path, text: str) -> None:
    disk, _, said = read(tmp_path, text)
    memory, _, _ = read(tmp_path, text, "data.keep=memory")
    again, proof, _ = read(tmp_path, text)

    assert disk.train.on_disk
    assert not memory.train.on_disk
    assert said == [f"reading {next(name for name in ('image_folder', 'csv', 'parquet') if name in text)}"]
    for found in (disk, again):
        assert found.held == memory.held
        for name, facts in memory.facts.items():
            assert found.facts[name].keys() == facts.keys()
            for key, value in facts.items():
                close = isinstance(value, float) or (isinstance(value, list) and value and isinstance(value[0], float))
                assert found.facts[name][key] == (pytest.approx(value) if close else value)
        for one, other in zip((found.train, found.valid, found.test), (memory.train, memory.valid, memory.test), strict=True):
            assert one is not None
            assert other is not None
            for name, value in content(other).items():
                if isinstance(value, list):
                    assert content(one)[name] == value
                else:
                    torch.testing.assert_close(content(one)[name], value)
    proof.settle(said.append)
    assert disk.digest == again.digest


def test_batches_are_all_examples_once_and_go_on_from_anywhere(tmp_path: Path) -> None:
    part = read(tmp_path, WORDS)[0].train

    def rows(first: int = 0, epoch: int = 1) -> list[torch.Tensor]:
        return [batch.values["y"] for batch in part.batches(32, 0, epoch, "shuffled", first)]

    whole = rows()
    assert sum(map(len, whole)) == len(part)
    assert torch.equal(torch.cat(whole).sort().values, part.values["y"][part.rows].sort().values)
    assert not torch.equal(torch.cat(whole), torch.cat(rows(epoch=2)))
    for first in (1, 5):
        assert all(torch.equal(one, other) for one, other in zip(rows(first), whole[first:], strict=True))


@pytest.mark.parametrize("text", [VECTORS, TICKS], ids=["vectors", "ticks"])
def test_a_training_goes_on_to_the_bit_from_within_an_epoch(tmp_path: Path, text: str) -> None:
    data, _, _ = read(tmp_path, text)
    plan = check(text, settings=["train.epochs=2", "train.batch_size=50"], facts=data.facts).plan
    assert plan is not None
    watch = Watch()
    keeper = Everything(watch.said)
    weights, _ = trained(plan, data, keeper, None, watch)

    for state, tensors, said in keeper.kept[3:12:4]:
        again = Watch()
        same, _ = trained(plan, read(tmp_path, text)[0], None, Snapshot(**unpacked(state, tensors)), again)
        assert all(torch.equal(tensor, weights[name]) for name, tensor in same.items())
        assert again.said == watch.said[said:]


def test_the_order_is_mixed_within_a_window_of_stretches() -> None:
    rows = torch.arange(3 * NEAR * STRETCH)
    part = Part({"x": rows.clone()}, {}, {}, rows, on_disk=True)
    order = torch.cat([batch.values["x"] for batch in part.batches(100, 0, 1, "shuffled")])
    window = order[: NEAR * STRETCH]

    assert torch.equal(order.sort().values, rows)
    assert len(set((window // STRETCH).tolist())) == NEAR
    assert int((window[1:] - window[:-1] == 1).sum()) < 10


def test_auto_keeps_on_the_disk_what_takes_more_than_a_quarter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table().assign(long=[np.random.default_rng(row).bytes(3000) for row in range(COUNT)]).to_parquet(tmp_path / "t.parquet")
    roomy, _, _ = read(tmp_path, NUMBERS, "data.keep=auto")
    monkeypatch.setattr("nnrun.runner.engine.data.cache.prepared.SHARE", (8 << 30) // (2 * (tmp_path / "t.parquet").stat().st_size) + 1)
    tight, _, said = read(tmp_path, VECTORS, "data.keep=auto")

    assert not roomy.train.on_disk
    assert tight.train.on_disk
    assert "more than a quarter of the" in said[1]


def test_a_path_means_files_only_where_no_file_is_called_so(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    for name in ("t[1].parquet", "deep/er/a.parquet"):
        table().iloc[:100].to_parquet(tmp_path / name)
    counts = []
    for file in ("t[1].parquet", "deep/*/?.parquet", "*s", "**/er"):
        with_path = FOLDER.replace("file: tables", f"file: '{file}'")
        try:
            counts.append(sum(one.examples for one in read(tmp_path, with_path)[0].held))
        except SourceError as error:
            counts.append(error.message)

    folders = [f"`{tmp_path / name}` is a folder, where a file is wanted" for name in ("pictures", "deep/er")]
    assert counts == [100, 100, *folders]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (NUMBERS.replace("source: parquet, file: t.parquet", "source: npz, file: t.npz"), "the source `npz` is read whole"),
        (TICKS.replace("keep: disk", "keep: disk\n  window: {length: 3}"), "data that `window` cuts is read whole"),
    ],
    ids=["npz", "window"],
)
def test_what_cannot_be_read_in_pieces_is_refused(tmp_path: Path, text: str, said: str) -> None:
    np.savez(tmp_path / "t.npz", x=[1, 2], y=["a", "b"])
    with pytest.raises(DataError, match=said):
        read(tmp_path, text)


def test_a_full_disk_is_said_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda folder: type("Usage", (), {"free": 100})())
    with pytest.raises(DataError, match=r"prepared, the data takes .* and the disk of .* has"):
        read(tmp_path, NUMBERS)
    assert [file.stat().st_size for file in (tmp_path / "cache" / "nnrun" / "data").iterdir()] == [0]  # which locks


def test_a_file_that_changes_meanwhile_is_not_learned_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Parquet.pieces

    def changing(*given: Any) -> Any:
        pieces = whole(*given)
        table().iloc[:400].to_parquet(tmp_path / "t.parquet")
        return pieces

    monkeypatch.setattr(Parquet, "pieces", changing)
    with pytest.raises(ChangedData, match="part `all` had 500 rows, and now has 400"):
        read(tmp_path, NUMBERS)


def test_damage_is_found_beside_the_training(tmp_path: Path) -> None:
    read(tmp_path, NUMBERS)
    (file,) = (tmp_path / "cache" / "nnrun" / "data").glob("[!.]*")
    with file.open("r+b") as stream:
        stream.seek(file.stat().st_size // 3)
        stream.write(b"\1\2\3")
    _, proof, _ = read(tmp_path, NUMBERS)

    with pytest.raises(ChangedData):
        proof.settle(print)
    assert not file.exists()


def test_a_wrong_value_is_said_with_its_row(tmp_path: Path) -> None:
    wrong = table()
    wrong.loc[333, "x"] = np.inf
    wrong.to_parquet(tmp_path / "t.parquet")
    for keep in ("disk", "memory"):
        with pytest.raises(DataError, match="334"):
            read(tmp_path, NUMBERS, f"data.keep={keep}")


@pytest.mark.parametrize("column", [["a", "b", "c", "d", "e"], [1, 2, 3, 4, 5]])
def test_rows_are_read_anew_each_time(column: list[Any]) -> None:
    rows = Rows(lambda: iter([column[:2], column[2:]]), 5)

    assert list(rows) == list(rows) == column
    assert (rows[0], rows[3], rows[-1], rows[:3], len(rows)) == (column[0], column[3], column[-1], column[:3], 5)


def test_texts_come_back_as_they_were() -> None:
    texts = ["", "añ\ud800b", "語", ""]
    held = Texts(*joined(texts))

    assert list(held) == texts
    assert held[1:3] == texts[1:3]
    assert held[-2] == texts[-2]


def test_what_is_made_ahead_comes_in_order_with_its_errors_and_no_thread_stays() -> None:
    def items() -> Iterator[int]:
        yield from range(5)
        raise ValueError("five")

    found = []
    with pytest.raises(ValueError, match="five"):  # noqa: PT012  (what comes before it counts)
        for item in ahead(items()):
            found.append(item)
    assert found == list(range(5))
    before = ahead(iter(range(10**9)))
    assert list(islice(before, DEPTH + 3)) == list(range(DEPTH + 3))
    before.close()  # type: ignore[attr-defined]
    assert not [thread for thread in threading.enumerate() if thread.name == "ahead"]
