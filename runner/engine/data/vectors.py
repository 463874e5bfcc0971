"""Vectors of files that nodes start from: read before a training, when the symbols are known, and not asked for ever after."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from nnrun.registry.data.vectors.found import Found
from nnrun.registry.data.vectors.vectors import Vectors
from nnrun.registry.field import DataError
from nnrun.registry.nodes.embedding import Embedding
from nnrun.registry.shape import known
from nnrun.registry.source import SourceError
from nnrun.runner.compiler.graph.graph import Graph
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.compiler.text.diagnostic import Path as Way
from nnrun.runner.compiler.types.symbols import field_of_symbols
from nnrun.runner.engine.data.dataset import Dataset
from nnrun.runner.engine.data.digest import SIZE, digest


def with_vectors(data: Dataset, plan: Plan, graph: Graph, folder: Path, say: Callable[[str], None]) -> Dataset:
    """The data with what files have for its symbols, which belongs to its digest from here on. Raises: SourceError, DataError."""
    found: dict[str, Found] = {}
    for op in plan.ops:
        if not isinstance(op.config, Embedding) or not isinstance(vectors := op.config.init, Vectors):
            continue
        name = field_of_symbols(graph.nodes[op.name].inputs[0].source.name, graph, plan.values)
        assert name is not None, "the check refuses what reads no symbols"
        facts = data.facts[name]
        symbols = {symbol: number for number, symbol in enumerate(facts.get("vocabulary") or facts["classes"])}
        with _blaming((*op.path, "init")):
            found[op.name] = vectors.read(folder, symbols, known(op.parameters["weight"][1]), facts.get("tokenizer"))
        rest = "" if len(found[op.name].rows) == len(symbols) else f", the others by `{vectors.others}`"
        say(f"`{op.name}`: {len(found[op.name].rows):,} of {len(symbols):,} symbols of `{name}` start from `{vectors.file}`{rest}")
    return replace(data, vectors=found, digest=_digest(data, found)) if found else data


def _digest(data: Dataset, vectors: Mapping[str, Found]) -> str:
    summed = hashlib.blake2b(digest(data).encode(), digest_size=SIZE)
    for name, found in sorted(vectors.items()):
        summed.update(f"{name} {found.vectors.shape}".encode())
        summed.update(found.rows.tobytes())
        summed.update(found.vectors.tobytes())
    return summed.hexdigest()


@contextmanager
def _blaming(path: Way) -> Iterator[None]:
    """Within it, what is wrong with a file is said of the option that names it."""
    try:
        yield
    except (DataError, SourceError) as error:
        error.path = path
        raise
