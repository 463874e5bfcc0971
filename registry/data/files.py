"""Files of data: found relative to the spec, and kept inside given folders where a spec is not trusted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nnrun.registry.source import SourceError

_roots: tuple[Path, ...] | None = None
"""Folders that may be read; None: all."""


@contextmanager
def confined(*folders: Path) -> Iterator[None]:
    """Within it, the whole process reads data from these folders only, links followed, and fetches nothing."""
    global _roots
    before, _roots = _roots, tuple(folder.resolve() for folder in folders)
    try:
        yield
    finally:
        _roots = before


def is_confined() -> bool:
    """Whether a spec is run that is not trusted."""
    return _roots is not None


def locate(folder: Path, path: str) -> Path:
    """A path of a spec or a table made absolute, without links. Raises: SourceError if it leaves the allowed folders."""
    found = (folder / Path(path).expanduser()).resolve()
    if _roots is not None and not any(found.is_relative_to(root) for root in _roots):
        allowed = ", ".join(f"`{root}`" for root in _roots) or "no folder"
        message = f"`{path}` leads to `{found}`, but data may be read from {allowed} only"
        raise SourceError(message, "move the data into the spec's folder, or allow its folder")
    return found


def existing(folder: Path, path: str) -> Path:
    """The same, of a file or folder that is there. Raises: SourceError."""
    found = locate(folder, path)
    if not found.exists():
        raise SourceError(f"`{path}` does not exist", f"it was looked for at `{found}`; paths are relative to the spec's folder")
    return found


def read_text(file: Path, encoding: str = "utf-8") -> str:
    """The text of a file, with `\\n` at the ends of lines. Raises: SourceError if it is in another encoding."""
    try:
        return file.read_text("utf-8-sig" if encoding == "utf-8" else encoding)
    except LookupError:
        raise SourceError(f"no encoding is called `{encoding}`", "utf-8 and latin-1 are common") from None
    except UnicodeDecodeError as error:
        message = f"`{file}` is not {encoding}: byte {error.start} cannot be read"
        raise SourceError(message, "`encoding: latin-1` reads most older files") from None
    except OSError as error:
        raise SourceError(f"`{file}` cannot be read: {error.strerror}", "name a file that may be read") from None
