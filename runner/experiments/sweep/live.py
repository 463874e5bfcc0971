"""What a person sees while a sweep goes on: one table of all workers in a terminal, a line for each trial in a pipe."""

from __future__ import annotations

import time
from dataclasses import dataclass

from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live as Screen
from rich.table import Table
from rich.text import Text

from nnrun.runner.compiler.text.visible import visible
from nnrun.runner.experiments.sweep.study import STATES, Study
from nnrun.runner.experiments.sweep.summary import TOP, Summary
from nnrun.runner.experiments.sweep.trials import Task
from nnrun.runner.record.result import shown
from nnrun.runner.record.short import differences


@dataclass
class Row:
    """What one worker does."""

    trial: str = ""
    settings: str = ""
    step: int = 0
    steps: int = 0
    value: float | None = None


class Live:
    """The watcher of a sweep that people read. All of it goes to standard error."""

    def __init__(self, console: Console, quiet: bool = False) -> None:
        self.console, self.quiet = console, quiet
        self.screen: Screen | None = None
        self.rows: list[Row] = []
        self.study: Study | None = None
        self.total = 0
        self.began = time.monotonic()
        self.before = 0

    def say(self, text: str) -> None:
        if not self.quiet:
            self.console.print(visible(text), highlight=False, soft_wrap=True, markup=False)

    def start(self, study: Study, total: int, workers: int) -> None:
        self.study, self.total, self.before = study, total, study.over
        self.rows = [Row() for _ in range(workers)]
        if not self.quiet and self.console.file.isatty() and not self.console.is_dumb_terminal:
            self.screen = Screen(console=self.console, get_renderable=self._table, refresh_per_second=4, transient=True)
            self.screen.start()

    def given(self, worker: int, task: Task, settings: tuple[str, ...]) -> None:
        self.rows[worker] = Row(f"{task.trial}" if not task.index else f"{task.trial}.{task.index}", visible(differences(settings)))

    def idle(self, worker: int) -> None:
        """There is nothing more to do for a worker."""
        self.rows[worker] = Row()

    def begun(self, worker: int, steps: int) -> None:
        self.rows[worker].steps = steps

    def stepped(self, worker: int, step: int) -> None:
        self.rows[worker].step = step

    def evaluated(self, worker: int, value: float) -> None:
        self.rows[worker].value = value

    def ended(self, study: Study, number: int, trace: str | None) -> None:
        """A line for a trial that is over."""
        trial = study.trials[number]
        best = study.finished[0] if study.finished else None
        error = study.error(number)
        if error is not None:
            how = f"failed: {error[1]}"
        elif (value := study.value(number)) is not None:
            how = f"{shown(value)}{'  best so far' if best is not None and best.number == number else ''}"
        else:
            how = STATES[trial.state]
        self.say(f"  {study.over:>3}/{self.total}  trial {number:>3}  {differences(study.settings(number))}  {how}")
        if trace is not None:
            self.say(trace)

    def stop(self) -> None:
        if self.screen is not None:
            self.screen.stop()
            self.screen = None

    def _table(self) -> RenderableType:
        assert self.study is not None
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for title, right in {"worker": True, "trial": True, "settings": False, "state": False, "now": True}.items():
            table.add_column(title, justify="right" if right else "left", overflow="ellipsis", no_wrap=True)
        for number, row in enumerate(self.rows, 1):
            state = f"step {row.step} of {row.steps}" if row.steps else "getting ready" if row.trial else ""
            table.add_row(str(number), row.trial, row.settings, state, shown(row.value))
        return Group(table, Text(self._progress()))

    def _progress(self) -> str:
        assert self.study is not None
        done, best = self.study.over, next(iter(self.study.finished), None)
        text = f"{done} of {self.total} trials"
        if done > self.before:
            left = (time.monotonic() - self.began) / (done - self.before) * (self.total - done)
            text += f", about {left / 60:.0f} min left" if left > 90 else f", about {left:.0f} s left"
        return text if best is None else f"{text}; best so far {shown(best.value)}, trial {best.number}"


def best_table(summary: Summary) -> RenderableType:
    """The best trials for the terminal, the first of them in bold."""
    study = summary.study
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("trial", *(path.rpartition(".")[2] for path in study.sweep.over), summary.figure):
        table.add_column(title, justify="right")
    for place, trial in enumerate(study.finished[:TOP]):
        values = [one.partition("=")[2] for one in study.settings(trial.number)]
        table.add_row(str(trial.number), *values, shown(trial.value), style="bold" if place == 0 else None)
    return table
