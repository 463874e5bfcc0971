"""Cross-validation: a run for each fold, below a run that holds mean and spread."""

from __future__ import annotations

import hashlib
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from rich import box
from rich.table import Table

from nnrun.runner.compiler.check import SpecErrors
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.experiments.parent import run_id_of
from nnrun.runner.job import Job
from nnrun.runner.record.names import AS_WRITTEN, spec_hash
from nnrun.runner.record.params import params
from nnrun.runner.record.result import shown
from nnrun.runner.record.short import differences
from nnrun.runner.tracking.delivered import Delivered
from nnrun.runner.tracking.known import FOLD, FOLDS, KIND, PARENT
from nnrun.runner.tracking.recorder import Recorder
from nnrun.runner.tracking.store import Store

SPREAD = "_sd"
"""Behind the name of a mean: the standard deviation of the folds."""

Figures = Mapping[str, float]


class CrossValidation:
    """The run above those of the folds, which it gives the jobs of. Where one of the same spec was broken off, it goes on with that."""

    def __init__(self, job: Job, store: Store, recorder: Recorder, plan: Plan, run_id: str) -> None:
        self.job, self.store, self.recorder, self.plan, self.run_id = job, store, recorder, plan, run_id
        self.found: dict[int, Figures] = {}

    @staticmethod
    def begin(job: Job, store: Store, before: str | None) -> CrossValidation:
        """Make the run, or open again the one `before`. Raises: SpecErrors, StoreError if MLflow gives it no id."""
        plan = job.checked.plan
        if plan is None:
            raise SpecErrors(job.checked)
        recorder = Recorder.start(replace(store, run_id=before or store.run_id))
        made = CrossValidation(job, store, recorder, plan, before or "")
        name = f"{made.folds} folds · {differences(job.settings) or AS_WRITTEN} · {key(plan, job)[:4]}"
        tags = {KIND: FOLDS, "command": job.command, FOLDS: key(plan, job)}
        recorder.open(
            plan.spec.name, name, params(plan, job.checked), tags, made.note(), description=plan.spec.description, source=job.path
        )
        recorder.artifact("spec/source.yaml", job.text)
        try:
            made.run_id = run_id_of(recorder, store, "the cross-validation")
        except BaseException as error:
            recorder.finish("FAILED", f"{type(error).__name__}: {error}", wait=0.0)
            raise
        return made

    @property
    def folds(self) -> int:
        assert self.plan.spec.data is not None
        assert self.plan.spec.data.split.folds is not None
        return self.plan.spec.data.split.folds

    @property
    def jobs(self) -> list[Job]:
        """A run for each fold."""
        return [
            replace(
                self.job,
                settings=(*self.job.settings, f"data.split.fold={fold}"),
                tags={**self.job.tags, PARENT: self.run_id, FOLD: str(fold)},
            )
            for fold in range(1, self.folds + 1)
        ]

    def ended(self, fold: int, figures: Figures) -> None:
        """A fold is over."""
        self.found[fold] = {name: value for name, value in figures.items() if name.startswith("test/") or "/best_" in name}
        self.recorder.table("folds.json", self.table())
        self.recorder.note(self.note())

    def end(self, failed: str | None = None) -> Delivered:
        """All folds that could be run are over; `failed` says what became of the others."""
        if self.found:
            self.recorder.metrics(0, self.figures)
        return self.recorder.finish("FINISHED") if failed is None else self.recorder.finish("FAILED", failed)

    @property
    def figures(self) -> dict[str, float]:
        """The mean of each figure that all folds have, and its standard deviation."""
        found: dict[str, float] = {}
        for name in self._names:
            values = [figures[name] for figures in self.found.values()]
            found[name] = statistics.fmean(values)
            if len(values) > 1:
                found[f"{name}{SPREAD}"] = statistics.stdev(values)
        return found

    def table(self) -> dict[str, list[Any]]:
        """A row for each fold, as columns."""
        return {"fold": list(self.found), **{name: [figures[name] for figures in self.found.values()] for name in self._names}}

    def text(self) -> Table:
        """Mean and spread for the terminal."""
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for title in (f"{len(self.found)} folds", "mean", "deviation", "lowest", "highest"):
            table.add_column(title, justify="left" if title == f"{len(self.found)} folds" else "right")
        for row in self._rows():
            table.add_row(*row)
        return table

    def note(self) -> str:
        """The page of the run in Markdown."""
        lines = [f"**{self.verdict}**", ""]
        if self.found:
            lines += ["| figure | mean | deviation | lowest | highest |", "| --- | --- | --- | --- | --- |"]
            lines += [f"| {' | '.join(row)} |" for row in self._rows()]
        return "\n".join([*lines, "", "To go on with it, or to repeat it:", "", f"    {self.job.command}"])

    @property
    def verdict(self) -> str:
        """The first figure that was tested, in a sentence."""
        done, figures = f"{len(self.found)} of {self.folds} folds", self.figures
        name = next((name for name in self._names if name.startswith("test/") and name != "test/loss" and "baseline_" not in name), None)
        if name is None:
            return f"{done} are done"
        beside = figures.get(name.replace("test/", "test/baseline_"))
        deviation = f" ± {shown(figures[name + SPREAD])}" if name + SPREAD in figures else ""
        return f"{name} {shown(figures[name])}{deviation} over {done}" + (f", the baseline {shown(beside)}" if beside is not None else "")

    @property
    def _names(self) -> Sequence[str]:
        first, *others = [*self.found.values()] or [{}]
        return [name for name in first if not name.endswith("best_step") and all(name in other for other in others)]

    def _rows(self) -> list[tuple[str, ...]]:
        columns, figures = self.table(), self.figures
        return [
            (name, shown(figures[name]), shown(figures.get(f"{name}{SPREAD}")), shown(min(columns[name])), shown(max(columns[name])))
            for name in self._names
        ]


def key(plan: Plan, job: Job) -> str:
    """By which a cross-validation that was broken off is found again: of the spec, and the folder in which its paths start."""
    return hashlib.sha256(f"{spec_hash(plan)} {job.folder}".encode()).hexdigest()[:16]
