"""Entries of a journal, said to MLflow. Whatever is said twice is stored once."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TypeVar

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, Run, RunTag
from mlflow.exceptions import MlflowException

from nnrun.runner.tracking import limits
from nnrun.runner.tracking.beside.abandoned import close_abandoned
from nnrun.runner.tracking.beside.git import git_tags
from nnrun.runner.tracking.beside.load import Load
from nnrun.runner.tracking.beside.model import log_model
from nnrun.runner.tracking.beside.view import refresh_views
from nnrun.runner.tracking.journal import Entry
from nnrun.runner.tracking.known import NOTE
from nnrun.runner.tracking.links import with_run
from nnrun.runner.tracking.outbox import Folder, Progress
from nnrun.runner.tracking.plumbing import TAG, Plumbing
from nnrun.runner.tracking.runs import equal, previous_run

T = TypeVar("T")


class Sender:
    """One run in MLflow."""

    def __init__(self, folder: Folder, progress: Progress) -> None:
        self._folder = folder
        self._progress = progress
        self._store = folder.store
        self._is_marked = False
        """Whether MLflow was told that the run has pictures."""

    @cached_property
    def client(self) -> MlflowClient:
        """The connection. Raises: MlflowException, SQLAlchemyError, OSError."""
        self._store.create()
        database = self._store.database
        # MLflow puts the artifacts of a local store under the folder that is current now.
        with contextlib.nullcontext() if database is None else contextlib.chdir(database.parent):
            return MlflowClient(self._store.uri)

    @property
    def run_id(self) -> str:
        assert self._progress.run_id is not None
        return self._progress.run_id

    @property
    def is_open(self) -> bool:
        return self._progress.run_id is not None

    def send(self, entries: Sequence[Entry]) -> None:
        """Send entries that belong together: one, or some `metrics`."""
        entry = entries[0]
        if entry.what == "open":
            self._open(entry)
        elif self.is_open:
            match entry.what:
                case "resume":
                    self._reopen(entry.fields["tags"])
                case "params":
                    self._params(entry.fields["params"])
                case "metrics":
                    self._metrics(entries)
                case "tags":
                    self.tags(entry.fields["tags"])
                case "artifact":
                    self._artifact(entry)
                case "table":
                    self._table(entry)
                case "image":
                    self._image(entry)
                case "dataset":
                    self._dataset(entry)
                case "model":
                    self._model(entry)
                case "finish":
                    self.end(entry.fields["status"], entry.fields["error"], entry.time)

    def tags(self, tags: Mapping[str, str]) -> None:
        if NOTE in tags:
            tags = {**tags, NOTE: with_run(tags[NOTE], self.run_id)}
        for some in _some([RunTag(key, value) for key, value in tags.items()], limits.PARAMS_A_CALL):
            self.client.log_batch(self.run_id, tags=some, synchronous=True)

    def beat(self) -> None:
        """Give a sign of life."""
        plumbing = Plumbing.of(self.client.get_run(self.run_id).data.tags)
        if plumbing is not None:
            self.tags(replace(plumbing, heartbeat=datetime.now(UTC).isoformat(timespec="seconds")).tags)

    def measure(self) -> None:
        """Say how busy the machine is."""
        now = time.time_ns() // 1_000_000
        values = [Metric(key, value, now, self._load.seconds) for key, value in self._load.figures().items()]
        self.client.log_batch(self.run_id, metrics=values, synchronous=True)

    @cached_property
    def _load(self) -> Load:
        return Load(self.client.get_run(self.run_id).info.start_time / 1000)

    @property
    def may_measure(self) -> bool:
        """Whether it is time for it."""
        return self.is_open and self._load.is_due

    def end(self, status: str, error: str | None, time: int) -> None:
        """Give the run its final status. A model keeps the last metrics of its run, so that MLflow can rank models."""
        latest = self._progress.latest.items()
        for model in self._models:
            values = [Metric(key, value, said, step, model_id=model, run_id=self.run_id) for key, (value, said, step) in latest]
            for some in _some(values, limits.METRICS_A_CALL):
                self.client.log_batch(self.run_id, metrics=some, synchronous=True)
        if error is not None:
            self.tags({"error": limits.cut(error, limits.TAG)})
        self.client.set_terminated(self.run_id, status=status, end_time=time)
        refresh_views(self.client, self.run_id)

    def settle(self) -> None:
        """What can be done once the run is there, while the training goes on and nobody waits."""
        self._progress.previous = previous_run(self.client, self.run_id)
        close_abandoned(self.client, self._progress.experiment_id or "", except_for=self.run_id)
        refresh_views(self.client, self.run_id)

    @property
    def is_gone(self) -> bool:
        """Whether somebody deleted the run in MLflow."""
        try:
            return str(self.client.get_run(self.run_id).info.lifecycle_stage) == "deleted"
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return True

    @property
    def is_answered(self) -> bool:
        """Whether MLflow answers a simple question about the run."""
        try:
            self.client.get_run(self.run_id)
        except MlflowException:
            return False
        return True

    def _open(self, entry: Entry) -> None:
        fields = entry.fields
        tags = fields["tags"] | (git_tags(Path(fields["source"])) if fields["source"] else {})
        given = self._store.run_id
        run = self.client.get_run(given) if given is not None else self._new_run(entry, tags)
        self._progress.run_id, self._progress.experiment_id = run.info.run_id, run.info.experiment_id
        self._progress.experiment = self.client.get_experiment(run.info.experiment_id).name
        self._folder.save(self._progress)
        if given is not None:
            self._reopen(tags)
        else:
            self.tags(tags)

    def _reopen(self, tags: Mapping[str, str]) -> None:
        """The run goes on: that it was broken off is over."""
        self.client.update_run(self.run_id, status="RUNNING")
        if "error" in self.client.get_run(self.run_id).data.tags:
            self.client.delete_tag(self.run_id, "error")
        self.tags(tags)

    def _new_run(self, entry: Entry, tags: Mapping[str, str]) -> Run:
        experiment_id = self._experiment(self._store.experiment or entry.fields["experiment"], entry.fields["description"])
        if self._progress.creating:  # asked for before; the answer got lost, not necessarily the run
            for run in self.client.search_runs([experiment_id], equal(f"tags.{TAG}", tags[TAG]), max_results=1):
                return run
        self._progress.creating = True
        self._folder.save(self._progress)
        return self.client.create_run(experiment_id, start_time=entry.time, tags=dict(tags), run_name=entry.fields["name"])

    def _experiment(self, name: str, description: str) -> str:
        """The experiment of that name; made where there is none, brought back where it was deleted."""
        experiment = self.client.get_experiment_by_name(name)
        if experiment is None:
            tags = {NOTE: description} if description else {}
            try:
                return str(self.client.create_experiment(name, tags=tags))
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
                return self._experiment(name, description)  # another run was faster
        if experiment.lifecycle_stage == "deleted":
            self.client.restore_experiment(experiment.experiment_id)
        return str(experiment.experiment_id)

    def _params(self, params: Mapping[str, str]) -> None:
        """Parameters cannot be changed: where a continued run has another value, it stays, and a tag tells."""
        known = self.client.get_run(self.run_id).data.params
        new = [Param(key, value) for key, value in params.items() if key not in known]
        for some in _some(new, limits.PARAMS_A_CALL):
            self.client.log_batch(self.run_id, params=some, synchronous=True)
        changed = {key: value for key, value in params.items() if known.get(key, value) != value}
        if changed:
            self.tags({"changed_params": limits.cut(json.dumps(changed), limits.TAG)})

    def _metrics(self, entries: Sequence[Entry]) -> None:
        values = [
            Metric(key, value, entry.time, entry.fields["step"]) for entry in entries for key, value in entry.fields["values"].items()
        ]
        for some in _some(values, limits.METRICS_A_CALL):
            self.client.log_batch(self.run_id, metrics=some, synchronous=True)
        self._progress.latest |= {metric.key: (metric.value, metric.timestamp, metric.step) for metric in values}

    def _artifact(self, entry: Entry) -> None:
        place = PurePosixPath(entry.fields["path"])
        folder = None if place.parent == PurePosixPath(".") else str(place.parent)
        self.client.log_artifact(self.run_id, str(self._folder.files / place), folder)

    def _table(self, entry: Entry) -> None:
        self._artifact(entry)
        # MLflow's own `log_table` would append to what an earlier try has stored.
        known = json.loads(self.client.get_run(self.run_id).data.tags.get("mlflow.loggedArtifacts", "[]"))
        table = {"path": entry.fields["path"], "type": "table"}
        if table not in known:
            self.tags({"mlflow.loggedArtifacts": json.dumps([*known, table])})

    def _image(self, entry: Entry) -> None:
        """As MLflow's own `log_image`, but with a name that is the same each time the entry is sent."""
        from PIL import Image

        key, step = entry.fields["key"].replace("/", "~"), entry.fields["step"]
        name = f"{key}+step+{step}+timestamp+{entry.time}+{self._folder.path.name}-{entry.sequence}"
        picture = self._folder.images / entry.fields["path"]
        with tempfile.TemporaryDirectory(dir=self._folder.path) as folder, Image.open(picture, formats=["PNG"]) as image:
            shutil.copyfile(picture, Path(folder, f"{name}.png"))
            image.thumbnail((256, 256))
            image.save(Path(folder, f"{name}+compressed.webp"))
            self.client.log_artifacts(self.run_id, folder, "images")
        if not self._is_marked:
            self.tags({"mlflow.loggedImages": "True"})
            self._is_marked = True

    def _dataset(self, entry: Entry) -> None:
        """A dataset of one digest is stored once, however often it is logged."""
        fields = entry.fields
        dataset = Dataset(
            fields["name"],
            fields["digest"],
            source_type="local",
            source=json.dumps({"uri": fields["source"]}),
            profile=json.dumps({"num_rows": sum(fields["sizes"].values()), **fields["sizes"]}),
        )
        self.client.log_inputs(self.run_id, [DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])])

    def _model(self, entry: Entry) -> None:
        key = f"{self._folder.path.name}-{entry.fields['name']}"  # a run that was broken off, and goes on, has one model
        log_model(self.client, self.run_id, key, self._folder.models / entry.fields["path"], entry.fields)

    @property
    def _models(self) -> list[str]:
        outputs = self.client.get_run(self.run_id).outputs
        return [] if outputs is None else [output.model_id for output in outputs.model_outputs]


def _some(items: Sequence[T], count: int) -> Iterator[Sequence[T]]:
    """The items in groups of at most `count`."""
    return (items[start : start + count] for start in range(0, len(items), count))
