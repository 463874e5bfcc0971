"""A whole run, in the order of events: data, network, training, test, record."""

from __future__ import annotations

import hashlib
import json
import random
import shlex
import string
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from nnrun.registry.field import Facts
from nnrun.registry.source import Source
from nnrun.runner.compiler.check import Checked, SpecErrors, check
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.compiler.resolved import params, resolved_text
from nnrun.runner.display import Display
from nnrun.runner.signals import Stopped, stoppable
from nnrun.runner.tracking.delivered import Delivered
from nnrun.runner.tracking.recorder import ModelColumn, Recorder
from nnrun.runner.tracking.store import Store


@dataclass(frozen=True)
class Job:
    """A spec to run, as it was given."""

    text: str
    name: str
    """The file's path, or `-`."""
    settings: tuple[str, ...] = ()
    checked: Checked | None = None

    @property
    def folder(self) -> Path:
        """Where the spec's relative paths start."""
        return Path(self.name).resolve().parent if self.name != "-" else Path.cwd()

    @property
    def command(self) -> str:
        """What repeats the run."""
        return shlex.join(["nnrun", self.name, *(part for setting in self.settings for part in ("--set", setting))])


@dataclass(frozen=True)
class Result:
    """What a run gave."""

    spec: str
    figures: Mapping[str, float]
    objective: str
    baseline: str | None
    seconds: float
    steps: int
    stopped_early: bool
    parameters: int
    examples: int
    delivered: Delivered | None = None
    previous: Mapping[str, float] = field(default_factory=dict)


class History:
    """Tells the record and the display what happens, and keeps the figures for the pictures."""

    def __init__(self, recorder: Recorder, display: Display, sample: Callable[[], Mapping[str, list[Any]]] | None = None) -> None:
        self.recorder, self.display, self.sample = recorder, display, sample
        self.points: dict[str, list[tuple[int, float]]] = {}
        self.samples: dict[str, list[Any]] = {}

    def metrics(self, step: int, figures: Mapping[str, float]) -> None:
        self.recorder.metrics(step, figures)
        for name, figure in figures.items():
            self.points.setdefault(name, []).append((step, figure))

    def stepped(self, step: int, loss: float | None) -> None:
        self.display.stepped(step, loss)

    def warned(self, step: int, text: str) -> None:
        self.display.say(f"warning: {text}", style="yellow")
        self.recorder.tags({"nnrun.warning": text})

    def image(self, key: str, step: int, png: bytes) -> None:
        self.recorder.image(key, step, png)

    def evaluated(self, step: int, epoch: int, figures: Mapping[str, float]) -> None:
        self.display.evaluated(step, epoch, figures)
        if self.sample is None:
            return
        columns = self.sample()
        count = len(next(iter(columns.values())))
        for name, column in {"epoch": [epoch] * count, "step": [step] * count, **columns}.items():
            self.samples.setdefault(name, []).extend(column)
        self.recorder.table("samples.json", self.samples)
        self.recorder.artifact("samples.txt", "\n".join(_listed(epoch, columns)))


def _listed(epoch: int, columns: Mapping[str, list[Any]]) -> Iterator[str]:
    """Samples as a text to read."""
    yield f"after epoch {epoch}"
    for row in zip(*columns.values(), strict=True):
        yield ""
        yield from (f"{name}: {text}" for name, text in zip(columns, row, strict=True))


def run(job: Job, store: Store, display: Display) -> Result:
    """Run a spec and record it. The run in MLflow ends FINISHED, FAILED or KILLED, as it deserves.

    Raises: SpecErrors, SourceError, DataError, fit.Diverged, Stopped.
    """
    recorder = Recorder.start(store)  # first of all: MLflow is imported and its store made while we import torch
    try:
        with stoppable():
            result = _run(job, recorder, display)
        delivered = recorder.finish("FINISHED")
    except Stopped as stop:
        display.stop()
        display.say(f"stopped by {stop}: ending the run")
        recorder.finish("KILLED", f"stopped by {stop}", wait=8.0)
        raise
    except BaseException as error:
        display.stop()
        recorder.finish("FAILED", f"{type(error).__name__}: {error}")
        raise
    previous = delivered.previous.metrics if delivered.previous else {}
    return Result(**{**result.__dict__, "delivered": delivered, "previous": previous})


