"""What a person sees while a run goes on: a bar in a terminal, plain lines in a pipe. All of it goes to standard error."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from nnrun.runner.compiler.text.visible import visible

SHOWN = ("loss", "accuracy", "f1", "rmse", "r2", "mae", "perplexity", "bits_per_character", "exact_match", "loglik", "pseudo_likelihood")

LINES = 25
"""Evaluations that are told of in a pipe, with the first and the last; more would bury them."""


class Display:
    """The watcher of a training that people read."""

    def __init__(self, console: Console, quiet: bool = False) -> None:
        self.console = console
        self.quiet = quiet
        self.progress: Progress | None = None
        self.task: TaskID | None = None
        self.objective = "valid/loss"
        self.between = 0.0
        """Updates between two evaluations that are told of."""
        self.told = -1
        """The step of the last one."""
        self.waiting: str | None = None
        """One that was not told of: the last is."""
        self.asked: frozenset[str] = frozenset()
        """Metrics that the spec names: they are shown whatever they are."""

    def say(self, text: str, style: str | None = None) -> None:
        """One line, above the bar."""
        if not self.quiet:
            self.console.print(visible(text), style=style, highlight=False, soft_wrap=True, markup=False)

    def start(self, title: str, steps: int, objective: str) -> None:
        """A training of so many updates begins."""
        self.objective = objective
        is_piped = not self.console.file.isatty() or self.console.is_dumb_terminal  # FORCE_COLOR makes no terminal of a pipe
        self.between = steps / LINES if is_piped else 0.0
        if self.quiet or is_piped:
            self.say(f"{title}: {steps} steps")
            return
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[figures]}"),
        )
        self.progress = Progress(*columns, console=self.console, transient=True)
        self.task = self.progress.add_task(title, total=steps, figures="")
        self.progress.start()

    def stepped(self, step: int, loss: float | None) -> None:
        if self.progress is not None and self.task is not None:
            self.progress.update(self.task, completed=step, figures=f"loss {loss:.4f}" if loss is not None else "")

    def evaluated(self, step: int, epoch: int, figures: Mapping[str, float]) -> None:
        """The validation part was judged."""
        wanted = self.asked.union(SHOWN)
        shown = [name for name in figures if (name.startswith("valid/") and name.partition("/")[2] in wanted) or name == self.objective]
        where = f"epoch {epoch:>3}  step {step:>6}" if step else "before training  "
        line = f"  {where}  " + "  ".join(f"{name} {figures[name]:.4f}" for name in shown)
        if self.told > 0 and step - self.told < self.between:
            self.waiting = line
            return
        self.told, self.waiting = step, None
        self.say(line)

    def recall(self, step: int, figures: Mapping[str, float]) -> None:
        """Figures of a run that goes on, from before it was broken off."""

    def stop(self) -> None:
        """The training is over, well or not."""
        if self.waiting is not None:
            self.say(self.waiting)
            self.waiting = None
        if self.progress is not None:
            self.progress.stop()
            self.progress = None
