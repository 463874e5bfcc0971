"""The settings of a run as MLflow's params: scalars that people compare runs by, the same for all runs of a spec."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from nnrun.registry.objective import Loss
from nnrun.runner.compiler.check import Checked
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.compiler.resolved import resolved

MOST = 20
"""Params of a run, but for what `--set` changes and the sizes of nodes, of which none is left out."""

CORE = re.compile(r"train(\.\d+)?\.(seed|batch_size|epochs|steps|optimizer\.(type|lr)|learner\.type)|parameters|loss_\w+\.weight")
"""What every run tells, defaults included."""

SIZE = re.compile(r"nodes\.[\w.]+\.(units|filters)")
"""How large a node is."""

LONGEST = 250
"""Characters of a list of edges."""


def params(plan: Plan, checked: Checked) -> dict[str, str]:
    """The core, then what `--set` changes, then sizes of nodes, then what the spec says, as many as people can look over."""
    value = resolved(plan)
    said = dict(_flat(_sections(checked.document.value)))
    settled = {**_nodes(plan, said), **{path: item for path, item in _flat(_sections(value)) if not path.startswith("nodes.")}}
    flat = {path: item for path, item in settled.items() if _is_said(path, said) or CORE.fullmatch(path)}
    flat["parameters"] = plan.size
    flat |= {
        f"{label}.weight": loss.config.weight
        for label, loss in zip(plan.loss_labels, plan.losses, strict=False)
        if isinstance(loss.config, Loss)
    }
    if edges := checked.document.value.get("edges"):
        flat["edges"] = "; ".join(edge if isinstance(edge, str) else str(edge.get("edge")) for edge in edges)[:LONGEST]
    changed = [setting.partition("=")[0].strip() for setting in checked.settings]
    ranked = sorted(flat, key=lambda path: _rank(path, changed))
    kept = [path for place, path in enumerate(ranked) if place < MOST or _rank(path, changed) <= 2]
    return {path: text(flat[path]) for path in kept}


def text(value: Any) -> str:
    """One canonical text for a value: 1e-3 and 0.001 are the same."""
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.12g}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(text, value)) + "]"
    return str(value)


def _sections(value: Mapping[str, Any]) -> dict[str, Any]:
    """The sections whose values tell runs apart."""
    return {key: value[key] for key in ("train", "nodes", "blocks", "data", "decode") if key in value}


def _nodes(plan: Plan, said: Mapping[str, Any]) -> dict[str, Any]:
    """What the spec says of nodes; a size that is the name of a field as the number that it stands for."""
    sizes = {f"nodes.{op.name}.units": getattr(op.config, "units", None) for op in plan.ops}
    return {path: item if (size := sizes.get(path)) is None else size for path, item in said.items() if path.startswith("nodes.")}


def _is_said(path: str, said: Mapping[str, Any]) -> bool:
    """Whether a spec has a value, in full or as a name that stands for a mapping: `optimizer: adam`."""
    return path in said or (path.endswith(".type") and path.removesuffix(".type") in said)


def _rank(path: str, changed: list[str]) -> int:
    plain = re.sub(r"^train\.\d+\.", "train.", path)
    if any(plain == other or plain.startswith(f"{other}.") or path == other for other in changed):
        return 0
    if CORE.fullmatch(path):
        return 1
    if SIZE.fullmatch(path):
        return 2
    if path == "edges" or path.startswith("train."):
        return 3
    if path.startswith("data.fields.") or path.endswith(".type"):
        return 6
    return 4 if path.startswith(("nodes.", "blocks.")) else 5


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Scalars and lists of scalars by their dotted path; what a list holds one of needs no number."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _flat(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        for index, item in enumerate(value):
            yield from _flat(item, path if len(value) == 1 else f"{path}.{index}")
    elif not isinstance(value, list) or len(value) <= 4:
        yield path, value
