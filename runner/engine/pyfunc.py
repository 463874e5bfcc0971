"""The name by which MLflow loads the models of earlier runs; newer ones name `nnrun`."""

from nnrun import _load_pyfunc as _load_pyfunc
