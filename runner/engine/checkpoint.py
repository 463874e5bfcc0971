"""A trained network as a folder: spec, facts, weights, and a manifest that proves them whole. No pickle."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from safetensors.torch import save as serialized

from nnrun.registry.fault import Fault
from nnrun.registry.field import Facts
from nnrun.runner.compiler.check import SpecErrors, check
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.compiler.resolved import resolved_text
from nnrun.runner.engine.network.network import Network

SPEC, FACTS, WEIGHTS, MANIFEST = "spec.yaml", "facts.json", "weights.safetensors", "MANIFEST.json"

FORMAT = 2
"""What a folder says of its own way, counted up where facts or the meaning of a node change. A folder of an earlier one still loads.

1: facts of pictures do not say how their pixels were counted, and `last` behind a bidirectional cell gave the last tick of both halves.
2: they do, and it gives the final state of each direction.
"""


def _reads_both_ways(plan: Plan) -> str | None:
    ends = (op.name for op in plan.ops if op.config.type_name() == "last" and op.inputs[0].shape.backward)
    name = next(ends, None)
    return None if name is None else f"`{name}` gave the last tick then, where it gives the final state of each direction now"


CHANGED: Mapping[int, Sequence[Callable[[Plan], str | None]]] = {2: (_reads_both_ways,)}
"""By format, what earlier networks cannot be read for: each looks at a plan, and says which node would now answer otherwise and why."""


class BrokenCheckpoint(Fault):
    """The folder is not what was saved: the message names the file."""

    kind = "missing"
    id = "broken-model"


@dataclass(frozen=True)
class Saved:
    """What a folder holds."""

    network: Network
    plan: Plan
    facts: Mapping[str, Facts]


def save(folder: Path, network: Network, facts: Mapping[str, Facts]) -> None:
    """Write a network into a new folder, which appears whole or not at all. Raises: FileExistsError."""
    if folder.exists():
        raise FileExistsError(f"{folder} is there already; a checkpoint is never written over another")
    draft = folder.with_name(f".{folder.name}.{os.getpid()}")
    shutil.rmtree(draft, ignore_errors=True)  # left by a save that was killed
    draft.mkdir(parents=True)
    for name, content in contents(network, facts).items():
        (draft / name).write_bytes(content)
    for place in (*draft.iterdir(), draft):
        _sync(place)
    draft.rename(folder)
    _sync(folder.parent)


def contents(network: Network, facts: Mapping[str, Facts]) -> dict[str, bytes]:
    """The files of a folder that holds a network, by their names."""
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    files = {
        SPEC: resolved_text(network.plan).encode(),
        FACTS: json.dumps(facts, ensure_ascii=False, indent=1).encode(),
        WEIGHTS: serialized(weights),
    }
    digests = {name: _digest(content) for name, content in files.items()}
    return {**files, MANIFEST: _sealed({"format": FORMAT, "torch": torch.__version__, "files": digests}).encode()}


def load(folder: Path, settings: Sequence[str] = ()) -> Saved:
    """Read a network, with `path=value` texts applied to its spec. Raises: BrokenCheckpoint if a file is missing or differs from what
    was saved; SpecErrors for a setting that is wrong."""
    format = verify(folder)
    facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    checked = check((folder / SPEC).read_text(encoding="utf-8"), str(folder / SPEC), settings=settings, facts=facts)
    if checked.plan is None and settings:
        raise SpecErrors(checked)
    if checked.plan is None:
        raise BrokenCheckpoint(f"{folder / SPEC} is not understood by this version: {checked.report[0].headline}")
    _check_format(folder, format, checked.plan)
    network = Network(checked.plan)
    network.load_state_dict(load_file(folder / WEIGHTS))
    return Saved(network.eval(), checked.plan, facts)


def verify(folder: Path) -> int:
    """The format of a folder. Raises: BrokenCheckpoint if a file is missing or differs from what was saved, or of a later format."""
    path = folder / MANIFEST
    if not path.is_file():
        raise BrokenCheckpoint(f"{folder} holds no network: {MANIFEST} is missing")
    text = path.read_bytes()
    try:
        manifest = json.loads(text)
        del manifest["sha256"]
        digests, format = dict(manifest["files"]), int(manifest["format"])
    except (ValueError, KeyError, TypeError):
        raise BrokenCheckpoint(f"{path} is damaged") from None
    if _sealed(manifest).encode() != text:
        raise BrokenCheckpoint(f"{path} differs from what was saved: its sha256 is not its own")
    for name, digest in digests.items():
        if not (folder / name).is_file():
            raise BrokenCheckpoint(f"{folder / name} is missing")
        if _digest((folder / name).read_bytes()) != digest:
            raise BrokenCheckpoint(f"{folder / name} differs from what was saved: its sha256 is not the manifest's")
    if format > FORMAT:
        raise BrokenCheckpoint(f"{folder} is of format {format}, and this version reads 1 to {FORMAT}", "a later version of nnrun reads it")
    return format


def _check_format(folder: Path, format: int, plan: Plan) -> None:
    """Raises: BrokenCheckpoint if what a node does has changed since the network was saved."""
    for later in range(format + 1, FORMAT + 1):
        for find in CHANGED.get(later, ()):
            if (why := find(plan)) is not None:
                help = "train it again, or load it with the version that saved it"
                raise BrokenCheckpoint(f"{folder} is of format {format}, and {why}", help)


def _sealed(manifest: dict[str, Any]) -> str:
    """The manifest as text, with its own checksum in it."""
    return json.dumps({**manifest, "sha256": _digest(json.dumps(manifest).encode())}, indent=1)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
