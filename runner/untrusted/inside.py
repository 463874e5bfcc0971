"""A file of a folder that somebody else filled, opened without following a link that lies in it."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe that nobody writes to would never open


class LeadsOut(OSError):
    """A link stands on the way."""


def read_inside(folder: Path, path: Path, most: int) -> bytes:
    """The first bytes of a plain file, by its path from a folder. The way to the folder itself may hold links: the user has named it.

    Raises: LeadsOut; OSError for what cannot be opened, or is no file.
    """
    at = os.open(folder, _FOLDER)
    try:
        for part in path.parts[:-1]:
            below = _opened(part, _FOLDER, at)
            os.close(at)
            at = below
        file = _opened(path.name, _FILE, at)
    finally:
        os.close(at)
    with open(file, "rb") as stream:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise OSError(errno.EINVAL, "it is no plain file")
        return stream.read(most)


def _opened(name: str, flags: int, at: int) -> int:
    try:
        return os.open(name, flags | os.O_NOFOLLOW, dir_fd=at)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR) and stat.S_ISLNK(os.stat(name, dir_fd=at, follow_symlinks=False).st_mode):
            raise LeadsOut(errno.ELOOP, f"`{name}` is a link") from None
        raise
