"""A folder that appears whole or not at all, with a manifest of hashes that proves it whole when it is read."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nnrun.registry.fault import Fault

MANIFEST = "MANIFEST.json"


class BrokenCheckpoint(Fault):
    """The folder is not what was saved: the message names the file."""

    kind = "missing"
    id = "broken-model"


def seal(files: Mapping[str, bytes], about: Mapping[str, Any]) -> dict[str, bytes]:
    """The files with a manifest of their hashes, which also holds what there is to say `about` them."""
    manifest = {**about, "files": {name: _digest(content) for name, content in files.items()}}
    return {**files, MANIFEST: _sealed(manifest).encode()}


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write sealed files into a new folder, beside its place, which gets its name when all of it is on the disk.

    Raises: FileExistsError; OSError, and then nothing is left.
    """
    if folder.exists():
        raise FileExistsError(f"{folder} is there already; a checkpoint is never written over another")
    draft = folder.with_name(f".{folder.name}.{os.getpid()}")
    shutil.rmtree(draft, ignore_errors=True)  # left by a save that was killed
    try:
        draft.mkdir(parents=True)
        for name, content in files.items():
            (draft / name).write_bytes(content)
        for place in (*draft.iterdir(), draft):
            _sync(place)
        draft.rename(folder)
        _sync(folder.parent)
    except OSError:
        shutil.rmtree(draft, ignore_errors=True)  # the disk that refused has at least its room back
        raise


def verify(folder: Path) -> Mapping[str, Any]:
    """What the manifest of a folder says. Raises: BrokenCheckpoint if a file is missing or differs from what was saved."""
    path = folder / MANIFEST
    if not path.is_file():
        raise BrokenCheckpoint(f"{folder} holds no network: {MANIFEST} is missing")
    text = path.read_bytes()
    try:
        manifest: dict[str, Any] = json.loads(text)
        del manifest["sha256"]
        digests = dict(manifest["files"].items())
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        raise BrokenCheckpoint(f"{path} is damaged") from None
    if _sealed(manifest).encode() != text:
        raise BrokenCheckpoint(f"{path} differs from what was saved: its sha256 is not its own")
    for name, digest in digests.items():
        if not (folder / name).is_file():
            raise BrokenCheckpoint(f"{folder / name} is missing")
        with open(folder / name, "rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != digest:
                raise BrokenCheckpoint(f"{folder / name} differs from what was saved: its sha256 is not the manifest's")
    return manifest


def _sealed(manifest: dict[str, Any]) -> str:
    """The manifest as text, with its own checksum in it."""
    return json.dumps({**manifest, "sha256": _digest(json.dumps(manifest).encode())}, indent=1)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