def _run(job: Job, recorder: Recorder, display: Display) -> Result:
    from nnrun.runner.engine.data import dataset as engine_data
    from nnrun.runner.engine.data.masks import with_masks
    from nnrun.runner.engine.inference.predict import Predictor
    from nnrun.runner.engine.inference.samples import samples
    from nnrun.runner.engine.network.network import Network
    from nnrun.runner.engine.prepare import check_compiled, choose_device, load_weights, prepare_torch
    from nnrun.runner.engine.training.baseline import baseline
    from nnrun.runner.engine.training.stages import train_stages
    from nnrun.runner.show.loops import plan_text

    first = job.checked or check(job.text, job.name, settings=job.settings)
    if first.plan is None:
        raise SpecErrors(first)
    spec = first.plan.spec
    assert spec.data is not None
    assert spec.train is not None
    train = spec.train
    display.say(f"reading {spec.data.source.type_name() if spec.data.source else ''}")
    parts = engine_data.load_columns(spec.data, first.plan.fields, job.folder)
    data = engine_data.prepare(spec.data, first.plan.fields, parts, first.plan.targets, job.folder)
    data = with_masks(data, first.plan, job.folder)
    checked = check(job.text, job.name, settings=job.settings, facts=data.facts)
    if checked.plan is None:
        raise SpecErrors(checked)
    plan = checked.plan

    device = choose_device(train.device)
    prepare_torch(train)
    network = Network(plan)
    check_compiled(network, device)
    load_weights(network, recorder.store)
    network = network.to(device)
    size = int(plan.size)
    recorder.open(
        spec.name,
        _run_name(job, spec.name),
        params(plan),
        {**spec.track.tags, **_tags(job, plan, str(device))},
        note=_note(job, plan, None),
        description=spec.description,
        source=Path(job.name) if job.name != "-" else None,
    )
    recorder.artifact("spec/source.yaml", job.text)
    recorder.artifact("spec/resolved.yaml", resolved_text(plan))
    recorder.artifact("plan.txt", plan_text(plan, device.type))
    _draw_graph(recorder, checked)
    if size > len(data.train):
        display.say(f"warning: {size:,} parameters for {len(data.train):,} training examples: expect overfitting", style="yellow")
        recorder.tags({"nnrun.warning": f"{size} parameters for {len(data.train)} training examples"})

    sample = None
    if plan.decoding is not None:
        shown_part = data.valid or data.train
        sample = partial(samples, Predictor(network, plan, data.facts), shown_part, train.seed)
    history = History(recorder, display, sample)
    outcome = train_stages(network, plan, data, device, history, display)
    display.stop()
    beaten = baseline(plan, data, parts, spec.track) if plan.losses else None
    if beaten is not None:
        history.metrics(outcome.steps, beaten.figures)
    figures = {**outcome.figures, **(beaten.figures if beaten else {})}
    result = Result(
        spec.name,
        figures,
        outcome.objective,
        beaten.name if beaten else outcome.baseline,
        outcome.seconds,
        outcome.steps,
        outcome.stopped_early,
        size,
        len(data.train),
    )
    _record(recorder, job, plan, network.cpu(), data, history, result, outcome.best_step)
    return result


def _record(recorder: Recorder, job: Job, plan: Plan, network: Any, data: Any, history: History, result: Result, best_step: int) -> None:
    """Leave behind what a person wants to find in the run."""
    from nnrun.runner.engine import checkpoint
    from nnrun.runner.engine.inference.predict import Predictor
    from nnrun.runner.engine.pictures import charts as pictures

    recorder.artifact("curves.png", pictures.curves(history.points, best_step))
    part = data.test or data.valid
    if part is not None and plan.read:
        predictor = Predictor(network, plan, data.facts)
        answers = predictor.answers(part)
        truth = predictor.truth(part)
        recorder.table(
            "predictions.json",
            {
                **{f"true_{name}": column[:500] for name, column in truth.items()},
                **{name: column[:500] for name, column in answers.items()},
            },
        )
        for loss in plan.losses[:1]:
            name = loss.target.replace(".", "_") if loss.target_shape.kind == "number" else loss.target
            classes = data.facts.get(loss.target, {}).get("classes")
            if classes and loss.input_shape.time is None:
                recorder.artifact("confusion.png", pictures.confusion(truth[name], answers[name], classes))
            elif loss.target_shape.kind == "number" and loss.target_shape.axes in ((), (1,)) and loss.input_shape.time is None:
                true, predicted = ([float(value) for value in column] for column in (truth[name], answers[name]))
                recorder.artifact("predicted.png", pictures.scatter(true, predicted, name))
    if plan.spec.track.model:
        with tempfile.TemporaryDirectory(prefix="nnrun-") as folder:
            checkpoint.save(Path(folder) / "model", network, data.facts)
            log_model(recorder, plan, Path(folder) / "model", data.facts)
    recorder.artifact("environment.json", json.dumps(_environment(), indent=1))
    recorder.note(_note(job, plan, result))


