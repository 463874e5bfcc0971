"""The tags that runs have of themselves; a spec's own have other names."""

from __future__ import annotations

from collections.abc import Iterable

OWN_TAGS = (
    "version", "spec", "spec_hash", "graph_hash", "settings_hash", "data_hash", "device", "command", "processes", "data", "kept", "kind",
    "changed_params", "warning", "error", "resumed", "continues", "job", "nnrun",
)  # fmt: skip

OF_SWEEPS = ("sweep", "trial", "repeat", "pruned", "best")
"""Those of a sweep and its runs."""

OWN_FAMILIES = ("mlflow", "nnrun")
"""What begins so is read by MLflow's pages and by nnrun, also as it was called in earlier versions: `nnrun.process`."""


def own_tag(names: Iterable[str]) -> str | None:
    """The first name that is one of a run's own tags, or becomes one when it is made a name that MLflow takes."""
    for name in names:
        key = "/".join(part for part in name.replace("[", ".").replace("]", "").split("/") if part.strip("."))
        if key in OWN_TAGS or key in OF_SWEEPS or key.split(".")[0] in OWN_FAMILIES:
            return name
    return None
