"""What a sweep has tried so far: Optuna's study, in one file beside the store, which outlives every process."""

from __future__ import annotations

import fcntl
import math
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import fmean
from typing import IO, Any

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import FrozenTrial, Trial, TrialState

from nnrun.registry.fault import Fault
from nnrun.runner.compiler.language.sweep import Prune, Sweep
from nnrun.runner.experiments.sweep import space
from nnrun.runner.experiments.sweep.trials import Done, Failed

FOLDER = "sweeps"

ENOUGH = 8
"""Finished trials from which on it is said what mattered."""

STATES = {
    TrialState.COMPLETE: "finished", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed",
    TrialState.RUNNING: "under way", TrialState.WAITING: "waiting",
}  # fmt: skip


class SweepBusy(Fault):
    """Another process goes on with the same sweep."""

    kind = "failed"
    id = "sweep-busy"


class Study:
    """The trials of one sweep. Trials are numbered from 0; one that was under way when its process died keeps its number."""

    def __init__(self, path: Path, sweep: Sweep, high: bool) -> None:
        """Raises: SweepBusy."""
        self.path, self.sweep, self.high = path, sweep, high
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = _held(path)
        _mend(path)
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        prune = sweep.prune or Prune()
        self._study = optuna.create_study(
            storage=JournalStorage(JournalFileBackend(str(path), _Alone(str(path)))),
            study_name=path.stem,
            direction="maximize" if high else "minimize",
            load_if_exists=True,
            sampler=space.sampler(sweep.search, 0),
            pruner=optuna.pruners.MedianPruner(prune.trials, prune.wait + 1),
        )
        self._known: list[FrozenTrial] | None = None
        running = [trial.number for trial in self.trials if trial.state == TrialState.RUNNING]
        self.interrupted = [number for number in running if not self._is_told(number)]
        """Trials that were under way when the sweep ended the last time."""

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def trials(self) -> list[FrozenTrial]:
        """All trials, by number. Nobody else writes the file, so it is read again only after a change."""
        if self._known is None:
            self._known = self._study.get_trials(deepcopy=False)
        return self._known

    @property
    def begun(self) -> int:
        """How many trials have been begun. One may be there that has not: the process died before."""
        return sum(trial.state != TrialState.WAITING for trial in self.trials)

    @property
    def run_id(self) -> str | None:
        """The sweep's own run in MLflow."""
        return self._study.user_attrs.get("run_id")

    @run_id.setter
    def run_id(self, run_id: str) -> None:
        self._study.set_user_attr("run_id", run_id)

    def ask(self) -> int:
        """A new trial; its number."""
        trials = self.trials
        waiting = next((trial.number for trial in trials if trial.state == TrialState.WAITING), None)
        if waiting is None and self.sweep.search.type == "grid":
            self._study.enqueue_trial(space.in_grid(self.sweep.over, len(trials)))
        self._study.sampler = space.sampler(self.sweep.search, len(trials) if waiting is None else waiting)
        trial = self._study.ask()
        space.suggest(trial, self.sweep.over)
        self._known = None
        return trial.number

    def settings(self, number: int) -> tuple[str, ...]:
        """The settings of a trial, as `--set` takes them. One whose drawing was interrupted gets the rest."""
        frozen = self.trials[number]
        if len(frozen.params) < len(self.sweep.over):
            self._study.sampler = space.sampler(self.sweep.search, number)
            space.suggest(self._trial(number), self.sweep.over)
            self._known = None
            frozen = self.trials[number]
        return space.settings(frozen.params, self.sweep.over)

    def runs(self, number: int) -> dict[int, Done]:
        """The runs of a trial that have finished, by index."""
        kept = self.trials[number].user_attrs
        return {int(key[4:]): Done(**value) for key, value in kept.items() if key.startswith("run ")}

    def keep(self, number: int, index: int, done: Done) -> bool:
        """Note a finished run of a trial; whether it was the last, and the trial has finished with the mean of all."""
        self._trial(number).set_user_attr(f"run {index}", _finite(asdict(done)))
        self._known = None
        return self._is_told(number)

    def should_prune(self, number: int, count: int, value: float) -> bool:
        """Note what a trial is worth after `count` evaluations; whether it is to be given up."""
        trial = self._trial(number)
        if count not in self.trials[number].intermediate_values:  # else noted before it was interrupted
            trial.report(value, count)
            self._known = None
        return trial.should_prune()

    def prune(self, number: int) -> None:
        self._tell(number, TrialState.PRUNED)

    def fail(self, number: int, failed: Failed) -> None:
        self._trial(number).set_user_attr("error", [failed.kind, failed.message])
        self._tell(number, TrialState.FAIL)

    def error(self, number: int) -> tuple[str, str] | None:
        """Why a trial failed: its kind, and a sentence."""
        found: Sequence[str] | None = self.trials[number].user_attrs.get("error")
        return None if found is None else (found[0], found[1])

    @property
    def finished(self) -> list[FrozenTrial]:
        """Finished trials, the best first; of equal ones the earlier."""
        done = [trial for trial in self.trials if trial.state == TrialState.COMPLETE and trial.value is not None]
        return sorted(done, key=lambda trial: -(trial.value or 0.0) if self.high else (trial.value or 0.0))

    def value(self, number: int) -> float | None:
        """What a finished trial is worth; a pruned one is worth nothing, though Optuna keeps its last figure."""
        trial = self.trials[number]
        return trial.value if trial.state == TrialState.COMPLETE else None

    @property
    def over(self) -> int:
        """How many trials have ended, well or not."""
        return sum(trial.state.is_finished() for trial in self.trials)

    def mean(self, number: int, name: str) -> float | None:
        """The mean of a figure over the runs of a trial."""
        values = [run.figures[name] for run in self.runs(number).values() if name in run.figures]
        return fmean(values) if values else None

    def importances(self) -> Mapping[str, float]:
        """How much of the differences each setting explains, where there are enough trials to tell, and differences."""
        values = {trial.value for trial in self.finished}
        if len(self.finished) < ENOUGH or len(self.sweep.over) < 2 or len(values) < 2:
            return {}
        return optuna.importance.get_param_importances(self._study)

    def pictures(self, figure: str) -> Iterator[tuple[str, Any]]:
        """Optuna's own plots by name, as axes of matplotlib."""
        from optuna.visualization import matplotlib as plots

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            warnings.simplefilter("ignore", UserWarning)  # of ticks and legends
            if len(self.finished) > 1:
                yield "history", plots.plot_optimization_history(self._study, target_name=figure)
                yield "slice", plots.plot_slice(self._study, target_name=figure)
            if self.importances():
                yield "importances", plots.plot_param_importances(self._study)
                yield "parallel", plots.plot_parallel_coordinate(self._study, target_name=figure)

    def close(self) -> None:
        """Let others go on with it."""
        self._lock.close()

    def _is_told(self, number: int) -> bool:
        """Whether all runs of a trial have finished; the study is told then."""
        runs = self.runs(number)
        if len(runs) == self.sweep.repeat:
            self._tell(number, TrialState.COMPLETE, fmean(run.value for run in runs.values()))
        return len(runs) == self.sweep.repeat

    def _tell(self, number: int, state: TrialState, value: float | None = None) -> None:
        self._study.tell(number, value, state)
        self._known = None

    def _trial(self, number: int) -> Trial:
        return Trial(self._study, self.trials[number]._trial_id)


def others(path: Path, name: str) -> list[Path]:
    """The files of other sweeps of a spec, the latest last."""
    return sorted((file for file in path.parent.glob(f"{name}-????????.journal") if file != path), key=lambda file: file.stat().st_mtime)


class _Alone(JournalFileOpenLock):
    """Optuna's own lock stays behind when its holder is killed; ours, on another file, goes with the process."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None: ...


def _held(path: Path) -> IO[str]:
    """The file beside a study that keeps others out until it is closed, or the process ends. Raises: SweepBusy."""
    file = open(path.with_suffix(".lock"), "a+")  # noqa: SIM115  (open as long as the sweep)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        owner = file.read().strip() or "?"
        file.close()
        raise SweepBusy(f"process {owner} goes on with the sweep `{path.stem}` already", "wait for it, or end it") from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def _mend(path: Path) -> None:
    """Cut off a last line that a killed process did not write to its end."""
    if path.exists() and not (content := path.read_bytes()).endswith(b"\n"):
        os.truncate(path, content.rfind(b"\n") + 1)


def _finite(done: dict[str, Any]) -> dict[str, Any]:
    """Without figures that JSON has no numbers for."""
    return {**done, "figures": {name: value for name, value in done["figures"].items() if math.isfinite(value)}}
