"""Prepared data that is kept: what is found is what reading would give, and what cannot be trusted is not used."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from nnrun.registry.data.files import confined
from nnrun.registry.field import DataError
from nnrun.runner.compiler.check import check
from nnrun.runner.compiler.memory.machine import allowed
from nnrun.runner.engine.data.cache import prepared as cache
from nnrun.runner.engine.data.cache import shelf
from nnrun.runner.engine.data.cache.proof import ChangedData, Proof
from nnrun.runner.engine.data.cache.stamps import stamped
from nnrun.runner.engine.data.dataset import Dataset
from nnrun.runner.engine.data.digest import computed

TABLE = """\
nnrun: 1
name: t
data:
  source: {source: csv, file: t.csv}
  fields: {x: {type: number, normalize: standard}, y: {type: category}}
nodes: {scores: {type: linear, units: y}}
edges: [x -> scores]
train: {loss: {type: cross_entropy, input: scores, target: y}}
"""

TEXTS = """\
nnrun: 1
name: t
data:
  source: {source: csv, file: t.csv}
  fields: {text: {type: text}, y: {type: category}}
nodes: {embed: {type: embedding, units: 2}, end: {type: pool_time}, scores: {type: linear, units: y}}
edges: [text -> embed -> end -> scores]
train: {loss: {type: cross_entropy, input: scores, target: y}}
"""

SERIES = """\
nnrun: 1
name: t
data:
  source: {source: csv, file: t.csv}
  time: day
  window: {length: 4}
  fields: {x: {type: series}}
nodes: {cell: {type: gru, units: 2}, end: {type: last}, next: {type: linear, units: 1}}
edges: [x -> cell -> end -> next]
train: {loss: {type: mse, input: next, target: x.next}}
"""

STREAM = """\
nnrun: 1
name: t
data:
  source: {source: text, file: t.txt}
  window: {length: 8}
  fields: {text: {type: text, tokens: characters}}
nodes:
  next: {type: choice, target: text}
  embed: {type: embedding, units: 2}
  cell: {type: gru, units: 2}
  scores: {type: linear, units: text}
edges: [prev(next) -> embed -> cell -> scores -> next]
train: {loss: {type: cross_entropy, input: scores, target: text}}
"""

PICTURES = """\
nnrun: 1
name: t
data:
  source: {source: image_folder, folder: pictures}
  fields: {image: {type: image, augment: {flip: horizontal}}, label: {type: category}}
