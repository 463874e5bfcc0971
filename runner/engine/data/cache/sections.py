"""A file of safetensors that is written and read a piece at a time. Source: the format, github.com/safetensors/safetensors."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import accumulate
from math import prod
from operator import mul
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

TYPES = {torch.float32: "F32", torch.int64: "I64", torch.uint8: "U8"}
"""As safetensors calls them."""

DIGEST = "digest"
"""Of what the metadata says: of all tensors whose names lead into a folder, in the order of their names."""

CHUNK = 1 << 22
"""Bytes that are read at once."""


class Sections:
    """Tensors whose places are known before their numbers are."""

    def __init__(self) -> None:
        self.forms: dict[str, tuple[torch.dtype, tuple[int, ...]]] = {}
        self.known: dict[str, Tensor] = {}
        self.starts: dict[str, int] = {}
        self.stream: BinaryIO

    def reserve(self, name: str, dtype: torch.dtype, size: tuple[int, ...]) -> None:
        """Room for a tensor."""
        self.forms[name] = dtype, size

    def place(self, name: str, tensor: Tensor) -> None:
        """A tensor that is known already."""
        self.reserve(name, tensor.dtype, tuple(tensor.shape))
        self.known[name] = tensor

    def at(self, name: str) -> tuple[str, tuple[int, ...], tuple[int, ...], int]:
        """(name, size, stride, offset), as an entry tells of a tensor."""
        size = self.forms[name][1]
        return name, size, tuple(accumulate(size[:0:-1], mul, initial=1))[::-1] if size else (), 0

    @property
    def size(self) -> int:
        """Bytes of all tensors."""
        return sum(map(self._bytes, self.forms))

    @contextmanager
    def writing(self, file: Path, about: Mapping[str, str]) -> Iterator[None]:
        """Within it the tensors can be filled; afterwards the file is whole. Raises: OSError."""
        header = self._header({**about, DIGEST: "0" * 16})
        with file.open("r+b") as self.stream:
            self.stream.write(header)
            self.stream.truncate(len(header) + self.size)
            for name, tensor in self.known.items():
                self.fill(name, 0, tensor)
            yield
            self.stream.flush()
            self.stream.seek(0)
            self.stream.write(self._header({**about, DIGEST: digest(file)}))

    def fill(self, name: str, row: int, tensor: Tensor) -> None:
        """Write rows of a tensor, from `row` on. Raises: OSError."""
        dtype, size = self.forms[name]
        assert tensor.dtype == dtype
        assert tuple(tensor.shape[1:]) == size[1:]
        self.stream.seek(self.starts[name] + row * dtype.itemsize * prod(size[1:]))
        self.stream.write(tensor.contiguous().numpy().data)

    def _bytes(self, name: str) -> int:
        dtype, size = self.forms[name]
        return dtype.itemsize * prod(size)

    def _header(self, about: Mapping[str, str]) -> bytes:
        """Large numbers come first, so that each lies where a processor wants it."""
        listed: dict[str, Any] = {"__metadata__": dict(about)}
        end = 0
        for name in sorted(self.forms, key=lambda name: -self.forms[name][0].itemsize):
            dtype, size = self.forms[name]
            start, end = end, end + self._bytes(name)
            listed[name] = {"dtype": TYPES[dtype], "shape": list(size), "data_offsets": [start, end]}
        text = json.dumps(listed, ensure_ascii=False).encode()
        text += b" " * (-len(text) % 8)
        self.starts = {name: 8 + len(text) + one["data_offsets"][0] for name, one in listed.items() if name in self.forms}
        return len(text).to_bytes(8, "little") + text


def digest(file: Path) -> str:
    """Of the tensors of a file, read a piece at a time; 16 hex digits. Raises: OSError."""
    summed = hashlib.blake2b(digest_size=8)
    with file.open("rb") as stream:
        size = int.from_bytes(stream.read(8), "little")
        listed = json.loads(stream.read(size))
        for name in sorted(name for name in listed if "/" in name):
            start, end = listed[name]["data_offsets"]
            summed.update(f"{name} {listed[name]['dtype']} {listed[name]['shape']}".encode())
            stream.seek(8 + size + start)
            while start < end:
                chunk = stream.read(min(CHUNK, end - start))
                summed.update(chunk)
                start += len(chunk)
                if not chunk:
                    raise OSError(f"`{file}` ends too early")
    return summed.hexdigest()
