"""How many threads compute one operation."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from nnrun.runner.compiler.plan import Plan
from nnrun.runner.compiler.work import largest_product

WORTH = 32_000_000
"""Multiplications that are worth a thread. By `tests/benchmarks/threads.py` two threads take 0.6 to 0.7 of the time of one where the
largest product of a step has twice as many, and up to 1.4 where it has fewer."""

_sharers = 1


def shared_by(count: int) -> None:
    """Tell how many processes such as this one compute side by side."""
    global _sharers
    _sharers = count


def threads_of(plan: Plan, device: torch.device, ticks: Mapping[str, int] | None = None) -> tuple[int, str | None]:
    """The threads that a plan is trained with, and of those that `auto` chose, why."""
    assert plan.spec.train is not None
    wanted = plan.spec.train.threads
    if wanted != "auto":
        return int(wanted), None
    cores, work = max(1, cores_here() // _sharers), largest_product(plan, ticks)
    count = 1 if device.type != "cpu" else max(1, min(cores, work // WORTH))
    on = f"of {cores} {'core' if cores == 1 else 'cores'}"
    return count, f"threads: {count} {on}, as the largest product of a step has {work / 1e6:,.3g} million multiplications"


def cores_here() -> int:
    """Processors that this process may use: those of its affinity and its control group, each core counted once."""
    from joblib import cpu_count  # type: ignore[import-untyped]

    return int(cpu_count(only_physical_cores=True))
