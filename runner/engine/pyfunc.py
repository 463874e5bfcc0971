"""What MLflow calls to load a network of ours: `mlflow.pyfunc.load_model`, `mlflow models serve`. It imports no MLflow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnrun.runner.engine.inference.predict import Predictor

if TYPE_CHECKING:
    from pandas import DataFrame


class Model:
    """A network that takes and gives data frames."""

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor

    def predict(self, model_input: DataFrame, params: dict[str, Any] | None = None) -> DataFrame:
        """One row of predictions for each row given."""
        import pandas

        frame = pandas.DataFrame(model_input)
        return pandas.DataFrame(self.predictor.predict({str(name): frame[name].tolist() for name in frame.columns}))


def _load_pyfunc(path: str) -> Model:
    folder = Path(path)
    return Model(Predictor.load(folder))
