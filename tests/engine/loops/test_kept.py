"""Compiled code that is kept: what somebody else has put there is never loaded."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from nnrun.runner.compiler.loops.execution import compiler
from nnrun.runner.engine.loops.code import kept, native_build
from nnrun.runner.untrusted.own import is_safe

pytestmark = pytest.mark.skipif(compiler() is None, reason="no C++ compiler is on this machine")

COMMON, LOOP = 'extern "C" int common() { return 1; }', 'extern "C" int answer() { return 42; }'


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache in which a loop lies, as another process left it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    built()
    yield tmp_path / "nnrun" / "loops"
    forget()


def forget() -> None:
    native_build.build.cache_clear()
    kept._private.cache_clear()


def built() -> Path:
    """Where the library lies that is loaded."""
    forget()
    library = native_build.build(LOOP, COMMON)
    assert library.answer() == 42
    return Path(library._name)


@pytest.fixture
def evil(tmp_path: Path) -> Path:
    """A library that notes that it was loaded."""
    source, library = tmp_path / "evil.cpp", tmp_path / "evil.so"
    source.write_text(
        '#include <stdlib.h>\nextern "C" int answer() { return 13; }\n'
        f'__attribute__((constructor)) static void run() {{ system("touch {tmp_path}/ran"); }}\n'
    )
    call = compiler()
    assert call is not None
    subprocess.run([*call, "-shared", "-fPIC", str(source), "-o", str(library)], check=True)
    return library


def test_a_loop_that_was_compiled_is_found_again(cache: Path) -> None:
    before = {file: file.stat().st_mtime_ns for file in cache.iterdir()}

    built()

    assert {file: file.stat().st_mtime_ns for file in cache.iterdir()} == before


@pytest.mark.parametrize("name", ["key", "sealed", "both"])
def test_a_planted_library_is_not_loaded(cache: Path, evil: Path, name: str) -> None:
    """Under the right key: beside the right one, in its place, and with the seal of another file."""
    (library,) = cache.glob("*.so")
    key = library.name.partition("-")[0]
    planted = {"key": f"{key}-{'0' * 32}.so", "sealed": library.name, "both": f"{key}-{next(cache.glob('*.o')).stem.partition('-')[2]}.so"}
    evil.chmod(0o700)
    evil.rename(cache / planted[name])

    built()

    assert not (cache.parent.parent / "ran").exists()


def test_a_seal_is_that_of_one_source(cache: Path, evil: Path) -> None:
    """The right file under the key of another source is not taken for it."""
    (library,) = cache.glob("*.so")
    _, _, seal = library.name.partition("-")

    (cache / f"other-{seal}").write_bytes(library.read_bytes())

    assert kept.find(cache, "other", ".so") is None


@pytest.mark.parametrize("rights", [0o720, 0o702, 0o777])
def test_a_file_that_others_may_write_is_made_anew(cache: Path, rights: int) -> None:
    (library,) = cache.glob("*.so")
    library.chmod(rights)

    assert stat.S_IMODE(built().stat().st_mode) == 0o700


def test_a_link_is_not_followed(cache: Path, evil: Path) -> None:
    (library,) = cache.glob("*.so")
    copy = library.rename(cache / "elsewhere.so")
    library.symlink_to(copy)

    assert not built().is_symlink()


def test_a_secret_that_others_may_read_is_replaced(cache: Path) -> None:
    secret = cache / kept.SECRET
    before = secret.read_bytes()
    secret.chmod(0o644)

    built()

    assert secret.read_bytes() != before
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600


def test_a_folder_of_the_users_own_is_closed_to_others(cache: Path) -> None:
    cache.chmod(0o777)

    built()

    assert stat.S_IMODE(cache.stat().st_mode) == 0o700


def test_below_a_folder_that_others_may_change_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    monkeypatch.setenv("XDG_CACHE_HOME", str(shared))

    with pytest.warns(RuntimeWarning, match=f"for this process only, as others may write to `{shared}/nnrun/loops` or a folder above it"):
        library = built()

    assert not library.is_relative_to(shared)
    assert stat.S_IMODE(library.parent.stat().st_mode) == 0o700
    forget()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make a folder of somebody else's")
@pytest.mark.parametrize("place", ["folder", "file"])
def test_what_belongs_to_somebody_else_is_not_loaded(cache: Path, place: str, recwarn: pytest.WarningsRecorder) -> None:
    (library,) = cache.glob("*.so")
    os.chown(cache if place == "folder" else library, 65534, 65534)

    found = built()

    assert found.stat().st_uid == os.getuid()
    assert found.parent == cache if place == "file" else found.parent != cache


@pytest.mark.parametrize(("rights", "owner", "safe"), [(0o1777, 0, True), (0o777, 0, False), (0o755, 0, True), (0o775, 0, True)])
def test_a_folder_above_is_safe_if_nobody_else_may_rename_in_it(tmp_path: Path, rights: int, owner: int, safe: bool) -> None:
    tmp_path.chmod(rights)

    assert is_safe(tmp_path) == safe
