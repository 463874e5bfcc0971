"""The owner's side of the workers of a sweep, wherever they are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from nnrun.registry.fault import Fault
from nnrun.runner.compiler.language.training import Train
from nnrun.runner.experiments.sweep.trials import Said, Task
from nnrun.runner.tracking.store import Store


@dataclass(frozen=True)
class Call:
    """What workers are called for."""

    store: Store
    train: Train
    """How they train, which says what each needs."""
    most: int
    """More of them would have nothing to do."""
    say: Callable[[str], None]
    """Tells people what is waited for."""


class Worker(ABC):
    """Runs one task after the other."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.task: Task | None = None

    @property
    def is_there(self) -> bool:
        """Whether it can be given a task."""
        return True

    @abstractmethod
    def tell(self, what: Task | bool) -> None:
        """Say something to it. That it has died `Workers.said` tells."""


class Workers(ABC):
    """Some workers, none of which waits for another."""

    all: Sequence[Worker]

    @property
    def idle(self) -> list[Worker]:
        return [worker for worker in self.all if worker.is_there and worker.task is None]

    @property
    def busy(self) -> list[Worker]:
        return [worker for worker in self.all if worker.task is not None]

    def give(self, worker: Worker, task: Task) -> None:
        worker.task = task
        worker.tell(task)

    def answer(self, worker: Worker, answer: bool) -> None:
        """Tell a worker whether to give up its trial."""
        worker.tell(answer)

    @abstractmethod
    def said(self, seconds: float) -> Iterator[tuple[Worker, Said]]:
        """What the workers say within some seconds. Of one who died, the task is still known when it is told."""

    @abstractmethod
    def stop(self) -> None:
        """Ask all to end, and wait for them a little."""


Engine = Callable[[Call], Workers]
"""Where the trials run."""


class NoRay(Fault):
    """Ray cannot run the trials."""

    kind = "missing"
    id = "no-ray"
