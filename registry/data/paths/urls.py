"""Files elsewhere: fetched once through fsspec, and kept in a cache, where they are files as any other."""

from __future__ import annotations

import re
from pathlib import Path

from nnrun.registry.data.fetch import cache
from nnrun.registry.data.files import is_confined, shown_path
from nnrun.registry.source import SourceError

REMOTE = frozenset(
    ["http", "https", "s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "hf", "oss", "ftp", "sftp", "ssh", "smb", "hdfs", "webhdfs"]
)
"""What a URL may begin with. fsspec knows more, which read files of this machine, past the checks of paths."""

LARGEST = 1 << 34
"""Bytes of a file."""

_PATIENCE = 3600
"""Seconds to wait for another process that fetches the same file."""

_SILENCE = 60
"""Seconds to wait for a server to say something."""


def is_url(path: str) -> bool:
    """Whether a path of a spec means a file elsewhere. Nothing is opened."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]*:(:|//)", path) is not None


def kept(url: str) -> Path:
    """Where the file of a URL lies once it is fetched, under its own name."""
    from hashlib import sha256
    from urllib.parse import unquote, urlsplit

    name = re.sub(r"[^\w.-]", "_", unquote(urlsplit(url).path).rpartition("/")[2])[-100:].lstrip(".")
    return cache() / "urls" / sha256(url.encode()).hexdigest()[:32] / (name or "data")


def fetched(url: str) -> Path:
    """The file of a URL, from the cache or fetched. Several processes may ask at once: one fetches.

    Raises: SourceError, always where a spec is run that is not trusted.
    """
    from filelock import FileLock, Timeout

    if is_confined():
        raise SourceError(f"{shown_path(url)} is not on this machine, and a spec that is not trusted fetches nothing", "name a file")
    if url.partition(":")[0].lower() not in REMOTE or "::" in url:
        wanted = ", ".join(f"`{scheme}://`" for scheme in ("https", "s3", "gs"))
        raise SourceError(
            f"{shown_path(url)} is no URL that is fetched", f"begin it with {wanted} or the like; a file here is named by its path"
        )
    file = kept(url)
    try:
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{file.parent}.lock", timeout=_PATIENCE):
                if not file.exists():
                    _fetch(url, file)
    except Timeout:
        message = f"another process has been fetching {shown_path(url)} for {_PATIENCE} seconds"
        raise SourceError(message, "wait for it, or end it") from None
    except OSError as error:
        message = f"the cache `{cache()}` cannot be used: {error.strerror or error}"
        raise SourceError(message, "set XDG_CACHE_HOME to a folder that can be written") from error
    return file


def _fetch(url: str, file: Path) -> None:
    """Download beside the final place, then rename: the file is there whole or not at all."""
    import shutil

    folder = file.parent / "part"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        _download(url, folder / file.name)
        if not (folder / file.name).is_file():
            raise SourceError(f"{shown_path(url)} is a folder, where a file is wanted", "name each file under `files`")
        (folder / file.name).replace(file)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _download(url: str, file: Path) -> None:
    """Raises: SourceError."""
    try:
        from fsspec.callbacks import Callback
        from fsspec.core import url_to_fs

        system, path = url_to_fs(url, **_patient(url))
    except ImportError as error:  # of fsspec itself, or of what it needs for this kind of URL
        message = f"{shown_path(url)} needs a package that is not installed: {error}"
        raise SourceError(message, 'pip install "nnrun[remote]"; other kinds of URL than https need a package of their own') from None
    try:
        system.get_file(path, str(file), callback=Callback(hooks={"bound": _refuse_large}))
    except SourceError as error:
        raise SourceError(f"{shown_path(url)} {error.message}", error.help) from None
    except FileNotFoundError:
        raise SourceError(f"{shown_path(url)} does not exist", "look whether the URL is right") from None
    except Exception as error:  # each kind of storage has its own
        help = f"try again with a network and the right to read it; or save the file as `{kept(url)}`"
        raise SourceError(f"{shown_path(url)} cannot be fetched: {error or type(error).__name__}", help) from error


def _patient(url: str) -> dict[str, object]:
    """Options for servers that take long as long as they go on; else five minutes are all."""
    if not url.lower().startswith("http"):
        return {}
    from aiohttp import ClientTimeout

    return {"client_kwargs": {"timeout": ClientTimeout(total=None, sock_connect=_SILENCE, sock_read=_SILENCE)}}


def _refuse_large(size: int, value: int, **_: object) -> None:
    """Raises: SourceError if so many bytes are announced, or have come."""
    if max(size, value) > LARGEST:
        raise SourceError(f"has more than {LARGEST:,} bytes, which are allowed", "divide it into several files")
