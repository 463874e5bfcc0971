"""`nnrun generate`: what a recorded network makes of itself, each kind of network in its way."""

from __future__ import annotations

from types import ModuleType

from nnrun.registry.field import DataError
from nnrun.runner.answers.generating import codes, forecasts, samples, texts

KINDS: tuple[ModuleType, ...] = (texts, samples, forecasts, codes)
"""Each with `WHAT` it does, the options that it `USES`, whether it `fits` a plan, and what is `made` of a run."""


def kind_of(run: str) -> ModuleType:
    """How the network of a run generates. Raises: DataError if it does not, BrokenCheckpoint, RunNotFound."""
    from nnrun.runner.answers.recorded import model_at
    from nnrun.runner.engine.checkpoint.model import load

    plan = load(model_at(run)).plan
    kind = next((kind for kind in KINDS if kind.fits(plan)), None)
    if kind is None:
        what = f"the network of `{run}` has no `choice`, no units or codes to draw, and no series to go on with: it generates nothing"
        raise DataError(what, "`nnrun predict` lets it answer")
    return kind
