"""A finished run that is to be trained for longer: a new run that goes on from its end, for a run's parameters cannot change."""

from __future__ import annotations

from dataclasses import replace

from nnrun.runner.job import Job
from nnrun.runner.tracking.again.kept import KeptRun, NotResumable

CONTINUES = "continues"
"""The tag that names the run from whose end another goes on."""


def longer(kept: KeptRun, job: Job, epochs: int | None, steps: int | None) -> Job:
    """The job of a finished run with more epochs, or steps, in all. Raises: NotResumable."""
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
    if done is not None and total <= done:
        raise NotResumable(
            f"run `{kept.called}` was trained for {done} {key}, and `--{key} {total}` is not more", "it is their number in all"
        )
    tags = {**job.tags, CONTINUES: kept.name or kept.called}
    return replace(job, settings=(*job.settings, f"{last}.{key}={total}"), tags=tags, continues=str(kept.folder.checkpoints))
