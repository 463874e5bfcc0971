"""Generated C++ -> a loaded library: compiled by the machine's compiler, once, and kept in the user's cache."""

from __future__ import annotations

import ctypes
import hashlib
import platform
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

from nnrun.runner.compiler.loops.execution import compiler
from nnrun.runner.engine.loops.code import kept
from nnrun.runner.untrusted.own import cache as cache_folder

FLAGS = (
    "-O3", "-std=c++17", "-fPIC", "-fopenmp-simd", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math",
)  # fmt: skip
"""Not `-ffast-math`: a library linked with it makes the whole process flush tiny numbers to zero, and its code cannot see NaN. Nor
`-fno-signed-zeros`, with which GCC 12 takes zero times a vector for zeros."""


class CompilerError(Exception):
    """The machine's compiler did not take generated code."""


@cache
def build(text: str, common: str) -> ctypes.CDLL:
    """The library of a C++ text, with that of a text which is the same for many and so is compiled once. Raises: CompilerError."""
    return ctypes.CDLL(str(_made(text, ".so", "-shared", str(_made(common, ".o", "-c")), "-lm")))


def _made(text: str, suffix: str, *more: str) -> Path:
    """What the compiler makes of a text, with more words of its command. Raises: CompilerError."""
    call = compiler()
    if call is None:
        raise CompilerError("no C++ compiler is on this machine")
    version = _version(call)
    command = (*call, *FLAGS, *_machine_flags(version))
    key = hashlib.sha256("\0".join(("sealed", text, *command, *more, version, _cpu())).encode()).hexdigest()[:32]
    place = kept.folder(cache_folder("loops"))
    if (found := kept.find(place, key, suffix)) is not None:
        return found
    _sweep(place)
    # Made in a folder of its own and then renamed: another process sees the whole file or none.
    with tempfile.TemporaryDirectory(dir=place) as private:
        source, made = Path(private, "loop.cpp"), Path(private, f"loop{suffix}")
        source.write_text(text)
        code, said = _run([*command, str(source), *more, "-o", str(made)])
        if code:
            raise CompilerError(f"`{' '.join(call)}` did not compile a generated loop\n{said[-2000:]}".rstrip())
        return kept.keep(place, key, made)


def _sweep(place: Path) -> None:
    """Remove what killed processes left behind, an hour later."""
    for left in place.glob("tmp*"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > 3600:
                shutil.rmtree(left)


def _run(command: Sequence[str]) -> tuple[int, str]:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", errors="replace")
    return done.returncode, done.stdout


@cache
def _version(call: tuple[str, ...]) -> str:
    return _run([*call, "--version"])[1]


def _machine_flags(version: str) -> tuple[str, ...]:
    """For the vectors of this very CPU; the key of the cache holds its abilities."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return ("-mcpu=native",)
    library, number = platform.libc_ver()
    # glibc 2.35 was the first to have all functions that we call for whole vectors; clang does not know how to declare them.
    vector = library == "glibc" and tuple(map(int, number.split("."))) >= (2, 35) and "clang" not in version
    return ("-march=native", "-mprefer-vector-width=512", *(["-DVECTOR_LIBM"] if vector else []))


@cache
def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except FileNotFoundError:  # not Linux
        return platform.processor()
    return "\n".join(sorted({line for line in lines if line.startswith(("flags", "Features", "model name"))}))
