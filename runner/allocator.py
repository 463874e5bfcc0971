"""The C library's allocator, in a process that trains."""

from __future__ import annotations

import ctypes
import os
import platform
from functools import cache

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX, M_ARENA_MAX = -1, -2, -4, -8
"""Options of glibc's `mallopt`."""

MUCH = 2**31 - 1
"""Bytes; the largest number that `mallopt` takes."""


def share_memory() -> None:
    """Let all threads that begin later take their memory from one place: what one makes, such as a batch, and another lets go of would
    pile up where it was made."""
    allocator = _allocator()
    if allocator is not None:
        allocator.mallopt(M_ARENA_MAX, 1)


def keep_memory() -> None:
    """Let the process keep the memory that tensors give back, instead of fetching it from the system again at every step.

    On large batches a quarter of a step was page faults.
    """
    allocator = _allocator()
    if allocator is not None:
        for option, value in ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, MUCH), (M_TOP_PAD, 64 << 20)):
            allocator.mallopt(option, value)


def give_back_memory() -> None:
    """Give the system what is kept and nobody uses: the training is over."""
    allocator = _allocator()
    if allocator is not None:
        allocator.malloc_trim(0)


@cache
def _allocator() -> ctypes.CDLL | None:
    """The C library, if it is glibc's and nobody has set its allocator by variables."""
    if platform.libc_ver()[0] != "glibc" or any(name.startswith(("MALLOC_", "GLIBC_TUNABLES")) for name in os.environ):
        return None
    return ctypes.CDLL(None)
