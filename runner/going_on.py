"""A run of this machine goes on: one that was broken off as if it had not been, a finished one for longer, as a new run."""

from __future__ import annotations

from dataclasses import replace

from nnrun.runner.compiler.check import SpecErrors
from nnrun.runner.compiler.language.training import EPOCHS
from nnrun.runner.display import Display
from nnrun.runner.job import Job
from nnrun.runner.launch.place import Place
from nnrun.runner.record.result import Result
from nnrun.runner.run import AlreadyRun, resume, run
from nnrun.runner.tracking.again.kept import KeptRun, NotResumable, begun, find_kept
from nnrun.runner.tracking.known import KnownRun
from nnrun.runner.tracking.spawn import Sidecar
from nnrun.runner.tracking.store import Store

CONTINUES = "continues"
"""The tag that names the run from whose end another goes on."""

JOB = "job"
"""The tag that names the job of a batch system that a run belongs to, however often the job is started."""


def begin(job: Job, key: str | None, store: Store, display: Display, once: bool = False, sidecar: Sidecar | None = None) -> Result:
    """Run a spec; with the `key` of a job, go on with the run that the job began when it was started before.

    Raises: AlreadyRun, if that has finished; and what `run` and `resume` raise.
    """
    if key is not None:
        job = replace(job, tags={**job.tags, JOB: key})
    before = begun(job.tags) if key is not None else None
    if before is None:
        return run(job, store, display, once, sidecar)
    if before.status != "FINISHED":
        return resume(before, display, sidecar)
    from nnrun.runner.engine.world.world import entered
    from nnrun.runner.follow import dismiss

    with entered(Place.here()) as world:
        dismiss(world, job)
    progress = before.folder.progress()
    figures = {name: value for name, (value, *_) in progress.latest.items()}
    raise AlreadyRun(KnownRun(str(progress.run_id), before.name or before.called, str(progress.experiment_id), before.status, figures))


def go_on(reference: str | None, store: Store, display: Display, epochs: int | None = None, steps: int | None = None) -> tuple[Job, Result]:
    """Go on with the run that a person means, by default the last one that was broken off; with `epochs` or `steps`, for longer.

    Raises: NotResumable, SpecErrors, and what `run` raises.
    """
    kept = find_kept(reference, store)
    job = Job.from_json(kept.folder.job.read_text())
    if epochs is not None or steps is not None:
        job = longer(kept, job, epochs, steps)
        if job.checked.plan is None:
            raise SpecErrors(job.checked)
        return job, run(job, store, display)
    if kept.status == "FINISHED":
        raise NotResumable(f"run `{kept.called}` has finished", f"`nnrun resume {kept.called} --epochs N` trains it for longer")
    return job, resume(kept, display)


def longer(kept: KeptRun, job: Job, epochs: int | None, steps: int | None) -> Job:
    """The job of a finished run with more epochs, or steps, in all: a new run, as parameters cannot change. Raises: NotResumable."""
    if kept.is_running or kept.status != "FINISHED":
        raise NotResumable(f"run `{kept.called}` has not finished", f"`nnrun resume {kept.called}` finishes it first")
    if epochs is not None and steps is not None:
        raise NotResumable("either `--epochs` or `--steps` says how long to train", "leave one out")
    spec = job.checked.spec
    assert spec is not None
    last = f"train.{len(spec.stages) - 1}" if spec.is_staged else "train"
    key, total = ("epochs", epochs) if epochs is not None else ("steps", steps)
    assert spec.train is not None
    other = "steps" if key == "epochs" else "epochs"
    done = getattr(spec.train, key)
    if done is None and getattr(spec.train, other) is not None:
        raise NotResumable(f"the spec counts `{other}`, not `{key}`", f"say `--{other} N`")
    assert total is not None
    if done is None and key == "epochs":
        done = EPOCHS
    if done is not None and total <= done:
        raise NotResumable(
            f"run `{kept.called}` was trained for {done} {key}, and `--{key} {total}` is not more", "it is their number in all"
        )
    tags = {**job.tags, CONTINUES: kept.name or kept.called}
    return replace(job, settings=(*job.settings, f"{last}.{key}={total}"), tags=tags, continues=str(kept.folder.checkpoints))
