"""Files that are mapped into memory, and larger than it: what was read of them is given back while the training goes on."""

from __future__ import annotations

import ctypes
import mmap
import time
import weakref
from collections.abc import Iterable
from pathlib import Path
from threading import Thread

from torch import Tensor

STATUS = Path("/proc/self/statm")
"""Where Linux tells of a process's memory, in pages."""

MOST = 1 << 28
"""Bytes of files that may be in the memory of this process until they are given back."""

EVERY = 0.01
"""Seconds between two looks at how many there are: what is read meanwhile comes on top."""


def give_back(tensors: Iterable[Tensor]) -> None:
    """From now on, as long as these tensors are there, pages of theirs that were read leave this process; the system may keep them."""
    if hasattr(mmap, "MADV_DONTNEED") and STATUS.exists():
        Thread(target=_give_back, args=([weakref.ref(tensor) for tensor in tensors],), name="pages", daemon=True).start()


def _give_back(tensors: list[weakref.ref[Tensor]]) -> None:
    advise, before = ctypes.CDLL(None).madvise, _mapped()
    while any(tensor() is not None for tensor in tensors):
        for held in tensors if _mapped() - before > MOST else ():
            if (tensor := held()) is not None:
                storage = tensor.untyped_storage()
                first = -(-storage.data_ptr() // mmap.PAGESIZE) * mmap.PAGESIZE
                size = storage.data_ptr() + storage.nbytes() - first
                if size > 0:
                    advise(ctypes.c_void_p(first), ctypes.c_size_t(size), mmap.MADV_DONTNEED)
                del storage, tensor
        time.sleep(EVERY)


def _mapped() -> int:
    """Bytes of all files in the memory of this process, libraries among them."""
    return int(STATUS.read_text().split()[2]) * mmap.PAGESIZE
