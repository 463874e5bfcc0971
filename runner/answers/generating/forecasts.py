"""`nnrun generate` of a network that foresees a series: the forecast goes on."""

from __future__ import annotations

import json

from nnrun.registry.field import DataError
from nnrun.runner.answers.generating.wanted import Wanted
from nnrun.runner.compiler.plan import Plan

WHAT = "goes on with a series"
USES = ("input", "n", "output")


def fits(plan: Plan) -> bool:
    """Whether the network says what comes behind a window."""
    from nnrun.runner.engine.inference.roll_out import foresees

    return foresees(plan)


def made(run: str, wanted: Wanted) -> str:
    """What to print: the forecast as CSV or JSON rows, or where the file went.

    Raises: SourceError, DataError, BrokenCheckpoint, RunNotFound.
    """
    import pandas

    from nnrun.runner.answers.recorded import model_at
    from nnrun.runner.answers.rows import read_columns
    from nnrun.runner.engine.inference.predict import Predictor
    from nnrun.runner.engine.inference.roll_out import roll_out

    predictor = Predictor.load(model_at(run))
    if wanted.input is None:
        listed = ", ".join(f"`{column}`" for column in predictor.columns)
        raise DataError(f"the network goes on with a series of {listed}, and none was given", "`--input FILE` brings it")
    rows = roll_out(predictor, read_columns(wanted.input, predictor), wanted.n)
    as_json = wanted.as_json or (wanted.output is not None and wanted.output.suffix == ".json")
    text = json.dumps(rows, ensure_ascii=False, indent=2) + "\n" if as_json else str(pandas.DataFrame(rows).to_csv(index=False))
    if wanted.output is None:
        return text
    wanted.output.write_text(text, encoding="utf-8")
    return f"{wanted.output}\n"
