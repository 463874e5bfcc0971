"""The tags that runs have of themselves; a spec's own have other names."""

from __future__ import annotations

OWN_TAGS = (
    "version", "spec", "spec_hash", "graph_hash", "settings_hash", "data_hash", "device", "command", "data", "kept", "kind",
    "changed_params", "warning", "error", "resumed", "continues", "nnrun",
)  # fmt: skip
