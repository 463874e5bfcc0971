"""How a run is called, and the tags by which runs are found."""

from __future__ import annotations

import hashlib
import random
import string
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from nnrun.runner.compiler.canonical import graph_hash
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.compiler.resolved import resolved
from nnrun.runner.compiler.text.source import dump
from nnrun.runner.launch.place import Place
from nnrun.runner.record.note import is_generated
from nnrun.runner.record.short import differences

AS_WRITTEN = "as written"
"""What differs from the spec where nothing does."""


def run_name(settings: Sequence[str]) -> str:
    """What differs from the spec, and four letters against confusion: `lr=0.01 units=16 · wizc`."""
    letters = "".join(random.SystemRandom().choices(string.ascii_lowercase, k=4))
    return f"{differences(settings) or AS_WRITTEN} · {letters}"


def tags(plan: Plan, device: str, command: str, data_hash: str) -> dict[str, str]:
    """The spec's own tags, and ours."""
    return {
        **plan.spec.track.tags,
        **identity(plan, data_hash),
        "graph_hash": graph_hash(plan),
        "settings_hash": settings_hash(plan),
        "device": device,
        "command": command,
        **({} if Place.here().is_alone else {"processes": str(Place.here().size)}),
        **({"data": "generated"} if is_generated(plan) else {}),
    }


def identity(plan: Plan, data_hash: str) -> dict[str, str]:
    """The tags that are equal for two runs if they are the same experiment: resolved spec with its order and seed, data, version."""
    return {"spec_hash": spec_hash(plan), "data_hash": data_hash, "version": version("nnrun")}


def spec_hash(plan: Plan) -> str:
    """Of the resolved spec, but for how often a training is saved; 16 hex digits."""
    return _hash(dump(_without(resolved(plan), "checkpoint")))


def settings_hash(plan: Plan) -> str:
    """Of the resolved spec without seeds of training and what is for people: runs that share it are one but for chance."""
    value = {key: item for key, item in resolved(plan).items() if key not in ("name", "description", "track")}
    return _hash(dump(_without(value, "checkpoint", "seed")))


def _without(spec: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """A resolved spec without some keys of its training, or of each stage of it."""
    stages = spec["train"] if isinstance(spec["train"], list) else [spec["train"]]
    return {**spec, "train": [{key: item for key, item in stage.items() if key not in keys} for stage in stages]}


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
