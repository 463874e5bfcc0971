"""Who keeps a training while it goes on, so that it continues as if nothing had happened after an end that nobody wanted."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from nnrun.registry.fault import Fault
from nnrun.runner.compiler.language.training import Checkpoint
from nnrun.runner.engine.checkpoint.kept import Kept
from nnrun.runner.engine.checkpoint.snapshot import Snapshot
from nnrun.runner.signals import Stopped, held, released

SHARE = 25
"""How many times longer than the last save took it is until the next one: at most 4 % of the time goes into saving."""


class Keeper:
    """Keeps nothing: for trainings that are over in a moment."""

    def begin(self, stage: int, before: Mapping[str, Any], settings: Checkpoint) -> None:
        """A stage begins, counted from 1; `before` is what those before it gave."""

    def is_due(self, step: int) -> bool:
        """Whether it is time to save, after so many steps of the stage."""
        return False

    def keep(self, snapshot: Snapshot) -> None:
        """Save a training as it stands between two steps."""

    @contextmanager
    def breakable(self, snapshot: Callable[[], Snapshot]) -> Iterator[None]:
        """Something that leaves the training as it is and may take long: a signal breaks it off, and it will be done again."""
        with released():
            yield


@dataclass
class Checkpoints(Keeper):
    """Writes checkpoints, as a spec says when."""

    kept: Kept
    about: Mapping[str, Any]
    """Where the training is made: its manifest says it."""
    told: Callable[[], Mapping[str, Any]]
    """What the record of the run has to be reminded of; it is safe on the disk when this returns."""
    say: Callable[[str], None]
    stage: int = 1
    before: Mapping[str, Any] = field(default_factory=dict)
    settings: Checkpoint = field(default_factory=Checkpoint)
    due: float = math.inf
    """When the next one is written, by `time.monotonic`."""
    failed: bool = False
    """Whether the disk refused the last one."""

    def begin(self, stage: int, before: Mapping[str, Any], settings: Checkpoint) -> None:
        self.stage, self.before, self.settings = stage, before, settings
        self.due = time.monotonic() + settings.every

    def is_due(self, step: int) -> bool:
        return time.monotonic() >= self.due or (self.settings.steps is not None and step % self.settings.steps == 0)

    def keep(self, snapshot: Snapshot) -> None:
        """Save; where the disk refuses, the training goes on, and people are told."""
        began = time.monotonic()
        with held():
            try:
                self.kept.write(replace(snapshot, stage=self.stage, before=self.before, watcher=self.told()), self.about)
            except (OSError, Fault) as error:
                if not self.failed:
                    self.say(f"warning: the training cannot be saved and goes on: {error}")
                self.failed = True
            else:
                self.failed = False
        now = time.monotonic()
        self.due = now + max(self.settings.every, SHARE * (now - began))

    @contextmanager
    def breakable(self, snapshot: Callable[[], Snapshot]) -> Iterator[None]:
        before = snapshot()
        try:
            with released():
                yield
        except Stopped:
            self.keep(before)
            raise
