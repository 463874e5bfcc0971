"""How a run is called, and the tags by which runs are found."""

from __future__ import annotations

import hashlib
import random
import string
from collections.abc import Sequence
from importlib.metadata import version

from nnrun.runner.compiler.canonical import graph_hash
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.compiler.resolved import resolved_text
from nnrun.runner.record.note import is_generated

AS_WRITTEN = "as written"
"""What differs from the spec where nothing does."""


def run_name(settings: Sequence[str]) -> str:
    """What differs from the spec, and four letters against confusion: `lr=0.01 units=16 · wizc`."""
    letters = "".join(random.SystemRandom().choices(string.ascii_lowercase, k=4))
    return f"{differences(settings) or AS_WRITTEN} · {letters}"


def differences(settings: Sequence[str]) -> str:
    """`path=value` texts with as many steps of each path, from its end, as tell it from the others."""
    last = dict(setting.partition("=")[::2] for setting in settings)  # of one path the last counts
    paths = {path: path.strip().split(".") for path in last}
    shown = []
    for path, steps in paths.items():
        others = [other for other in paths.values() if other != steps]
        count = next((count for count in range(1, len(steps)) if all(other[-count:] != steps[-count:] for other in others)), len(steps))
        shown.append(f"{'.'.join(steps[-count:])}={last[path].strip()}")
    return " ".join(shown)


def tags(plan: Plan, device: str, command: str, data_hash: str) -> dict[str, str]:
    """The spec's own tags, and ours."""
    return {
        **plan.spec.track.tags,
        **identity(plan, data_hash),
        "graph_hash": graph_hash(plan),
        "device": device,
        "command": command,
        **({"data": "generated"} if is_generated(plan) else {}),
    }


def identity(plan: Plan, data_hash: str) -> dict[str, str]:
    """The tags that are equal for two runs if they are the same experiment: resolved spec with its order and seed, data, version."""
    return {"spec_hash": spec_hash(plan), "data_hash": data_hash, "version": version("nnrun")}


def spec_hash(plan: Plan) -> str:
    """Of the resolved spec; 16 hex digits."""
    return hashlib.sha256(resolved_text(plan).encode()).hexdigest()[:16]
