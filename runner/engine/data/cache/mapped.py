"""Files that are mapped into memory, and larger than it: what was read of them is given back while the training goes on."""

from __future__ import annotations

import ctypes
import mmap
import time
import weakref
from collections.abc import Iterable
from threading import Thread

from torch import Tensor

EVERY = 0.1
"""Seconds between two times: what is read meanwhile is all of a file that is in memory."""


def give_back(tensors: Iterable[Tensor]) -> None:
    """From now on, as long as these tensors are there, pages of theirs that were read leave this process; the system may keep them."""
    if hasattr(mmap, "MADV_DONTNEED"):
        Thread(target=_give_back, args=([weakref.ref(tensor) for tensor in tensors],), name="pages", daemon=True).start()


def _give_back(tensors: list[weakref.ref[Tensor]]) -> None:
    advise = ctypes.CDLL(None).madvise
    while any(tensor() is not None for tensor in tensors):
        for held in tensors:
            if (tensor := held()) is not None:
                storage = tensor.untyped_storage()
                first = -(-storage.data_ptr() // mmap.PAGESIZE) * mmap.PAGESIZE
                size = storage.data_ptr() + storage.nbytes() - first
                if size > 0:
                    advise(ctypes.c_void_p(first), ctypes.c_size_t(size), mmap.MADV_DONTNEED)
                del storage, tensor
        time.sleep(EVERY)
