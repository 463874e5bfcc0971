"""`nnrun generate`: a recorded network writes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nnrun.registry.field import DataError


def generate_texts(
    run: str, *, prompt: str | None, file: Path | None, count: int | None, settings: Sequence[str], seed: int, as_json: bool
) -> str:
    """Sequences of a recorded network, as text or as JSON rows: for each row of a file, or without one out of nothing.

    `prompt` is what each sequence begins with, `count` how many there are for each row, `settings` are `path=value` texts under
    `decode`. Raises: SourceError, DataError, BrokenCheckpoint, RunNotFound, SpecErrors.
    """
    from nnrun.runner.answers.predict import read_columns
    from nnrun.runner.compiler.language.spec import WIDTH
    from nnrun.runner.engine.inference.decode import generate
    from nnrun.runner.engine.inference.predict import PROMPT, Predictor
    from nnrun.runner.tracking.runs import find_run, model_folder
    from nnrun.runner.tracking.store import Store

    for setting in settings:
        if not setting.startswith("decode."):
            raise DataError(f"`--set {setting}` would change the network", "what can be set now stands under `decode`")
    store = Store.from_environment()
    predictor = Predictor.load(model_folder(store, find_run(store, run).run_id), settings)
    decoding = predictor.plan.decoding
    if decoding is None:
        raise DataError(f"the network of `{run}` has no `choice`: it generates nothing", "`nnrun predict` lets it answer")
    wanted = decoding.settings
    if count is not None:
        change: dict[str, Any] = {"n_best": count}
        if wanted.search == "greedy" and count > 1:  # there is one best symbol, so several sequences are drawn
            change["search"] = "sample"
        if wanted.search == "beam":
            change["width"] = max(count, wanted.width or WIDTH)
        wanted = wanted.model_copy(update=change)
    if predictor.plan.read and file is None:
        listed = ", ".join(f"`{column}`" for column in predictor.columns)
        raise DataError(f"the network reads {listed}, and no rows were given", "`--input FILE` brings them")
    columns = read_columns(file, predictor) if file is not None else {}
    if columns and not predictor.plan.read:
        if prompt is not None:
            raise DataError(f"`{PROMPT}` of `{file}` and `--prompt` both say how a text begins", "leave out one of them")
        prompts = map(predictor.symbols, columns[PROMPT])
        found = [generate(predictor.network, predictor.batch({}), wanted, seed=seed, forced=begin)[0] for begin in prompts]
    else:
        found = generate(predictor.network, predictor.batch(columns), wanted, seed=seed, forced=predictor.symbols(prompt))
    rows = [
        {"row": row + 1, decoding.target: predictor.text_of(one), "score": one.score, "ended": one.ended}
        for row, hypotheses in enumerate(found)
        for one in hypotheses
    ]
    return json.dumps(rows, ensure_ascii=False, indent=2) + "\n" if as_json else "".join(_lines(rows, decoding.target, len(found) > 1))


def _lines(rows: Sequence[Mapping[str, Any]], target: str, numbered: bool) -> Sequence[str]:
    """The sequences for people: of several rows with the row's number, of several sequences with their scores."""
    several = len({row["row"] for row in rows}) < len(rows)
    return [(f"{row['row']}\t" if numbered else "") + (f"{row['score']:.2f}\t" if several else "") + f"{row[target]}\n" for row in rows]
