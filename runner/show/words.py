"""Words of a spec that are no key and no type, as `nnrun explain` tells them: arrows, ports, values of choices, functions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from nnrun.registry.algebra.activations import ACTIVATIONS, FUNCTIONS
from nnrun.registry.catalog import FOLDERS, all_of
from nnrun.registry.component import Component, field_docs
from nnrun.registry.node import Node
from nnrun.runner.show.sections import PREV, SECTIONS, choices, keys_of, owned

FORWARD = """\
`a -> b`, a forward edge

The value of `a` goes into `b`. `a -> b -> c` is a chain; `a, b -> c, d` leads every source to every target. Sources are fields, nodes
and ports of both (`encoder.state`), targets are nodes and their ports (`look.query`). The order of edges is that of a node's inputs.

Example:

  edges:
    - image -> flat -> hidden -> scores
"""

SYMMETRIC = """\
`a <-> b`, a symmetric edge

One weight between two groups of units, used in both directions: it makes an energy network. `a <-> a` couples the units of a group
with each other, none with itself. A mask leaves pairs out: `nnrun explain mask`.

Example:

  nodes:
    visible: {type: binary_units}
    hidden:  {type: binary_units, units: 100}
  edges:
    - pixels -> visible        # clamps it to the data
    - visible <-> hidden
"""

PARAMETER = """\
`$name`, in a block

Stands for the value of a parameter of the block, wherever the option of a node stands: `filters: $wide`. Its default is under
`parameters`; a use of the block gives another in `with`. See `nnrun explain blocks`.
"""

BLOCK = """\
node `block`

A sub-graph of `blocks`, used as one node. What points at the node goes to the block's `input`; what it gives is the block's `output`.

Options:

  block (required): Name of the block, under `blocks`.
  with (default none): Values of the block's parameters.

Example:

  nodes:
    first: {type: block, block: stage, with: {filters: 16}}
"""

TERMS = {
    "block": BLOCK,
    "with": BLOCK,
    "input": "`input`, in the edges of a block\n\nWhat arrives at the node that uses the block. See `nnrun explain blocks`.\n",
    "output": "`output`, in the edges of a block\n\nWhat the node that uses the block gives. See `nnrun explain blocks`.\n",
}

WHAT = {
    "identity": "x itself",
    "relu": "max(0, x)",
    "leaky_relu": "x where it is positive, 0.01 x elsewhere",
    "elu": "x where it is positive, exp(x) - 1 elsewhere",
    "selu": "1.0507 times x where it is positive, 1.0507 * 1.6733 times (exp(x) - 1) elsewhere",
    "gelu": "x times the share of a normal distribution that lies below x",
    "silu": "x * sigmoid(x)",
    "mish": "x * tanh(softplus(x))",
    "sigmoid": "1 / (1 + exp(-x)), between 0 and 1",
    "tanh": "the hyperbolic tangent, between -1 and 1",
    "softsign": "x / (1 + |x|), between -1 and 1",
    "softplus": "log(1 + exp(x)), a relu without its corner",
    "hard_sigmoid": "x / 6 + 1/2, kept between 0 and 1",
    "hard_tanh": "x, kept between -1 and 1",
    "softmax": "exp(x) divided by the sum of all: shares that add up to 1",
    "log_softmax": "the logarithm of softmax",
    "exp": "e to the power of x",
    "log": "the natural logarithm",
    "sqrt": "the square root",
    "abs": "x without its sign",
    "sin": "the sine",
    "cos": "the cosine",
    "minimum": "the smaller of two values, entry by entry",
    "maximum": "the larger of two values, entry by entry",
}
"""What each function computes."""


def word_text(word: str) -> str | None:
    """What there is to say of an arrow, a port, a value of a choice, or a function."""
    if "<->" in word:
        return SYMMETRIC
    if "->" in word:
        return FORWARD
    if re.match(r"prev\s*\(", word):
        return PREV
    if word.startswith("$"):
        return PARAMETER
    parts = [*_function(word), *_values(word), *_ports(word)]
    if word in TERMS:
        parts.insert(0, TERMS[word])
    return "\n".join(parts) or None


def words() -> list[str]:
    """All that has something to be said here."""
    values = [value for _, _, model in _models() for key in keys_of(model) for value in _chosen(model, key)]
    ports = [port for cls in all_of("node").values() for port in _all_ports(cls)]
    return list(dict.fromkeys(["->", "<->", *TERMS, *WHAT, *values, *ports]))


def _function(word: str) -> Iterator[str]:
    if word not in WHAT:
        return
    yield f"`{word}`, a function: {WHAT[word]}\n"
    if word in FUNCTIONS:
        yield f"In a formula: `{{type: formula, is: {word}({', '.join('ab'[: FUNCTIONS[word]])})}}`.\n"
    if word in ACTIVATIONS:
        yield f"As a node: `{{type: activation, function: {word}}}`; as an option: `activation: {word}`.\n"


def _values(word: str) -> Iterator[str]:
    """Where it may be chosen."""
    said: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for role, name, model in _models():
        for key in keys_of(model):
            if word in _chosen(model, key):
                said.setdefault((key, field_docs(model).get(key, "")), []).append((role, name))
    for (key, about), owners in said.items():
        yield f"`{key}: {word}`, a choice of {owned(owners)}\n\n{' '.join(about.split())}\n"


def _ports(word: str) -> Iterator[str]:
    ways = {"ports": ("-> NODE.{}", "a port to which an edge leads"), "outputs": ("NODE.{} ->", "a value that an edge takes from")}
    for way, (form, about) in ways.items():
        kinds = [("node", kind) for kind, cls in all_of("node").items() if word in getattr(cls, way, ())]
        if kinds:
            yield f"`{form.format(word)}`, {about} {owned(kinds)}\n"
    if word == "initial":
        yield "`-> NODE.initial` also gives what `prev(NODE)` is before the first tick.\n"
    if word == "next":
        yield "`FIELD.next`, what follows the window of a series: the target of a forecast. See `nnrun explain window`.\n"


def _models() -> Iterator[tuple[str, str, type[BaseModel]]]:
    """(role, name, model) of sections, whose role is empty, and of all components."""
    yield from (("", name, model) for name, (model, _) in SECTIONS.items())
    yield from ((role, kind, cls) for role in FOLDERS for kind, cls in all_of(role).items())


def _chosen(model: type[BaseModel], key: str) -> list[str]:
    """The values of an option that have names: those of its type, and those of which its text says what they do, `same`: …"""
    if issubclass(model, Component) and key == model.tag:
        return []
    return [*choices(keys_of(model)[key]), *re.findall(r"`([a-z_0-9]+)`:", field_docs(model).get(key, ""))]


def _all_ports(cls: type[Any]) -> list[str]:
    return [*cls.ports, *cls.outputs] if issubclass(cls, Node) else []
