"""`nnrun generate` of a variational autoencoder: it makes examples of codes that are drawn."""

from __future__ import annotations

import json

from nnrun.runner.answers.generating.wanted import Wanted
from nnrun.runner.compiler.plan import Plan

WHAT = "makes examples of codes that are drawn from a standard normal distribution"
USES = ("n", "output")
COUNT = 16
"""Of examples, where nothing is said."""


def fits(plan: Plan) -> bool:
    """Whether something that it answers follows from a code that it draws."""
    from nnrun.runner.engine.inference.imagine import imagined

    return bool(imagined(plan))


def made(run: str, wanted: Wanted) -> str:
    """What to print: rows as JSON, or where the file went. Raises: DataError, BrokenCheckpoint, RunNotFound."""
    from nnrun.runner.answers.recorded import model_at
    from nnrun.runner.engine.inference.imagine import Imagination
    from nnrun.runner.engine.inference.predict import Predictor

    imagination, output = Imagination(Predictor.load(model_at(run)), wanted.n or COUNT, wanted.seed), wanted.output
    if output is not None and output.suffix == ".png":
        output.write_bytes(imagination.picture())
        return f"{output}\n"
    text = json.dumps(imagination.rows(), ensure_ascii=False) + "\n"
    if output is None:
        return text
    output.write_text(text, encoding="utf-8")
    return f"{output}\n"
