"""`nnrun generate` of a network with a choice: it writes."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nnrun.registry.field import DataError
from nnrun.runner.answers.generating.wanted import Wanted
from nnrun.runner.compiler.plan import Plan

if TYPE_CHECKING:
    from nnrun.runner.engine.inference.predict import Predictor

Rows = list[dict[str, Any]]


WHAT = "writes texts"
USES = ("prompt", "input", "n", "set")


def fits(plan: Plan) -> bool:
    """Whether the network has a choice."""
    return plan.decoding is not None


def made(run: str, wanted: Wanted) -> str:
    """Sequences of a recorded network, as text or as JSON rows: for each row of a file, or without one out of nothing.

    Raises: SourceError, DataError, BrokenCheckpoint, RunNotFound, SpecErrors.
    """
    from nnrun.runner.answers.recorded import model_at
    from nnrun.runner.answers.rows import read_columns
    from nnrun.runner.engine.inference.predict import Predictor

    predictor = Predictor.load(model_at(run), checked_settings(wanted.set))
    assert predictor.plan.decoding is not None
    file = wanted.input
    columns = read_columns(file, predictor) if file is not None else None
    rows = generated(predictor, columns, prompt=wanted.prompt, count=wanted.n, seed=wanted.seed)
    if file is not None and columns is not None and file.is_dir():
        (paths,) = columns.values()
        rows = [{"file": os.path.relpath(paths[row["row"] - 1], file.resolve()), **row} for row in rows]
    return (
        json.dumps(rows, ensure_ascii=False, indent=2) + "\n" if wanted.as_json else "".join(_lines(rows, predictor.plan.decoding.target))
    )


def checked_settings(settings: Sequence[str]) -> Sequence[str]:
    """`path=value` texts that change how a network decodes. Raises: DataError if one would change the network."""
    for setting in settings:
        if not setting.startswith("decode."):
            raise DataError(f"`--set {setting}` would change the network", "what can be set now stands under `decode`")
    return settings


def generated(
    predictor: Predictor, columns: Mapping[str, Sequence[Any]] | None, *, prompt: str | None, count: int | None, seed: int
) -> Rows:
    """`row` (from 1), the sequence under the name of its field, `score` and whether it `ended`, for each sequence of each row.

    `prompt` is what each sequence begins with, `count` how many there are for each row. Raises: DataError.
    """
    from nnrun.runner.engine.inference.answered import PROMPT
    from nnrun.runner.engine.inference.decode import generate
    from nnrun.runner.engine.inference.search import several

    decoding = predictor.plan.decoding
    if decoding is None:
        raise DataError("the network has no `choice`: it generates nothing", "`predict` lets it answer")
    if predictor.plan.read and columns is None:
        listed = ", ".join(f"`{column}`" for column in predictor.columns)
        raise DataError(f"the network reads {listed}, and no rows were given", "`--input FILE` brings them")
    wanted = decoding.settings if count is None else several(decoding.settings, count)
    begins: Sequence[str | None]
    if columns and not predictor.plan.read:
        if prompt is not None:
            raise DataError(f"the column `{PROMPT}` and `--prompt` both say how a text begins", "leave out one of them")
        begins = columns[PROMPT]
        forced = (predictor.symbols(begin) for begin in columns[PROMPT])
        found = [generate(predictor.network, predictor.batch({}), wanted, seed=seed, forced=symbols)[0] for symbols in forced]
    else:
        found = generate(
            predictor.network,
            predictor.batch(columns or {}),
            wanted,
            seed=seed,
            forced=predictor.symbols(prompt) if prompt is not None else None,
        )
        begins = [prompt] * len(found)
    return [
        {"row": row + 1, decoding.target: predictor.text_of(one, begin), "score": one.score, "ended": one.ended}
        for row, (hypotheses, begin) in enumerate(zip(found, begins, strict=True))
        for one in hypotheses
    ]


def _lines(rows: Rows, target: str) -> Sequence[str]:
    """The sequences for people: of several rows with the row's number, of several sequences with their scores."""
    numbers = {row["row"] for row in rows}
    numbered, several = len(numbers) > 1, len(numbers) < len(rows)
    return [(f"{row['row']}\t" if numbered else "") + (f"{row['score']:.2f}\t" if several else "") + f"{row[target]}\n" for row in rows]
