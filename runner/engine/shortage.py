"""Memory that does not suffice: refused before anything is allocated, and explained where it runs out all the same."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from nnrun.registry.fault import Fault
from nnrun.runner.compiler.memory.machine import Allowed, allowed
from nnrun.runner.compiler.memory.needs import Memory, in_gib
from nnrun.runner.compiler.memory.remedy import remedy
from nnrun.runner.compiler.text.diagnostic import Path
from nnrun.runner.compiler.types.ops import Op

SAID = (
    "can't allocate memory", "cannot allocate memory", "unable to allocate", "not enough memory", "out of memory", "bad_alloc",
    "failed to map segment", "can't start new thread", "could not create a memory object",
)  # fmt: skip
"""How torch, its kernels and the loader of libraries say that memory ran out, in exceptions that also mean other things."""


class OutOfMemory(Fault):
    """The training needs more memory than it may take."""

    kind = "failed"
    id = "out-of-memory"
    path: tuple[str | int, ...] | None = ("train",)

    def blaming(self, path: Path) -> OutOfMemory:
        """The same, with the value of the spec that is to blame."""
        self.path = path
        return self


class NoRoom(MemoryError):
    """Memory ran out while a node was computed or built."""

    def __init__(self, op: Op, why: str) -> None:
        super().__init__(f"in `{op.name}`: {why}")
        self.op = op


def refuse(memory: Memory, limit: Allowed) -> None:
    """Raises: OutOfMemory if a training is to take more than it may."""
    if memory.total > limit.size:
        room = f"{in_gib(limit.size)} are left of the {in_gib(limit.whole)} that {limit.by}"
        raise OutOfMemory(f"the training needs about {in_gib(memory.total)} of memory, and {room}", remedy(memory)).blaming(
            memory.largest.path
        )


def is_shortage(error: BaseException) -> bool:
    """Whether an exception says that memory ran out."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    return isinstance(error, RuntimeError | ImportError | OSError) and any(words in str(error).lower() for words in SAID)


def blame(op: Op, error: Exception) -> None:
    """Name the node that was at work. Raises: NoRoom if memory ran out there."""
    if is_shortage(error) and not isinstance(error, NoRoom):
        raise NoRoom(op, str(error)) from error


@contextmanager
def explained(planned: Callable[[], Memory | None]) -> Iterator[None]:
    """Within it, memory that runs out is an `OutOfMemory` with what was planned. What was on the way is let go of, so that there is room
    to record it."""
    fault = None
    try:
        yield
    except Exception as error:
        if not is_shortage(error):
            raise
        traceback.clear_frames(error.__traceback__)
        fault = _ran_out(error, planned())
    if fault is not None:
        raise fault from None


def _ran_out(error: Exception, memory: Memory | None) -> OutOfMemory:
    where = f" in `{error.op.name}`" if isinstance(error, NoRoom) else ""
    limit = allowed()
    room = f"{limit.by} {in_gib(limit.whole)} in all"
    if memory is None:
        return OutOfMemory(f"memory ran out{where}; {room}", "give it more memory, or less to do at once")
    fault = OutOfMemory(f"memory ran out{where}: about {in_gib(memory.total)} were planned beyond the imports, and {room}", remedy(memory))
    return fault.blaming(error.op.path if isinstance(error, NoRoom) else memory.largest.path)