nodes: {flat: {type: flatten}, scores: {type: linear, units: label}}
edges: [image -> flat -> scores]
train: {loss: {type: cross_entropy, input: scores, target: label}}
"""


def _table(folder: Path) -> None:
    rows = (f"{row * 7 % 13},{'ab'[row % 2]},{row},a text of {row} words\n" for row in range(60))
    (folder / "t.csv").write_text("x,y,day,text\n" + "".join(rows))


def _text(folder: Path) -> None:
    (folder / "t.txt").write_text("Über allen Gipfeln ist Ruh. " * 20)


def _pictures(folder: Path) -> None:
    rng = np.random.default_rng(0)
    for label in "ab":
        (folder / "pictures" / label).mkdir(parents=True)
        for number in range(20):
            Image.fromarray(rng.integers(0, 255, (6, 5, 3), np.uint8)).save(folder / "pictures" / label / f"{number}.png")


KINDS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "numbers": (TABLE, _table),
    "texts": (TEXTS, _table),
    "windows": (SERIES, _table),
    "stream": (STREAM, _text),
    "pictures": (PICTURES, _pictures),
}

each_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where entries lie; small files count too."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "SMALL", 0)
    return tmp_path / "cache" / "nnrun" / "data"


def read(folder: Path, text: str, *settings: str) -> tuple[Dataset, bool]:
    """The data, settled, and whether it was found."""
    data, proof, found = begin(folder, text, *settings)
    said: list[str] = []
    proof.settle(said.append)
    assert said == []
    return data, found


def begin(folder: Path, text: str, *settings: str) -> tuple[Dataset, Proof, bool]:
    plan = check(text, settings=settings).plan
    assert plan is not None, check(text, settings=settings).report
    said: list[str] = []
    data, proof = cache.prepared(plan, folder, allowed(), said.append)
    return data, proof, "as it was prepared before" in said[0]


@each_kind
def test_what_is_found_is_what_was_prepared(tmp_path: Path, kind: str) -> None:
    text, make = KINDS[kind]
    make(tmp_path)

    first, was_found = read(tmp_path, text)
    second, found = read(tmp_path, text)

    assert (was_found, found) == (False, True)
    assert second.digest == computed(first) == computed(second)
    for name in ("facts", "given", "held", "notes"):
        assert getattr(second, name) == getattr(first, name)
    assert list(second.said) == list(first.said)
    for name in ("train", "valid", "test"):
        ours, theirs = getattr(second, name), getattr(first, name)
        assert same(ours.values, theirs.values)
        assert same(ours.lengths, theirs.lengths)
        assert same({"rows": ours.rows}, {"rows": theirs.rows})
        assert (ours.times, ours.ordering) == (theirs.times, theirs.ordering)
        assert {name: list(texts) for name, texts in ours.texts.items()} == {name: list(texts) for name, texts in theirs.texts.items()}
        assert ours.augment.keys() == theirs.augment.keys()
        assert (ours.ends is None and theirs.ends is None) or torch.equal(ours.ends, theirs.ends)
        for one, other in zip(ours.batches(7, 3, 1, "shuffled"), theirs.batches(7, 3, 1, "shuffled"), strict=True):
            assert same(one.values, other.values)


def same(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> bool:
    """Whether tensors are equal, and lie in memory in the same way."""
    return ours.keys() == theirs.keys() and all(
        torch.equal(ours[name], theirs[name]) and ours[name].stride() == theirs[name].stride() and ours[name].dtype == theirs[name].dtype
        for name in ours
    )


@pytest.mark.parametrize("kind", ["windows", "stream"])
def test_of_windows_the_series_is_kept_once(tmp_path: Path, kept: Path, kind: str) -> None:
    text, make = KINDS[kind]
    make(tmp_path)
    read(tmp_path, text.replace("length: 4", "length: 40").replace("length: 8", "length: 200"))

    (file,) = kept.iterdir()
    assert file.stat().st_size < 20_000


@pytest.mark.parametrize(
    "settings",
    [["data.split.seed=1"], ["data.split.test=0.2"], ["data.split.test=0.1"], ["data.fields.x.normalize=minmax"], ["data.split.valid=0"]],
)
def test_another_way_to_prepare_is_another_entry(tmp_path: Path, settings: list[str]) -> None:
    _table(tmp_path)
    read(tmp_path, TABLE)

    assert read(tmp_path, TABLE, *settings)[1] is False
    assert read(tmp_path, TABLE, "train.seed=1", "train.batch_size=3")[1] is True


def test_what_is_learned_with_is_another_matter(tmp_path: Path) -> None:
    _table(tmp_path)
    read(tmp_path, TABLE)

    assert read(tmp_path, TABLE, "train.optimizer.lr=0.5", "nodes.scores.init=zeros")[1] is True


def test_a_changed_file_is_read_anew(tmp_path: Path) -> None:
    _table(tmp_path)
    before, _ = read(tmp_path, TABLE)
    (tmp_path / "t.csv").write_text((tmp_path / "t.csv").read_text() + "5,a,60,more\n")

    after, found = read(tmp_path, TABLE)

    assert not found
    assert len(after.train) > len(before.train)
    assert read(tmp_path, TABLE)[1] is True


@pytest.mark.parametrize("change", ["added", "removed", "painted"])
def test_a_folder_of_pictures_is_read_anew_if_one_of_them_changes(tmp_path: Path, change: str) -> None:
    _pictures(tmp_path)
    read(tmp_path, PICTURES)
    picture = tmp_path / "pictures" / "a" / "7.png"
    match change:
        case "added":
            Image.fromarray(np.zeros((6, 5, 3), np.uint8)).save(picture.with_name("new.png"))
        case "removed":
            picture.unlink()
        case "painted":
            Image.fromarray(np.zeros((6, 5, 3), np.uint8)).save(picture)

    assert read(tmp_path, PICTURES)[1] is False


def test_a_folder_that_a_link_leads_to_belongs_to_the_files(tmp_path: Path) -> None:
    _pictures(tmp_path)
    (tmp_path / "pictures" / "b").rename(tmp_path / "elsewhere")
    (tmp_path / "pictures" / "b").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to(tmp_path / "pictures")  # which is not followed for ever
    read(tmp_path, PICTURES)
    assert read(tmp_path, PICTURES)[1] is True

    Image.fromarray(np.zeros((6, 5, 3), np.uint8)).save(tmp_path / "elsewhere" / "new.png")

    assert read(tmp_path, PICTURES)[1] is False


def test_two_names_of_one_file_are_two_files(tmp_path: Path) -> None:
    """Numbers of inodes are those of a disk: on another one the same number is another file."""
    (tmp_path / "one").write_text("1")
    (tmp_path / "two").hardlink_to(tmp_path / "one")

    assert [stamp.path for stamp in stamped([tmp_path / "one", tmp_path / "two"]) or ()] == [str(tmp_path / "one"), str(tmp_path / "two")]


def test_pictures_that_a_table_names_belong_to_its_files(tmp_path: Path) -> None:
    _pictures(tmp_path)
    rows = [f"pictures/{label}/{number}.png,{label}\n" for label in "ab" for number in range(20)]
    (tmp_path / "t.csv").write_text("image,label\n" + "".join(rows))
    text = PICTURES.replace("{source: image_folder, folder: pictures}", "{source: csv, file: t.csv}")
    read(tmp_path, text)
    assert read(tmp_path, text)[1] is True

    Image.fromarray(np.ones((6, 5, 3), np.uint8)).save(tmp_path / "pictures" / "b" / "3.png")

    assert read(tmp_path, text)[1] is False


def test_a_tokenizer_file_belongs_to_the_files(tmp_path: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0, "a": 1, "text": 2}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(tmp_path / "tokens.json"))
    _table(tmp_path)
    text = TEXTS.replace("text: {type: text}", "text: {type: text, tokens: tokens.json}")
    read(tmp_path, text)
    assert read(tmp_path, text)[1] is True

    os.utime(tmp_path / "tokens.json")

    assert read(tmp_path, text)[1] is False


def disguised(file: Path, content: bytes) -> None:
    """Write something else of the same length, and set the time back."""
    before = file.stat()
    assert len(content) == before.st_size
    with file.open("r+b") as stream:
        stream.write(content)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_another_content_of_same_size_and_time_ends_the_run(tmp_path: Path, kept: Path) -> None:
    _table(tmp_path)
    read(tmp_path, TABLE)
    disguised(tmp_path / "t.csv", (tmp_path / "t.csv").read_bytes().replace(b"5,b", b"6,b"))

    _, proof, found = begin(tmp_path, TABLE)
    with pytest.raises(ChangedData, match=r"t\.csv` is not what this run learned from"):
        proof.settle(print)
    with pytest.raises(ChangedData):
        proof.look()

    assert found
    assert list(kept.iterdir()) == []
    assert read(tmp_path, TABLE)[1] is False


def test_an_entry_that_was_damaged_ends_the_run(tmp_path: Path, kept: Path) -> None:
    _table(tmp_path)
    data, _ = read(tmp_path, TABLE)
    (file,) = kept.iterdir()
    content = file.read_bytes()
    numbers = data.train.values["x"].numpy().tobytes()
    file.write_bytes(content.replace(numbers, numbers[::-1]))

    _, proof, found = begin(tmp_path, TABLE)

    assert found
    with pytest.raises(ChangedData, match=r"what was prepared of `t\.csv`, and kept, has been damaged"):
        proof.settle(print)
    assert read(tmp_path, TABLE)[1] is False


@pytest.mark.parametrize("damage", ["empty", "cut", "other", "text", "format"])
def test_what_is_no_entry_is_removed_and_the_files_are_read(tmp_path: Path, kept: Path, damage: str) -> None:
    _table(tmp_path)
    read(tmp_path, TABLE)
    (file,) = kept.iterdir()
    content = file.read_bytes()
    made = {"empty": b"", "cut": content[:-10], "other": content[:400], "text": b"x" * 4000, "format": content.replace(b'"2"', b'"0"', 1)}
    file.write_bytes(made[damage])

    assert read(tmp_path, TABLE)[1] is False
    assert read(tmp_path, TABLE)[1] is True


@pytest.mark.parametrize("rights", [0o620, 0o602, 0o666])
def test_an_entry_that_others_may_write_is_not_used(tmp_path: Path, kept: Path, rights: int) -> None:
    _table(tmp_path)
    read(tmp_path, TABLE)
    (file,) = kept.iterdir()
    file.chmod(rights)

    assert read(tmp_path, TABLE)[1] is False
    assert stat.S_IMODE(next(kept.iterdir()).stat().st_mode) == 0o600


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make a file of somebody else's")
def test_an_entry_of_somebody_else_is_not_used(tmp_path: Path, kept: Path) -> None:
    _table(tmp_path)
    read(tmp_path, TABLE)
    (file,) = kept.iterdir()
    os.chown(file, 65534, 65534)

    assert read(tmp_path, TABLE)[1] is False


def test_a_link_is_not_followed(tmp_path: Path, kept: Path) -> None:
    _table(tmp_path)
    read(tmp_path, TABLE)
    (file,) = kept.iterdir()
    file.symlink_to(file.rename(tmp_path / "elsewhere"))

    assert read(tmp_path, TABLE)[1] is False


def test_below_a_folder_that_others_may_change_nothing_is_kept(tmp_path: Path, kept: Path) -> None:
    _table(tmp_path)
    kept.parent.mkdir(parents=True)
    kept.parent.chmod(0o777)

    assert [read(tmp_path, TABLE)[1] for _ in range(2)] == [False, False]
    assert list(kept.iterdir()) == []


def test_of_a_spec_that_is_not_trusted_nothing_is_kept(tmp_path: Path, kept: Path) -> None:
    _table(tmp_path)
    with confined(tmp_path):
        assert [read(tmp_path, TABLE)[1] for _ in range(2)] == [False, False]

    assert not kept.exists()


def test_small_files_are_read_each_time(tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    _table(tmp_path)

    assert [read(tmp_path, TABLE)[1] for _ in range(2)] == [False, False]
    assert not kept.exists()


def test_what_was_used_longest_ago_makes_room(tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _table(tmp_path)
    for number, seed in enumerate(("1", "2", "3")):
        read(tmp_path, TABLE, f"data.split.seed={seed}")
        newest = max(kept.iterdir(), key=lambda file: file.stat().st_mtime_ns)
        os.utime(newest, (number, number))
    monkeypatch.setattr(shelf, "MOST", 2 * newest.stat().st_size + 1000)
    read(tmp_path, TABLE, "data.split.seed=1")  # used now
    read(tmp_path, TABLE, "data.split.seed=4")

    assert [read(tmp_path, TABLE, f"data.split.seed={seed}")[1] for seed in ("4", "1", "2")] == [True, True, False]


def test_entries_of_files_that_are_gone_are_removed(tmp_path: Path, kept: Path) -> None:
    (tmp_path / "gone").mkdir()
    for folder in (tmp_path / "gone", tmp_path):
        _table(folder)
    read(tmp_path / "gone", TABLE)
    (tmp_path / "gone" / "t.csv").unlink()

    read(tmp_path, TABLE)

    assert len(list(kept.iterdir())) == 1


def test_what_a_killed_process_left_is_removed_an_hour_later(tmp_path: Path, kept: Path) -> None:
    _table(tmp_path)
    read(tmp_path, TABLE)
    old, new = kept / ".old.1", kept / ".new.2"
    for draft in (old, new):
        draft.touch()
    os.utime(old, (1, 1))

    read(tmp_path, TABLE, "data.split.seed=1")

    assert (old.exists(), new.exists()) == (False, True)


def test_what_changes_while_it_is_read_is_not_kept(tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _table(tmp_path)
    ours = cache.prepare

    def late(*given: object) -> Dataset:
        os.utime(tmp_path / "t.csv")
        return ours(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(cache, "prepare", late)

    assert read(tmp_path, TABLE)[1] is False
    assert list(kept.iterdir()) == []


def test_a_full_disk_costs_the_next_run_its_time_only(tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    _table(tmp_path)
    monkeypatch.setattr(cache, "write", full)

    data, proof, _ = begin(tmp_path, TABLE)

    said: list[str] = []
    proof.settle(said.append)
    assert said == ["what was prepared of `t.csv` could not be kept for the next run: No space left on device"]
    assert list(kept.iterdir()) == []
    assert len(data.train) == 48


def test_a_picture_that_is_not_there_is_said_by_its_row(tmp_path: Path, kept: Path) -> None:
    _pictures(tmp_path)
    rows = [f"pictures/{label}/{number}.png,{label}\n" for label in "ab" for number in range(20)]
    (tmp_path / "t.csv").write_text("image,label\n" + "".join(rows))
    (tmp_path / "pictures" / "a" / "3.png").unlink()

    with pytest.raises(DataError, match=r"`image` in `t\.csv:5`"):
        begin(tmp_path, PICTURES.replace("{source: image_folder, folder: pictures}", "{source: csv, file: t.csv}"))
    assert list(kept.iterdir()) == []


def test_what_of_a_folder_may_not_be_read_is_the_sources_to_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _pictures(tmp_path)
    monkeypatch.setattr(os, "scandir", _denied)

    with pytest.raises(DataError, match="`pictures` has no folder with a picture in it"):
        begin(tmp_path, PICTURES)


def _denied(*_: object) -> None:
    raise PermissionError(errno.EACCES, "Permission denied")


def test_facts_that_are_no_json_are_not_kept(tmp_path: Path, kept: Path) -> None:
    _table(tmp_path)
    data, _ = read(tmp_path, TABLE, "data.split.seed=9")
    place = cache._Place(shelf.Shelf(kept), "key", tmp_path / "t.csv")

    said = place.keep(replace(data, facts={"x": {"what": object()}}), [])

    assert said is not None
    assert said.startswith("what was prepared of `t.csv` could not be kept for the next run: Object of type object is not JSON")
    assert not (kept / "key.safetensors").exists()


def test_facts_that_the_cache_does_not_know_make_another_digest(tmp_path: Path) -> None:
    _table(tmp_path)
    read(tmp_path, TABLE)
    data, _ = read(tmp_path, TABLE)

    assert computed(replace(data, facts={**data.facts, "edge": {"pairs": [[0, 1]]}})) != data.digest
