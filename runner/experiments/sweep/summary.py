"""What a sweep leaves behind: its own run in MLflow, above those of its trials, and the best spec as a file."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nnrun.runner.compiler.plan import Plan
from nnrun.runner.compiler.swept import setting
from nnrun.runner.experiments.sweep import space
from nnrun.runner.experiments.sweep.best_spec import best_spec
from nnrun.runner.experiments.sweep.study import STATES, Study
from nnrun.runner.experiments.sweep.trials import decisive
from nnrun.runner.job import Job
from nnrun.runner.record.result import shown
from nnrun.runner.record.short import differences
from nnrun.runner.tracking.known import KIND, SWEEP
from nnrun.runner.tracking.recorder import Recorder

TOP = 10
"""Trials that the page of a sweep shows."""


class Summary:
    """Keeps the sweep's own run up to date."""

    def __init__(self, recorder: Recorder, job: Job, plan: Plan, study: Study, figures: tuple[str, ...], total: int) -> None:
        self.recorder, self.job, self.plan, self.study, self.figures, self.total = recorder, job, plan, study, figures, total
        self.written: tuple[int, int] | None = None
        """The best trial that the spec was written for, and of how many."""

    @property
    def file(self) -> Path:
        """Where the best spec stands."""
        return self.study.path.with_suffix(".best.yaml")

    @property
    def place(self) -> str:
        """The same, as it is written from here."""
        return os.path.relpath(self.file)

    @property
    def figure(self) -> str:
        """The figure that decides."""
        runs = self.study.runs(self.study.finished[0].number) if self.study.finished else {}
        return decisive(self.figures, next(iter(runs.values())).figures) if runs else self.figures[0]

    @property
    def command(self) -> str:
        return self.job.command.replace("nnrun ", "nnrun sweep ", 1)

    def open(self) -> None:
        """Make the run, or go on with it."""
        sweep = self.plan.spec.sweep
        assert sweep is not None
        params = {"search": sweep.search.type, "seed": sweep.search.seed, "repeat": sweep.repeat, "figure": self.figures[0]}
        over = {f"over.{path}": setting("", _said(choices))[1:] for path, choices in sweep.over.items()}
        name = f"sweep · {self.plan.spec.name} · {self.study.name[-4:]}"
        tags = {KIND: SWEEP, "command": self.command, "sweep": self.study.name}
        self.recorder.open(
            self.plan.spec.name, name, {**params, **over}, tags, self.note(), description=self.plan.spec.description, source=self.job.path
        )
        self.recorder.artifact("spec/source.yaml", self.job.text)

    def trial(self, number: int) -> None:
        """A trial is over."""
        value = self.study.value(number)
        if value is not None:
            part, _, label = self.figure.partition("/")
            best = self.study.finished[0]
            assert best.value is not None
            self.recorder.metrics(number, {self.figure: value})
            self.recorder.metrics(self.study.over, {f"{part}/best_{label}": best.value})
            if best.number == number:
                self._write_best()
        self.recorder.table("trials.json", self.table())
        self.recorder.note(self.note())

    def end(self) -> None:
        """All trials are over."""
        finished = self.study.finished
        states = [STATES[trial.state] for trial in self.study.trials]
        counts = {f"trials/{state}": float(states.count(state)) for state in ("finished", "pruned", "failed")}
        self.recorder.metrics(0, counts)
        self.recorder.table("trials.json", self.table())
        if finished:
            self._write_best()
            self.recorder.metrics(0, self.tested())
            self.recorder.metrics(0, {f"importance/{path}": share for path, share in self.study.importances().items()})
            self.recorder.tags({"best": differences(self.study.settings(finished[0].number))})
        for name, png in _pictures(self.study, self.figure):
            self.recorder.artifact(f"{name}.png", png)
        self.recorder.note(self.note())

    def tested(self) -> dict[str, float]:
        """The test figures of the trial that is best by its figure, the mean over its runs."""
        best = self.study.finished[0].number
        names = dict.fromkeys(name for run in self.study.runs(best).values() for name in run.figures if name.startswith("test/"))
        return {name: mean for name in names if "baseline_" not in name and (mean := self.study.mean(best, name)) is not None}

    def table(self) -> Mapping[str, list[Any]]:
        """A row for each trial, as columns."""
        rows = []
        for trial in self.study.trials:
            runs = self.study.runs(trial.number)
            error = self.study.error(trial.number)
            rows.append(
                {
                    "trial": trial.number,
                    "state": STATES[trial.state],
                    **dict(map(space.value_of, self.study.settings(trial.number))),
                    self.figure: self.study.value(trial.number),
                    "runs": " ".join(str(runs[index].run_id) for index in sorted(runs)),
                    "error": error[1] if error else "",
                }
            )
        return {key: [row[key] for row in rows] for key in rows[0]} if rows else {}

    def note(self) -> str:
        """The page of the sweep in Markdown, the verdict first."""
        finished, over = self.study.finished, self.study.over
        if not finished:
            lines = [f"**{over} of {self.total} trials are done, none has finished yet.**", ""]
        else:
            best = finished[0]
            what = f"Best {self.figure} {shown(best.value)}: {differences(self.study.settings(best.number))}"
            lines = [f"**{what}**, trial {best.number} of {self.total}", ""]
            lines += [self.honest(), ""]
            titles = [path.rpartition(".")[2] for path in self.study.sweep.over]
            lines += [_row("trial", *titles, self.figure), _row(*["---"] * (2 + len(titles)))]
            for trial in finished[:TOP]:
                values = [one.partition("=")[2] for one in self.study.settings(trial.number)]
                lines.append(_row(str(trial.number), *values, shown(trial.value)))
            importances = self.study.importances()
            if importances:
                shares = ", ".join(f"{path} {share:.0%}" for path, share in importances.items())
                lines += ["", f"What mattered: {shares}."]
        lines += ["", "To go on with it, or to repeat it:", "", f"    {self.command}"]
        return "\n".join(lines)

    def honest(self) -> str:
        """What the best figure of many is worth, in a sentence."""
        tested = ", ".join(f"{name} {shown(figure)}" for name, figure in self.tested().items() if name != "test/loss")
        count = len(self.study.finished)
        best = f"The best of {count} is optimistic, for it was chosen by that figure" if count > 1 else "Only one trial has finished"
        if not tested:
            return f"{best}."
        return f"{best}. On the test part, which chose nothing: {tested}."

    def _write_best(self) -> None:
        best = self.study.finished[0]
        if self.written == (best.number, self.study.over):
            return
        self.written = best.number, self.study.over
        headline = f"Best of {len(self.study.finished)} trials of {self.job.name}: {self.figure} {shown(best.value)} (trial {best.number})"
        text = best_spec(self.job, self.study.settings(best.number), self.file.parent, headline)
        draft = self.file.with_suffix(".new")
        draft.write_text(text, encoding="utf-8")
        draft.replace(self.file)
        self.recorder.artifact("best.yaml", text)


def _pictures(study: Study, figure_name: str) -> Iterator[tuple[str, bytes]]:
    """Optuna's plots as PNG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    for name, axes in study.pictures(figure_name):
        figure = (axes if hasattr(axes, "figure") else axes.flat[0]).figure
        file = io.BytesIO()
        figure.savefig(file, format="png", dpi=110, bbox_inches="tight")
        pyplot.close(figure)
        yield name, file.getvalue()


def _said(choices: Any) -> Any:
    said = choices.model_dump(exclude_none=True)
    return list(said["values"]) if "values" in said else said


def _row(*cells: str) -> str:
    """A row of a table in Markdown."""
    return f"| {' | '.join(cells)} |"
