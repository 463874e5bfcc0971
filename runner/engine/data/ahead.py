"""Items that a thread makes while those before are used."""

from __future__ import annotations

from collections.abc import Iterator
from queue import Queue
from threading import Event, Thread
from typing import TypeVar

V = TypeVar("V")

DEPTH = 4
"""Items that are there before they are wanted."""


def ahead(items: Iterator[V]) -> Iterator[V]:
    """The same items in the same order; what goes wrong in making one is raised where it is wanted."""
    made: Queue[tuple[V | None, BaseException | None]] = Queue(DEPTH)
    left = Event()

    def make() -> None:
        try:
            for item in items:
                made.put((item, None))
                if left.is_set():
                    return
            made.put((None, StopIteration()))
        except BaseException as error:  # raised again by whoever wants the item
            made.put((None, error))

    thread = Thread(target=make, name="ahead", daemon=True)
    thread.start()
    try:
        while True:
            item, error = made.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            yield item  # type: ignore[misc]
    finally:
        left.set()
        while thread.is_alive():  # it may wait for room
            while not made.empty():
                made.get()
            thread.join(0.01)
