"""Data in the source archives of Python packages: fetched once by pip, checked, and kept in a cache."""

from __future__ import annotations

import os
from pathlib import Path

from nnrun.registry.data.files import is_confined
from nnrun.registry.data.reading import read_bytes
from nnrun.registry.source import SourceError

_PATIENCE = 300
"""Seconds to wait for another process that fetches the same archive, and for pip."""

_LARGEST = 1 << 28
"""Bytes of an archive."""

_FULL = "no space left on device"
_ROOM = "make room, or set XDG_CACHE_HOME and TMPDIR to folders on another disk"


def cache() -> Path:
    """Folder of fetched data: nnrun in `$XDG_CACHE_HOME`, or in ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nnrun"


def source_archive(package: str, version: str, sha256: str) -> bytes:
    """The source archive of a package on the package index, from the cache or fetched.

    Only an archive with this checksum is returned; pip checks it too, before it looks inside. Several processes may ask at
    once: one fetches. Raises: SourceError without a cache and a network, or if the archive is another.
    """
    from filelock import FileLock, Timeout

    file = cache() / f"{package}-{version}.tar.gz"
    try:
        if not file.exists():
            if is_confined():
                raise SourceError(
                    f"`{file.name}` is not in the cache, and a spec that is not trusted fetches nothing", _by_hand(package, version)
                )
            file.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{file}.lock", timeout=_PATIENCE):
                if not file.exists():
                    _fetch(package, version, sha256, file)
        archive = read_bytes(file, _LARGEST)
    except Timeout:
        raise SourceError(f"another process has been fetching `{file.name}` for {_PATIENCE} seconds", "wait for it, or end it") from None
    except OSError as error:
        message = f"the cache `{file.parent}` cannot be used: {error.strerror or error}"
        raise SourceError(message, "set XDG_CACHE_HOME to a folder that can be written") from error
    _check(archive, sha256, file)
    return archive


def member(archive: bytes, name: str) -> bytes:
    """One file of a tar archive, read without unpacking anything to disk."""
    import tarfile
    from io import BytesIO

    with tarfile.open(fileobj=BytesIO(archive)) as opened:
        file = opened.extractfile(name)
        assert file is not None, f"{name} is a file of the checked archive"
        return file.read()


def _fetch(package: str, version: str, sha256: str, file: Path) -> None:
    """Download beside the final place, then rename: the file is there whole or not at all. Whoever fetches holds the lock, so that what
    lies there was left by one that was killed."""
    import shutil

    folder = Path(f"{file}.part")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        reason = _download(package, version, sha256, folder)
        fetched = folder / file.name
        if reason is not None or not fetched.exists():  # a full disk leaves a part of it
            help = _ROOM if reason == _FULL else _by_hand(package, version)
            raise SourceError(f"`{file.name}` is not in the cache and cannot be fetched: {reason or 'pip brought another file'}", help)
        _check(read_bytes(fetched, _LARGEST), sha256, fetched)
        fetched.replace(file)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


_PIP = """
import os, runpy, threading
threading.Thread(target=lambda: (os.read(0, 1), os._exit(1)), daemon=True).start()
runpy.run_module("pip", run_name="__main__", alter_sys=True)
"""
"""pip, which ends when its standard input does: it shall not go on when this process is killed."""


def _download(package: str, version: str, sha256: str, folder: Path) -> str | None:
    """Let pip fetch an archive into a folder; what it says where it did not."""
    import subprocess
    import sys

    wanted = folder / "requirements.txt"
    wanted.write_text(f"{package}=={version} --hash=sha256:{sha256}\n")
    # without -P a `pip.py` in the current folder would be run
    command = [sys.executable, "-P", "-c", _PIP, "download", "--no-deps", "--no-binary", package, "--no-cache-dir", "--retries", "1"]
    ours, its = os.pipe()
    try:
        done = subprocess.run(
            [*command, "--dest", str(folder), "-r", str(wanted)],
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            stdin=ours,
            env=os.environ | {"TMPDIR": str(folder)},
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"no answer in {_PATIENCE} seconds"
    finally:
        os.close(ours)
        os.close(its)
    return _reason(done.stderr) if done.returncode else None


def _reason(said: str) -> str:
    """Why pip failed, in its own words where they tell."""
    if "Retrying" in said:
        return "the package index cannot be reached"
    if _FULL in said.lower():
        return _FULL
    lines = [line.strip() for line in said.splitlines() if line.startswith("ERROR") or "No module" in line]
    return lines[0] if lines else "pip failed"


def _check(archive: bytes, sha256: str, file: Path) -> None:
    from hashlib import sha256 as digest

    found = digest(archive).hexdigest()
    if found != sha256:
        raise SourceError(f"`{file}` has the checksum {found}, but {sha256} is wanted", "remove the file; it is then fetched anew")


def _by_hand(package: str, version: str) -> str:
    return f"with a network, run: python -m pip download --no-deps --no-binary {package} {package}=={version} --dest {cache()}"
