"""A spec of several folds: the run above them, and theirs one after the other."""

from __future__ import annotations

from typing import Any

from nnrun.runner.cli.console import Exit, console, say, warn
from nnrun.runner.cli.processes.several import Ended, RunOne, run_several
from nnrun.runner.job import Job
from nnrun.runner.tracking.store import Store


def run_folds(job: Job, run_one: RunOne, store: Store, as_json: bool) -> Ended:
    """Run every fold that has not finished; one that fails leaves the others to be run. Raises: SpecErrors, StoreError."""
    from nnrun.runner.experiments.folds import CrossValidation, key
    from nnrun.runner.tracking.asked.children import broken_parent
    from nnrun.runner.tracking.known import FOLDS
    from nnrun.runner.tracking.links import Links

    plan, before = job.checked.plan, None
    if plan is not None and (store.database is None or store.database.exists()):
        before = broken_parent(store, plan.spec.name, {FOLDS: key(plan, job)})
    if before is not None:
        say("going on with the folds that were broken off", err=True)
    folds = CrossValidation.begin(job, store, before)
    ended = []
    try:
        for fold, one in enumerate(run_several(folds.jobs, run_one, as_json), start=1):
            ended.append(one)
            if one.code == Exit.FINE:
                folds.ended(fold, one.row["figures"])
    except BaseException as error:
        folds.end(f"{type(error).__name__}: {error}")
        raise
    wrong = [one for one in ended if one.code]
    delivered = folds.end(f"{len(folds.found)} of {folds.folds} folds have finished" if wrong else None)
    if not as_json and folds.found:
        console().print(folds.text())
    if delivered.message is not None:
        warn(delivered.message)
    link = Links.to(store.address, str(delivered.experiment_id), folds.run_id).run
    if not as_json:
        say(f"run  {link}")
    first = next((one.row for one in ended if one.code == Exit.FINE), {})
    row: dict[str, Any] = {
        "spec": job.name,
        "experiment": folds.plan.spec.name,
        "run_id": folds.run_id,
        "figures": folds.figures,
        "baseline": first.get("baseline"),
        "parameters": first.get("parameters"),
        "seconds": round(sum(one.row.get("seconds", 0.0) for one in ended), 3),
        "folds": [one.row for one in ended],
        "link": link,
        "delivered": delivered.is_complete and all(one.row.get("delivered", True) for one in ended),
    }
    return Ended(wrong[0].code if wrong else Exit.FINE, row)
