"""Libraries are imported together, where a run begins."""

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager

from nnrun.runner.allocator import share_memory
from nnrun.runner.signals import held, is_ours
from nnrun.runner.spans import IMPORTS

_frozen = False


@contextmanager
def importing() -> Iterator[None]:
    """Within it a signal waits, for a library that is broken off takes it for an error; and nobody looks for garbage: of the million
    objects that torch and MLflow make none is any. In a process of our own they are never looked at again."""
    global _frozen
    if is_ours():
        share_memory()
        os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")  # imported later; its own pool takes 10 MB, however little it holds
    collects = gc.isenabled()
    gc.disable()
    try:
        with held(), IMPORTS:
            yield
    finally:
        if is_ours() and not _frozen:  # once: later there may be garbage, the network of the run before
            gc.freeze()
            _frozen = True
        if collects:
            gc.enable()
