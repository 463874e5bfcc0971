"""The data of a run, and its spec checked with what the training part taught."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from nnrun.runner.compiler.check import Checked, SpecErrors, check
from nnrun.runner.compiler.memory.machine import allowed
from nnrun.runner.display import Display
from nnrun.runner.job import Job

if TYPE_CHECKING:
    from nnrun.runner.engine.data.cache.proof import Proof
    from nnrun.runner.engine.data.dataset import Dataset


class Reading(NamedTuple):
    """What a run learns from."""

    checked: Checked
    data: Dataset
    proof: Proof
    """Of data that was prepared before; to be settled before the run ends."""


def read(job: Job, display: Display) -> Reading:
    """Raises: SpecErrors, SourceError, DataError, OutOfMemory."""
    from nnrun.runner.engine.data.cache.prepared import prepared
    from nnrun.runner.engine.data.digest import digest
    from nnrun.runner.engine.data.masks import with_masks
    from nnrun.runner.engine.data.room import refuse_data, refuse_training
    from nnrun.runner.engine.data.vectors import with_vectors
    from nnrun.runner.record.parts import parts_text

    plan = job.checked.plan
    if plan is None:
        raise SpecErrors(job.checked)
    limit = allowed()
    refuse_data(plan, limit)
    data, proof = prepared(plan, job.folder, limit, display.say)
    data = with_masks(data, plan, job.folder)
    data = replace(data, digest=digest(data))  # which all ask for
    for line in data.said:
        display.say(line)
    checked = check(job.text, job.name, settings=job.settings, facts=data.facts)
    if checked.plan is None:
        raise SpecErrors(checked)
    refuse_training(checked.plan, limit, data)
    assert checked.graph is not None
    data = with_vectors(data, checked.plan, checked.graph, job.folder, display.say)
    for line in parts_text(data).splitlines():
        display.say(f"  {line}")
    return Reading(checked, data, proof)
