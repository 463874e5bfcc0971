"""Two steps of everything a run does, on made-up data: does this spec work at all?"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnrun.runner.compiler.check import Checked, check
from nnrun.runner.compiler.memory.machine import allowed
from nnrun.runner.compiler.memory.needs import needed
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.engine.shortage import refuse
from nnrun.runner.engine.training.learner import Unwatched
from nnrun.runner.tracking.recorder import Recorder
from nnrun.runner.tracking.spawn import Sidecar
from nnrun.runner.tracking.store import Store, sqlite_uri

if TYPE_CHECKING:
    from nnrun.runner.engine.data.dataset import Dataset

BETAS = 30
"""Steps of the estimates of an energy network."""

EXAMPLES = 40
"""Made-up rows: enough for three parts and every class."""


class Quiet(Unwatched):
    """A watcher that keeps nothing but the figures."""

    def __init__(self) -> None:
        self.figures: dict[str, float] = {}

    def metrics(self, step: int, figures: Mapping[str, float]) -> None:
        self.figures |= figures


@dataclass(frozen=True)
class Throwaway:
    """An MLflow store for one call, gone afterwards; all specs share it, and the process that talks to it."""

    folder: Path
    sidecar: Sidecar

    def recorder(self) -> Recorder:
        return Recorder.start(Store(sqlite_uri(self.folder / "mlflow.db")), self.sidecar, self.folder / "outbox")


@contextmanager
def throwaway() -> Iterator[Throwaway]:
    """A store that is thrown away."""
    with tempfile.TemporaryDirectory(prefix="nnrun-smoke-") as folder, Sidecar() as sidecar:
        yield Throwaway(Path(folder), sidecar)


def smoke(checked: Checked, place: Throwaway | None = None, device: str = "cpu") -> str | None:
    """What went wrong on a device, or None; with a `place`, the run is recorded there too.

    Faults of ours are told as well: a smoke test reports, it does not stop at the first spec.
    """
    try:
        _try(checked, place, device)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


def made_up(checked: Checked) -> tuple[Checked, Dataset]:
    """Made-up data for a spec, and the spec checked once more with what it taught. Raises: ValueError if that finds something."""
    from nnrun.runner.engine.data.dataset import prepare
    from nnrun.runner.engine.data.made_up import made_up_columns, times_as_long
    from nnrun.runner.engine.data.masks import with_masks

    plan = checked.plan
    assert plan is not None
    assert plan.spec.data is not None
    split = plan.spec.data.split.model_copy(
        update=dict.fromkeys(("by", "by_group", "folds", "fold")) | {"train": 0.5, "valid": 0.25, "test": 0.25}
    )
    window = plan.spec.data.window
    if window is not None:  # made-up rows are one series
        window = window.model_copy(update={"by": None, "join": False})
    spec = plan.spec.data.model_copy(update={"split": split, "window": window, "time": None})
    count = EXAMPLES if window is None else 4 * (window.length + window.steps[-1]) + 4 * spec.stride
    columns = made_up_columns(spec, plan.fields, count, times=None if window is not None else times_as_long(plan))
    data = with_masks(prepare(spec, plan.fields, columns, plan.targets), plan, None)
    again = check(checked.document.text.text, checked.document.text.name, settings=checked.settings, facts=data.facts)
    if again.plan is None:
        raise ValueError(again.report[0].headline)
    return again, data


def _try(checked: Checked, place: Throwaway | None, where: str) -> None:
    import torch

    from nnrun.runner.engine.checkpoint import model
    from nnrun.runner.engine.inference.example import example_of
    from nnrun.runner.engine.inference.predict import Predictor
    from nnrun.runner.engine.network.network import Network
    from nnrun.runner.engine.prepare import check_compiled
    from nnrun.runner.engine.training.fit import fit
    from nnrun.runner.engine.training.stages import learner_of

    assert checked.plan is not None
    assert checked.spec is not None
    plan, spec = checked.plan, checked.spec
    assert spec.data is not None
    assert spec.train is not None
    refuse(needed(plan, EXAMPLES, examples=EXAMPLES), allowed())
    again, data = made_up(checked)
    assert again.plan is not None
    plan = again.plan
    short = {
        "steps": 2,
        "epochs": None,
        "evaluate_every": 1,
        "batch_size": min(8, len(data.train)),
        "device": where,
        "early_stopping": None,
    }
    torch.manual_seed(0)
    torch.set_num_threads(1)
    device = torch.device(where)
    network = Network(plan)
    check_compiled(network, device)
    network.to(device)
    watcher = Quiet()
    for stage in (*plan.stages, plan):
        assert stage.spec.train is not None
        brief = replace(stage, spec=stage.spec.at_stage(stage.spec.train.model_copy(update=short)))
        with learner_of(network, brief, data, device, BETAS) as learner:
            fit(learner, watcher, 1)
    for name, figure in watcher.figures.items():
        if name.endswith("/loss") and not math.isfinite(figure):
            raise ValueError(f"{name} is {figure}")
    for name, parameter in network.named_parameters():
        if parameter.requires_grad and parameter.grad is None and not plan.nets:  # an energy network learns in parts
            raise ValueError(f"`{name}` gets no gradient")
    network.cpu()
    with tempfile.TemporaryDirectory(prefix="nnrun-smoke-") as folder:
        model.save(Path(folder) / "model", network, data.facts)
        loaded = Predictor.load(Path(folder) / "model")
        part = data.test or data.valid or data.train
        before, after = Predictor(network, plan, data.facts).answers(part), loaded.answers(part)
        if before != after:
            raise ValueError("the reloaded network answers otherwise than the trained one")
        if place is not None:
            _record(place, again, plan, watcher.figures, model.contents(network, data.facts), example_of(plan, data.facts, data.train))


def _record(
    place: Throwaway, checked: Checked, plan: Plan, figures: Mapping[str, float], model: Mapping[str, bytes], example: Mapping[str, Any]
) -> None:
    """Raises: ValueError if MLflow does not take all of it."""
    from nnrun.runner.record.model import record_model
    from nnrun.runner.record.params import params

    recorder = place.recorder()
    recorder.open(plan.spec.name, "smoke", params(plan, checked), {})
    recorder.metrics(2, figures)
    record_model(recorder, plan, model, example)
    delivered = recorder.finish("FINISHED", wait=120.0)
    if delivered.missing:
        raise ValueError(str(delivered.message))
