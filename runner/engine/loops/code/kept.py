"""Compiled code that is kept: in a folder that nobody else may change, each file sealed with a secret of the user's own.

Whoever could put a file there could run code in the next training. A file counts only where owner and rights of file and folder say that
it is the user's, and its name holds the seal of what it was made of and what it holds.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import tempfile
import warnings
from contextlib import suppress
from functools import cache
from pathlib import Path

from nnrun.runner.untrusted.own import is_own, own_folder

SECRET, SIZE = "secret", 32
"""The file of the secret, and its bytes."""


def folder(wanted: Path) -> Path:
    """The folder itself, made and closed to others; where it cannot be, one of this process alone. Raises: OSError."""
    return own_folder(wanted) or _private(wanted)


def find(place: Path, key: str, suffix: str) -> Path | None:
    """What was kept under a key. What is not as we left it is removed: loading it might end the process, or run anything."""
    for kept in place.glob(f"{key}-*{suffix}"):
        with suppress(OSError):
            if is_own(kept.lstat()) and hmac.compare_digest(kept.name, _name(place, key, suffix, kept.read_bytes())):
                return kept
            kept.unlink()
    return None


def keep(place: Path, key: str, made: Path) -> Path:
    """Put what was made there under a key: other processes see the whole file or none. Raises: OSError."""
    made.chmod(0o700)
    kept = place / _name(place, key, made.suffix, made.read_bytes())
    os.replace(made, kept)
    return kept


def _name(place: Path, key: str, suffix: str, content: bytes) -> str:
    seal = hmac.new(_secret(place), key.encode() + content, hashlib.sha256).hexdigest()
    return f"{key}-{seal[:32]}{suffix}"


def _secret(place: Path) -> bytes:
    """That of this user, made where there is none that can be one. Raises: OSError."""
    file = place / SECRET
    if (found := _read_secret(file)) is not None:
        return found
    handle, draft = tempfile.mkstemp(dir=place)  # for this user alone
    with os.fdopen(handle, "wb") as stream:
        stream.write(secrets.token_bytes(SIZE))
    try:
        os.link(draft, file)
    except FileExistsError:  # what was there can be none, or another process was faster: its secret is everybody's
        if _read_secret(file) is None:
            os.replace(draft, file)
    Path(draft).unlink(missing_ok=True)
    return _read_secret(file) or secrets.token_bytes(SIZE)  # with this one nothing is found again


def _read_secret(file: Path) -> bytes | None:
    try:
        about = file.lstat()
        return file.read_bytes() if is_own(about) and not about.st_mode & 0o077 and about.st_size == SIZE else None
    except OSError:
        return None


@cache
def _private(wanted: Path) -> Path:
    holder = tempfile.TemporaryDirectory(prefix="nnrun-")
    _holders.append(holder)
    text = f"compiled loops are kept for this process only, as others may write to `{wanted}` or a folder above it"
    warnings.warn(text, RuntimeWarning, stacklevel=2)
    return Path(holder.name)


_holders: list[tempfile.TemporaryDirectory[str]] = []
"""Removed when the process ends."""
