"""What is done with the data beside the training, in a thread: found data is proved, new data is kept."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from nnrun.registry.fault import Fault


class ChangedData(Fault):
    """What a run began to learn from, as it was kept, is not what its files hold."""

    kind = "data"
    id = "changed-data"
    path = ("data", "source")


class Proof:
    """Work that may end the run; without any it is settled."""

    def __init__(self, work: Callable[[], str | None] | None = None) -> None:
        self._ends: Future[str | None] | None = None
        if work is not None:
            thread = ThreadPoolExecutor(1, "data")
            self._ends = thread.submit(work)
            thread.shutdown(wait=False)

    def look(self) -> None:
        """Raises: ChangedData, if that was found by now."""
        if self._ends is not None and self._ends.done():
            self._ends.result()

    def settle(self, say: Callable[[str], None]) -> None:
        """Wait for the end of it, and say what people should know of it. Raises: ChangedData."""
        if self._ends is not None and (note := self._ends.result()) is not None:
            say(note)