def log_model(recorder: Recorder, plan: Plan, folder: Path, facts: Mapping[str, Facts]) -> None:
    """Log a saved network as an MLflow model, with what it reads and gives."""
    from nnrun.runner.engine.inference.predict import signature

    inputs, outputs = (
        [ModelColumn(one["name"], one["type"], (-1,) * one["axes"]) for one in columns] for columns in signature(plan, facts)
    )
    recorder.model(folder, loader="nnrun.runner.engine.pyfunc", inputs=inputs, outputs=outputs, requirements=[f"nnrun=={version('nnrun')}"])


def _draw_graph(recorder: Recorder, checked: Checked) -> None:
    from nnrun.runner.show.drawing import graph_svg

    recorder.artifact("graph.svg", graph_svg(checked))


def _run_name(job: Job, name: str) -> str:
    """The spec, what differs from it, and four letters against confusion."""
    changes = [setting.rpartition(".")[2].replace("=", "") for setting in job.settings]
    letters = "".join(random.SystemRandom().choices(string.ascii_lowercase, k=4))
    return "-".join([name, *changes, letters])


def _tags(job: Job, plan: Plan, device: str) -> dict[str, str]:
    return {
        "nnrun.version": version("nnrun"),
        "nnrun.spec_hash": hashlib.sha256(resolved_text(plan).encode()).hexdigest()[:16],
        "nnrun.graph_hash": hashlib.sha256(str(plan).encode()).hexdigest()[:16],
        "nnrun.device": device,
        "nnrun.command": job.command,
        **({"nnrun.data": "generated"} if _is_generated(plan) else {}),
    }


def _is_generated(plan: Plan) -> bool:
    source = plan.spec.data.source if plan.spec.data else None
    return isinstance(source, Source) and source.generated


def _note(job: Job, plan: Plan, result: Result | None) -> str:
    """The run's page in MLflow: what it is, the result beside the baseline, how to repeat it."""
    lines = [plan.spec.description.strip() or plan.spec.name, ""]
    if result is not None:
        rows = comparison(result)
        if rows:
            beside = [result.baseline] if result.baseline else []
            lines += [_row(judged_part(result), "this run", *beside), _row(*["---"] * (2 + len(beside)))]
            for name, figure, base, _ in rows:
                lines.append(_row(name, shown(figure), *([shown(base) if base is not None else ""] if beside else [])))
            lines.append("")
        early = ", stopped early" if result.stopped_early else ""
        kind = "generated training" if _is_generated(plan) else "training"
        sizes = f"{result.parameters:,} parameters, {result.examples:,} {kind} examples"
        lines.append(f"{result.steps} steps in {result.seconds:.1f} s{early}; {sizes}.")
        lines.append("")
    lines += ["To repeat it:", "", f"    {job.command}"]
    return "\n".join(lines)


def _row(*cells: str) -> str:
    """A row of a table in Markdown."""
    return f"| {' | '.join(cells)} |"


def judged_part(result: Result) -> str:
    """The part whose figures stand for a run: `test`, or without one `valid`, or without both `train`."""
    return next((part for part in ("test", "valid") if any(name.startswith(f"{part}/") for name in result.figures)), "train")


def comparison(result: Result) -> list[tuple[str, float, float | None, float | None]]:
    """(name, figure, baseline's, previous run's) for each figure of the part that stands for the run."""
    part = judged_part(result)
    names = [
        name.partition("/")[2] for name in result.figures if name.startswith(f"{part}/") and "baseline_" not in name and "best_" not in name
    ]
    return [
        (name, result.figures[f"{part}/{name}"], result.figures.get(f"{part}/baseline_{name}"), result.previous.get(f"{part}/{name}"))
        for name in names
    ]


def shown(figure: float) -> str:
    """A figure for people."""
    return f"{figure:.4f}" if 1e-3 <= abs(figure) < 1e5 else f"{figure:.4g}"


def _environment() -> dict[str, str]:
    import platform

    packages = {}
    for package in ("nnrun", "torch", "numpy", "mlflow", "torchmetrics", "pydantic", "safetensors", "scikit-learn"):
        packages[package] = version(package)
    return {"python": platform.python_version(), "platform": platform.platform(), **packages}
