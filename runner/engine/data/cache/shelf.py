"""Where prepared data is kept: a file for each way in which files are read, in a folder that nobody else may change."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nnrun.runner.untrusted.own import cache, own_folder

MOST = 10 << 30
"""Bytes of all entries; those that were used longest ago make room."""

SUFFIX = ".safetensors"


@dataclass(frozen=True)
class Shelf:
    """The entries of this user. A file's time is that of its last use; a name that begins with a point is a draft."""

    folder: Path

    @classmethod
    def own(cls) -> Shelf | None:
        """None where there is no folder that only this user may change."""
        with suppress(OSError):
            found = own_folder(cache("data"))
            return None if found is None else cls(found)
        return None

    def file(self, key: str) -> Path:
        return self.folder / f"{key}{SUFFIX}"

    def files(self) -> list[Path]:
        """All entries, those used last first."""
        return sorted(self.folder.glob(f"[!.]*{SUFFIX}"), key=lambda file: -file.stat().st_mtime)

    def make_room(self, size: int) -> None:
        """Remove what was used longest ago, until the rest leaves room for so many bytes; before that entries whose file is gone, and
        what killed processes left an hour ago."""
        for draft in self.folder.glob(".*"):
            with suppress(OSError):
                if time.time() - draft.stat().st_mtime > 3600:
                    draft.unlink()
        for file in self.files():
            is_of_use = os.path.exists(about(file).get("file", ""))
            size += file.stat().st_size if is_of_use else 0
            if not is_of_use or size > MOST:
                file.unlink(missing_ok=True)


def about(file: Path) -> Mapping[str, str]:
    """What an entry says of itself; nothing if it is damaged."""
    from safetensors import SafetensorError, safe_open

    with suppress(SafetensorError, OSError), safe_open(file, "numpy") as opened:
        return opened.metadata() or {}
    return {}
