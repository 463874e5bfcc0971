"""A trained network as a folder: spec, facts, weights, and a manifest that proves them whole. No pickle."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from nnrun.registry.field import Facts
from nnrun.runner.compiler.check import SpecErrors, check
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.compiler.resolved import resolved_text
from nnrun.runner.engine.checkpoint import sealed
from nnrun.runner.engine.checkpoint.sealed import MANIFEST, BrokenCheckpoint, write
from nnrun.runner.engine.checkpoint.values import serialized
from nnrun.runner.engine.network.network import Network

SPEC, FACTS, WEIGHTS = "spec.yaml", "facts.json", "weights.safetensors"

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


@dataclass(frozen=True)
class Saved:
    """What a folder holds."""

    network: Network
    plan: Plan
    facts: Mapping[str, Facts]


def save(folder: Path, network: Network, facts: Mapping[str, Facts]) -> None:
    """Write a network into a new folder, which appears whole or not at all. Raises: FileExistsError, OSError."""
    write(folder, contents(network, facts))


def contents(network: Network, facts: Mapping[str, Facts]) -> dict[str, bytes]:
    """The files of a folder that holds a network, by their names."""
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    files = {
        SPEC: resolved_text(network.plan).encode(),
        FACTS: json.dumps(facts, ensure_ascii=False, indent=1).encode(),
        WEIGHTS: serialized(weights),
    }
    return sealed.seal(files, {"format": FORMAT, "torch": torch.__version__})


def load(folder: Path, settings: Sequence[str] = ()) -> Saved:
    """Read a network, with `path=value` texts applied to its spec. Raises: BrokenCheckpoint if a file is missing or differs from what
    was saved; SpecErrors for a setting that is wrong."""
    format = verify(folder)
    with understood(folder):
        return _load(folder, format, settings)


def _load(folder: Path, format: int, settings: Sequence[str]) -> Saved:
    facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    checked = check((folder / SPEC).read_text(encoding="utf-8"), str(folder / SPEC), settings=settings, facts=facts)
    if checked.plan is None and settings:
        raise SpecErrors(checked)
    if checked.plan is None:
        raise BrokenCheckpoint(f"{folder / SPEC} is not understood by this version: {checked.report[0].headline}")
    _check_format(folder, format, checked.plan)
    if not facts.keys() >= checked.plan.fields.keys():
        raise BrokenCheckpoint(f"{folder / FACTS} does not tell of all fields of {SPEC}")
    size, weights = checked.plan.size, (folder / WEIGHTS).stat().st_size
    if isinstance(size, int) and size > weights:  # before so much memory is asked for
        raise BrokenCheckpoint(f"{folder / SPEC} has {size:,} parameters, and {WEIGHTS} only {weights:,} bytes")
    network = Network(checked.plan)
    network.load_state_dict(load_file(folder / WEIGHTS))
    return Saved(network.eval(), checked.plan, facts)


@contextmanager
def understood(folder: Path) -> Iterator[None]:
    """Within it, what does not fit together in a folder is said of it: that it is as it was sealed does not say by whom, or what it holds.

    Raises: BrokenCheckpoint.
    """
    odd = (AssertionError, AttributeError, LookupError, OverflowError, RuntimeError, SafetensorError, TypeError, ValueError)
    try:
        yield
    except odd as error:
        said = str(error).partition("\n")[0]
        raise BrokenCheckpoint(f"{folder} does not fit together: {said}", "take the folder of another run, or train it again") from error


def verify(folder: Path) -> int:
    """The format of a folder. Raises: BrokenCheckpoint if a file is missing or differs from what was saved, or of a later format."""
    manifest = sealed.verify(folder)
    if not {SPEC, FACTS, WEIGHTS} <= manifest["files"].keys() or not isinstance(manifest.get("format"), int):
        raise BrokenCheckpoint(f"{folder / MANIFEST} is that of something else than a network")
    format: int = manifest["format"]
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
