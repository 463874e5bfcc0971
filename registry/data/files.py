"""Files of data: found relative to the spec, and kept inside given folders where a spec is not trusted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nnrun.registry.source import SourceError

PACKAGED = "package:"
"""What a path begins with that leads into an installed package: `package:NAME/PATH`."""

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
    """A path of a spec or a table made absolute, without links; `package:NAME/PATH` is that of a file which a package ships.

    Raises: SourceError if it is none, or leaves the allowed folders.
    """
    try:
        found = (_in_package(path) if path.startswith(PACKAGED) else folder / Path(path).expanduser()).resolve()
        found.lstat()
    except (FileNotFoundError, NotADirectoryError):
        pass  # nothing is there, which whoever opens it will say
    except (OSError, RuntimeError, ValueError) as error:  # too long, links in a circle, nobody's home, a sign that no path can have
        why = error.strerror if isinstance(error, OSError) else str(error).partition(" from ")[0]
        raise SourceError(
            f"{shown_path(path)} is no path of a file: {str(why).lower()}", "write one that starts at the spec's folder"
        ) from None
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


def shown_path(text: str) -> str:
    """What a spec says where a path is wanted, inside a sentence."""
    return f"`{text if len(text) <= 80 else text[:77] + '...'}`".encode(errors="backslashreplace").decode().replace("\0", "\\0")


def _in_package(path: str) -> Path:
    """A file that pip has installed, by the name of its package and its place as `pip show --files` lists it. Nothing is imported.

    Raises: SourceError.
    """
    from importlib.metadata import PackageNotFoundError, distribution

    name, _, file = path.removeprefix(PACKAGED).partition("/")
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", name) or not file:
        raise SourceError(f"{shown_path(path)} is no path into a package", "write `package:NAME/PATH`, as `pip show --files NAME` lists it")
    try:
        package = distribution(name)
    except PackageNotFoundError:
        raise SourceError(f"{shown_path(path)} needs the package {name}, which is not installed", f"pip install {name}") from None
    found = next((one for one in package.files or () if str(one) == file), None)
    if found is None:
        raise SourceError(f"the package {name} ships no file {shown_path(file)}", f"`pip show --files {name}` lists those that it does")
    return Path(str(package.locate_file(found)))
