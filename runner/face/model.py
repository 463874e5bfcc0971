"""A recorded network that answers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from nnrun.runner.answers.generating import codes, samples
from nnrun.runner.answers.generating.texts import checked_settings, generated
from nnrun.runner.answers.recorded import model_at
from nnrun.runner.engine.checkpoint.model import load
from nnrun.runner.engine.inference.draw import Generator
from nnrun.runner.engine.inference.imagine import Imagination, imagined
from nnrun.runner.engine.inference.predict import Predictor
from nnrun.runner.engine.inference.roll_out import foresees, roll_out
from nnrun.runner.engine.inference.signature import signature

if TYPE_CHECKING:
    from pandas import DataFrame

Columns = Mapping[str, Sequence[Any]]
"""Values by the name of their column, as the data has them."""


class Model:
    """A network with the spec and the facts that it was trained with. MLflow calls it, too."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._saved = load(folder)
        self._predictor = Predictor(self._saved.network, self._saved.plan, self._saved.facts)

    @staticmethod
    def load(run: str | Path) -> Model:
        """Of a run by its id, the beginning of it or a name, or of a folder. Raises: RunNotFound, StoreError, BrokenCheckpoint."""
        return Model(model_at(run))

    @property
    def reads(self) -> list[str]:
        """The columns that `predict` needs."""
        return self._predictor.columns

    @overload
    def predict(
        self, model_input: Columns, params: Mapping[str, Any] | None = None, *, what: Sequence[str] = (), best: int = 1
    ) -> dict[str, list[Any]]: ...

    @overload
    def predict(
        self, model_input: DataFrame, params: Mapping[str, Any] | None = None, *, what: Sequence[str] = (), best: int = 1
    ) -> DataFrame: ...

    def predict(
        self, model_input: DataFrame | Columns, params: Mapping[str, Any] | None = None, *, what: Sequence[str] = (), best: int = 1
    ) -> DataFrame | dict[str, list[Any]]:
        """An answer for each row, in the units and names of the data, beside the number of the row: a data frame for a data frame, with
        its index, and columns for columns.

        `what` names what else is asked for than `answers`: `probabilities` or `logits` of all classes, or values of the network; `best`
        is how many answers a row has. MLflow gives both as `params`. A row that is wrong has None for an answer, and a last column
        `error` says why. Raises: DataError where no row is answered, or for what this network cannot say.
        """
        params = params or {}
        asked = self._predictor.saying_also(params.get("what", what), params.get("best", best))
        if isinstance(model_input, Mapping):
            return asked.predict(model_input)
        import pandas

        columns = {str(name): [_unboxed(cell) for cell in model_input[name].tolist()] for name in model_input.columns}
        unpacked = self._unpacked(columns)
        table = asked.predict(unpacked)
        index = model_input.index if unpacked is columns else pandas.RangeIndex(max(map(len, unpacked.values())))
        rows = index[[row - 1 for row in next(iter(table.values()))]]
        return pandas.DataFrame({name: pandas.Series(values, rows, _dtype(values)) for name, values in table.items()})

    def _unpacked(self, columns: dict[str, list[Any]]) -> dict[str, list[Any]]:
        """The columns of a frame. Where every column was a list of texts, MLflow has made one row of them, with a list in each cell."""
        cells = [columns[name] for name in self.reads if name in columns]
        packed = all(len(cell) == 1 and isinstance(cell[0], list) and all(isinstance(value, str) for value in cell[0]) for cell in cells)
        if not cells or not packed or self._predictor.holds_lists:
            return columns
        return {name: columns[name][0] for name in self.reads if name in columns}

    def generate(
        self,
        columns: Columns | None = None,
        *,
        prompt: str | None = None,
        n: int | None = None,
        set: Mapping[str, Any] | None = None,
        given: Columns | None = None,
        sweeps: int = samples.SWEEPS,
        temperature: float | None = None,
        seed: int = 0,
    ) -> list[dict[str, Any]]:
        """What the network writes or draws, a row for each.

        A network with a choice writes `n` sequences for each row of `columns`; `prompt` is what they begin with, `set` changes values
        under `decode`. An energy network draws `n` samples, or completes what `given` says in part, None where a value is to be found;
        `sweeps` of Gibbs sampling at a `temperature`, 0 running downhill, as a memory does. A variational autoencoder makes `n` examples of
        codes that are drawn. A network that foresees a series goes on with that of `columns` for `n` ticks. Raises: DataError, SpecErrors.
        """
        if samples.fits(self._saved.plan):
            generator = Generator(self._saved.network, self._saved.plan, self._saved.facts)
            return generator.rows(generator.draw(n or samples.COUNT, given or {}, sweeps, temperature, seed))
        if imagined(self._saved.plan):
            return Imagination(self._predictor, n or codes.COUNT, seed).rows()
        if columns is not None and foresees(self._saved.plan):
            return roll_out(self._predictor, columns, n)
        settings = checked_settings([f"{path}={json.dumps(value)}" for path, value in (set or {}).items()])
        predictor = Predictor.load(self._folder, settings) if settings else self._predictor
        return generated(predictor, columns, prompt=prompt, count=n, seed=seed)

    def __repr__(self) -> str:
        inputs, outputs = (", ".join(column["name"] for column in columns) for columns in signature(self._saved.plan))
        return f"a network of {self._saved.plan.spec.name}: {inputs} -> {outputs}"


def _unboxed(cell: Any) -> Any:
    """Lists in lists, which a Parquet file gives as arrays of arrays, as lists."""
    return [_unboxed(value) for value in cell] if getattr(getattr(cell, "dtype", None), "kind", "") == "O" else cell


def _dtype(values: Sequence[Any]) -> type | None:
    """None stays None: pandas would make not-a-number of it, which no JSON has."""
    return object if None in values else None
