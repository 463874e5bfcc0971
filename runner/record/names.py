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


def run_name(name: str, settings: Sequence[str]) -> str:
    """The spec, what differs from it, and four letters against confusion."""
    changes = [setting.rpartition(".")[2].replace("=", "") for setting in settings]
    letters = "".join(random.SystemRandom().choices(string.ascii_lowercase, k=4))
    return "-".join([name, *changes, letters])


def tags(plan: Plan, device: str, command: str) -> dict[str, str]:
    """The spec's own tags, and ours."""
    return {
        **plan.spec.track.tags,
        "nnrun.version": version("nnrun"),
        "nnrun.spec_hash": hashlib.sha256(resolved_text(plan).encode()).hexdigest()[:16],
        "nnrun.graph_hash": graph_hash(plan),
        "nnrun.device": device,
        "nnrun.command": command,
        **({"nnrun.data": "generated"} if is_generated(plan) else {}),
    }
