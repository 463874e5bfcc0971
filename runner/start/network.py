"""A small network that fits what is to be read and what is to be said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from nnrun.runner.start.guess import Guess

Config = Mapping[str, Any]

SMALL, LARGE = 8, 32
"""Sides of pictures, in pixels, below which nothing is pooled twice, and above which the last map is averaged."""


@dataclass
class Network:
    """Nodes by name with a word about each, and edges."""

    taken: set[str]
    """Names of the fields, which no node may have."""
    nodes: dict[str, tuple[Config, str]] = field(default_factory=dict)
    edges: list[str] = field(default_factory=list)

    def add(self, name: str, config: Config, why: str = "") -> str:
        """A node, under a name that is free."""
        free = next(one for one in _numbered(name) if one not in self.taken and one not in self.nodes)
        self.nodes[free] = (config, why)
        return free

    def chain(self, source: str, *nodes: str) -> str:
        """An edge through some nodes, of which the last is the one to go on from."""
        if nodes:
            self.edges.append(" -> ".join([source, *nodes]))
        return nodes[-1] if nodes else source


def network_for(reads: Mapping[str, Guess], axis: str | None, out: Config, taken: set[str]) -> tuple[Network, str]:
    """The network, and the name of the node that answers. `axis` names the series along which the rows are ticks, if they are."""
    made = Network(taken)
    ends = [_branch(made, name, found, alone=len(reads) == 1) for name, found in reads.items()]
    if axis is not None:
        joined = [made.add("tick", {"type": "concat"}, "all that is known of a tick, side by side")] if len(ends) > 1 else []
        memory = made.add("memory", {"type": "gru", "units": 32}, "reads the window tick by tick")
        final = made.add("final", {"type": "last"}, "what it remembers at the end")
        answer = made.add("answer", out, "what it says of the tick after the window")
        made.edges.append(" -> ".join([", ".join(ends), *joined, memory, final, answer]))
        return made, answer
    joined = [made.add("all", {"type": "concat"}, "all that is known of a row, side by side")] if len(ends) > 1 else []
    plain = len(ends) > 1 or next(iter(reads.values())).kind in ("number", "count", "vector", "category")
    hidden = (
        made.add("hidden", {"type": "linear", "units": 32, "activation": "relu"}, "weighs all of it")
        if plain
        else made.add("drop", {"type": "dropout", "rate": 0.2}, "against learning by heart")
    )
    answer = made.add("scores" if out["units"] != 1 else "answer", out, "a number for each answer" if out["units"] != 1 else "the number")
    tail = [*joined, hidden, answer]
    if len(ends) == 1 and made.edges:  # go on where the only branch ends
        made.edges[-1] += "".join(f" -> {name}" for name in tail)
    else:
        made.edges.append(" -> ".join([", ".join(ends), *tail]))
    return made, answer


def _branch(made: Network, name: str, found: Guess, alone: bool) -> str:
    """What makes a list of numbers of a field; the name of where it comes out."""
    return made.chain(name, *(made.add(node if alone else f"{name}_{node}", config, why) for node, config, why in _steps(found)))


def _steps(found: Guess) -> Iterator[tuple[str, Config, str]]:
    """(name, node, a word about it), in order."""
    match found.kind:
        case "category":
            units = min(max((found.classes + 1) // 2, 2), 16)
            yield "vector", {"type": "embedding", "units": units}, "a learned vector for each class"
        case "text":
            yield "embed", {"type": "embedding", "units": 32}, "a learned vector for each word"
            yield "memory", {"type": "lstm", "units": 64}, "reads word by word"
            yield "final", {"type": "last"}, "what it remembers at the end"
        case "series":
            yield "memory", {"type": "gru", "units": 32}, "reads tick by tick"
            yield "final", {"type": "last"}, "what it remembers at the end"
        case "image" | "video":
            yield from _looks(found.side)
            if found.kind == "video":
                yield "memory", {"type": "gru", "units": 32}, "goes from picture to picture"
                yield "final", {"type": "last"}, "what it remembers at the end"


def _looks(side: int) -> Iterator[tuple[str, Config, str]]:
    """Convolution and pooling, for pictures with so many pixels on the shorter side; 0: any size."""
    for number, filters in enumerate((16, 32, 64)[: 2 if 0 < side <= LARGE else 3], 1):
        config = {"type": "conv", "filters": filters, "kernel": 3, "padding": "same", "activation": "relu"}
        yield f"conv{number}", config, "looks for small patterns" if number == 1 else "for patterns of those"
        if 0 < side < SMALL * number:
            break
        yield f"pool{number}", {"type": "pool", "method": "max", "size": 2}, "half the height and width"
    if 0 < side <= LARGE:
        yield "flat", {"type": "flatten"}, "all in one row"
    else:
        yield "mean", {"type": "global_pool", "method": "mean"}, "how much of each pattern, wherever it is"


def _numbered(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name}{number}" for number in range(2, 1000))
