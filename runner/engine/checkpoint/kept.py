"""The checkpoints of one training: the last two that were written, of which the newest whole one counts."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nnrun.runner.engine.checkpoint.sealed import BrokenCheckpoint, seal, verify, write
from nnrun.runner.engine.checkpoint.snapshot import Snapshot
from nnrun.runner.engine.checkpoint.values import packed, unpacked

FORMAT = 2
"""Of a checkpoint, counted up where what it holds changes. One of another format is not gone on from."""

STATE, TENSORS = "state.json", "tensors.safetensors"

COUNT = 2
"""How many are kept: a newer one takes the place of the older when it is proved whole."""

NAME = re.compile(r"\d{8}")


@dataclass(frozen=True)
class Found:
    """What was found among the checkpoints of a training."""

    snapshot: Snapshot | None
    """None if there is no whole one."""
    about: Mapping[str, Any]
    """What its manifest says of where it was made."""
    skipped: tuple[str, ...]
    """Why newer ones were passed over."""


@dataclass(frozen=True)
class Kept:
    """A folder with the checkpoints of one training, called `00000001`, `00000002` and so on as they were written."""

    folder: Path

    def write(self, snapshot: Snapshot, about: Mapping[str, Any]) -> None:
        """Keep a snapshot, and say `about` it where it was made. Raises: OSError, and then those before are as they were."""
        names = self._names()
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for draft in self.folder.glob(".*"):  # left by a save that was killed
            shutil.rmtree(draft)
        new = self.folder / f"{int(names[-1]) + 1 if names else 1:08}"
        text, tensors = packed(dict(vars(snapshot)))
        write(new, seal({STATE: text, TENSORS: tensors}, {"checkpoint": FORMAT, **about}))
        verify(new)  # read back: only what is proved whole takes the place of another
        for old in names[: len(names) + 1 - COUNT]:
            shutil.rmtree(self.folder / old)

    def newest(self) -> Found:
        """The newest one that is whole."""
        skipped: list[str] = []
        for name in reversed(self._names()):
            try:
                manifest = verify(self.folder / name)
                if manifest.get("checkpoint") != FORMAT or not {STATE, TENSORS} <= manifest["files"].keys():
                    raise BrokenCheckpoint(f"{self.folder / name} is no checkpoint that this version of nnrun reads")
            except BrokenCheckpoint as broken:
                skipped.append(broken.message)
                continue
            state = unpacked((self.folder / name / STATE).read_bytes(), (self.folder / name / TENSORS).read_bytes())
            return Found(Snapshot(**state), manifest, tuple(skipped))
        return Found(None, {}, tuple(skipped))

    def remove(self) -> None:
        """Give the room back."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _names(self) -> list[str]:
        """Those that were written to the end, oldest first."""
        return sorted(path.name for path in self.folder.iterdir() if NAME.fullmatch(path.name)) if self.folder.is_dir() else []
