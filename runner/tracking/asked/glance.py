"""A look into the database of a local store without MLflow, for answers that must come at once."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from nnrun.runner.tracking.store import Store


def experiments(store: Store) -> list[str]:
    """The names of the experiments; none where the store is a server, is not there, or is not as MLflow 3 makes it."""
    if store.database is None or not store.database.is_file():
        return []
    with closing(sqlite3.connect(f"{store.database.as_uri()}?mode=ro", uri=True)) as connection:
        known = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'experiments'").fetchone()
        if not known:
            return []
        rows = connection.execute("SELECT name FROM experiments WHERE lifecycle_stage = 'active' ORDER BY name").fetchall()
    return [name for (name,) in rows]
