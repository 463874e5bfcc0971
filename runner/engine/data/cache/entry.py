"""Prepared data as one file of tensors and JSON, and back. Opened, it is mapped into memory: pages are read when they are needed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from nnrun.registry.field import Field
from nnrun.runner.engine.data.batch import Part
from nnrun.runner.engine.data.cache.mapped import give_back
from nnrun.runner.engine.data.cache.rows import Texts
from nnrun.runner.engine.data.cache.stamps import Stamp
from nnrun.runner.engine.data.dataset import Dataset, Held

FORMAT = "2"
"""Counted up where what an entry holds changes."""

DATA, TEXTS, FILES = "data.json", "texts.json", "files.json"
"""JSON among the tensors, as bytes: a header of safetensors has to be small."""

PARTS = ("train", "valid", "test")


class NoEntry(Exception):
    """The file is none of ours, or was damaged."""


class Entry:
    """An entry that lies open."""

    def __init__(self, file: Path) -> None:
        """Raises: NoEntry, OSError."""
        self.file = file
        try:
            self._opened: Any = safe_open(file, "pt")
            self.about: Mapping[str, str] = self._opened.metadata() or {}  # type: ignore[no-untyped-call]
            if self.about.get("format") != FORMAT:
                raise NoEntry(f"{file} is of another version")
            listed = self._json(FILES)
            self.files = tuple((Stamp(*stamp), str(digest)) for *stamp, digest in listed)
        except (SafetensorError, ValueError, TypeError) as error:
            raise NoEntry(f"{file} is damaged: {error}") from None

    def data(self, fields: Mapping[str, Field]) -> Dataset:
        """What was kept, with the random changes that these fields ask for. Raises: NoEntry."""
        try:
            return self._data(fields)
        except (SafetensorError, ValueError, TypeError, KeyError, RuntimeError) as error:
            raise NoEntry(f"{self.file} is damaged: {error}") from None

    def _data(self, fields: Mapping[str, Field]) -> Dataset:
        held = self._json(DATA)
        values, lengths = ({name: self._tensor(at) for name, at in held[kind].items()} for kind in ("values", "lengths"))
        ends = self._tensor(held["ends"]) if held["ends"] is not None else None
        rows = {name: self._tensor(at) for name, at in held["rows"].items()}
        augment = {name: change for name, config in fields.items() if (change := config.build_augment()) is not None}
        on_disk = held.get("on disk", False)
        letters = {name: Texts(*map(self._tensor, places)) for name, places in held.get("letters", {}).items()}
        texts = {**self._json(TEXTS), **letters}
        train = Part(values, lengths, held["times"], rows["train"], augment, texts, held["ordering"], ends, on_disk)
        if on_disk:
            give_back([*values.values(), *(text.letters for text in letters.values())])
        others = {name: replace(train, rows=rows[name], augment={}) if name in rows else None for name in PARTS[1:]}
        listed = tuple(Held(**one) for one in held["held"])
        known = {"held": listed, "notes": tuple(held["notes"]), "said": held["said"], "digest": self.about["digest"]}
        return Dataset(train, others["valid"], others["test"], held["facts"], tuple(held["given"]), **known)

    def _tensor(self, at: Sequence[Any]) -> Tensor:
        name, size, stride, offset = at
        return torch.as_strided(self._opened.get_tensor(name), size, stride, offset)

    def _json(self, name: str) -> Any:
        return json.loads(self._opened.get_tensor(name).numpy().tobytes())


def write(file: Path, data: Dataset, files: Sequence[tuple[Stamp, str]], about: Mapping[str, str]) -> None:
    """Write an entry. Raises: OSError; TypeError for data that JSON cannot hold."""
    memory = _Memory()
    first = data.train
    held = {
        "values": {name: memory.place(tensor) for name, tensor in first.values.items()},
        "lengths": {name: memory.place(tensor) for name, tensor in first.lengths.items()},
        "times": dict(first.times),
        "ordering": {name: list(column) for name, column in first.ordering.items()},
        "ends": None if first.ends is None else memory.place(first.ends),
        "rows": {name: memory.place(part.rows) for name in PARTS if (part := getattr(data, name)) is not None},
        "facts": dict(data.facts),
        "given": data.given,
        "held": [asdict(one) for one in data.held],
        "notes": data.notes,
        "said": list(data.said),
    }
    texts = {name: [str(text) for text in column] for name, column in first.texts.items()}
    listed = [[*stamp, digest] for stamp, digest in files]
    tensors = memory.tensors | {DATA: as_bytes(held), TEXTS: as_bytes(texts), FILES: as_bytes(listed)}
    try:
        save_file(tensors, file, {"format": FORMAT, **about})
    except SafetensorError as error:  # a full disk, as its Rust says it
        raise OSError(str(error)) from None


class _Memory:
    """Tensors by the memory that they lie in: windows are views of one series, which is kept once."""

    def __init__(self) -> None:
        self.tensors: dict[str, Tensor] = {}
        self._names: dict[tuple[int, torch.dtype], str] = {}

    def place(self, tensor: Tensor) -> tuple[str, Sequence[int], Sequence[int], int]:
        """(name of the memory, size, stride, offset) of a tensor in it."""
        storage = tensor.untyped_storage()
        key = (storage.data_ptr(), tensor.dtype)
        if key not in self._names:
            self._names[key] = f"memory/{len(self._names)}"
            self.tensors[self._names[key]] = torch.empty(0, dtype=tensor.dtype).set_(storage)
        return self._names[key], tuple(tensor.shape), tensor.stride(), int(tensor.storage_offset())


def as_bytes(value: Any) -> Tensor:
    """As JSON."""
    return torch.frombuffer(bytearray(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")), dtype=torch.uint8)
