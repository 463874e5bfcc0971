"""Libraries are imported together, where a run begins."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from nnrun.runner.signals import held
from nnrun.runner.spans import IMPORTS


@contextmanager
def importing() -> Iterator[None]:
    """Within it a signal waits, for a library that is broken off takes it for an error; and nobody looks for garbage: of the million
    objects that torch and MLflow make none is any, now or later."""
    collects = gc.isenabled()
    gc.disable()
    try:
        with held(), IMPORTS:
            yield
    finally:
        gc.freeze()
        if collects:
            gc.enable()
