"""Where the network of a run lies."""

from __future__ import annotations

from pathlib import Path


def model_at(run: str | Path) -> Path:
    """The folder of a recorded network: of a run by its id, the beginning of it, its name or that of its experiment, or a folder itself.

    A folder is one that `checkpoint.model.save` wrote, or an MLflow model with such a one in it.
    Raises: RunNotFound, StoreError.
    """
    from nnrun.runner.tracking.runs import find_run, model_folder
    from nnrun.runner.tracking.store import Store

    folder = Path(run)
    if isinstance(run, Path) or folder.is_dir():
        inside = folder / "data" / "model"
        return inside if inside.is_dir() else folder
    store = Store.from_environment()
    return model_folder(store, find_run(store, run).run_id)
