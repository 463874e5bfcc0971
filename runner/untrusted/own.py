"""What is kept in the user's cache counts only where nobody else could have put it there."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def cache(name: str) -> Path:
    """The folder of that name in the user's cache. Raises: FileNotFoundError where the user has none."""
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nnrun" / name
    except RuntimeError:
        raise FileNotFoundError("this user has no home directory to keep it in; XDG_CACHE_HOME can name another one") from None


def own_folder(wanted: Path) -> Path | None:
    """The folder itself, made and closed to others; None where others may change it, or a folder above it. Raises: OSError."""
    wanted.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = wanted.resolve()
    if found.stat().st_uid == os.getuid():
        found.chmod(0o700)
    return found if all(is_safe(place) for place in (found, *found.parents)) else None


def is_own(about: os.stat_result) -> bool:
    """Whether it is a plain file of this user's that nobody else may write."""
    return stat.S_ISREG(about.st_mode) and about.st_uid == os.getuid() and not about.st_mode & 0o022


def is_safe(place: Path) -> bool:
    """Whether nobody but this user and the administrator may rename what lies in a folder. A group of the user's own number is the
    user's own; in a folder such as `/tmp` everybody may rename only what is theirs."""
    about = place.stat()
    others = about.st_mode & (stat.S_IWOTH if about.st_gid in (0, os.getuid()) else stat.S_IWOTH | stat.S_IWGRP)
    return about.st_uid in (0, os.getuid()) and (not others or bool(about.st_mode & stat.S_ISVTX))
