"""The sections and keys of a spec, as `nnrun explain` tells them: made from the models of the language, with an example each."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, WithJsonSchema
from pydantic.fields import FieldInfo

from nnrun.registry.catalog import FOLDERS, all_of
from nnrun.registry.component import Component, field_docs
from nnrun.registry.data.tables import Files
from nnrun.registry.data.vectors.vectors import Vectors
from nnrun.registry.fields.image import Augment
from nnrun.registry.options import Regularize
from nnrun.runner.compiler.language import edges
from nnrun.runner.compiler.language.data import Data, Split, Window
from nnrun.runner.compiler.language.decoding import Decode
from nnrun.runner.compiler.language.examples import EXAMPLES
from nnrun.runner.compiler.language.spec import Block, EdgeEntry, Mask, Spec, Track
from nnrun.runner.compiler.language.sweep import Choices, Prune, Search, Sweep
from nnrun.runner.compiler.language.training import Average, Checkpoint, EarlyStopping, Train

SECTIONS: dict[str, tuple[type[BaseModel], str]] = {
    "spec": (Spec, "a whole file"),
    "data": (Data, "a section of a spec"),
    "files": (Files, "a mapping under `data`, of sources that read files"),
    "split": (Split, "a section under `data`"),
    "window": (Window, "a section under `data`"),
    "augment": (Augment, "a mapping in a field of type `image`, `mask` or `video`"),
    "blocks": (Block, "a section of a spec: by name, sub-graphs to use as nodes"),
    "edge": (EdgeEntry, "an entry of `edges`, where the short form does not say enough"),
    "mask": (Mask, "a mapping in an edge `<->`"),
    "train": (Train, "a section of a spec"),
    "regularize": (Regularize, "a mapping under `train`, or in a node with weights"),
    "embedding.init": (Vectors, "a mapping in a node of type `embedding`, in the place of a scheme"),
    "early_stopping": (EarlyStopping, "a section under `train`"),
    "average": (Average, "a mapping under `train`"),
    "checkpoint": (Checkpoint, "a section under `train`"),
    "decode": (Decode, "a section of a spec: by choice, how its symbols are found"),
    "track": (Track, "a section of a spec"),
    "sweep": (Sweep, "a section of a spec"),
    "over": (Choices, "a section under `sweep`: by path, the values of a setting"),
    "sweep.search": (Search, "a mapping under `sweep`"),
    "sweep.prune": (Prune, "a mapping under `sweep`"),
}
"""By name: the model, and where it stands."""

_OWNERS: tuple[tuple[str, type[BaseModel]], ...] = tuple((name, model) for name, (model, _) in SECTIONS.items())

PREV = """\
`prev(node)`, in an edge and in a formula

The value of a node at the tick before; `prev(node, 3)`, three ticks ago. It makes a recurrent network of a cycle: each tick reads what
the one before has left. Before the first tick stand zeros, or what an edge to `node.initial` brings, or, with `initial: learned`, what
training finds. Values with a time axis have ticks: those of a text, a series or a video, and what reads them.

Example:

  nodes:
    h: {type: linear, units: 64, activation: tanh}
  edges:
    - x, prev(h) -> h
"""


def section_text(name: str) -> str | None:
    """What there is to say of a section, a role, or a key."""
    parts = []
    if name in SECTIONS:
        parts.append(_section(name))
    if name == "edges":
        parts.append(_edges())
    if name == "prev":
        parts.append(PREV)
    if name in FOLDERS:
        parts.append(_role(name))
    if not parts:
        parts += list(_key(name))
    return "\n".join(parts) or None


def names() -> list[str]:
    """All that has a page here."""
    keys = [key for _, model in _OWNERS for key in keys_of(model)]
    keys += [key for role in FOLDERS for cls in all_of(role).values() for key in keys_of(cls)]
    return list(dict.fromkeys([*SECTIONS, "edges", "prev", *FOLDERS, *keys]))


def option_lines(model: type[BaseModel], leave_out: str = "") -> Iterator[str]:
    """Every option of a model, those that must be said first: its default, what may be chosen, and what it is for."""
    docs = field_docs(model)
    for key, info in sorted(keys_of(model).items(), key=lambda pair: not pair[1].is_required()):
        if key == leave_out:
            continue
        default = (
            "required" if info.is_required() else f"default {_default(info.get_default(call_default_factory=True, validated_data={}))}"
        )
        named = choices(info)
        one_of = f"; one of {', '.join(named)}" if named else ""
        about = " ".join(docs.get(key, "").split())
        yield f"  {key} ({default}{one_of})" + (f": {about}" if about else "")


def _section(name: str) -> str:
    model, where = SECTIONS[name]
    lines = [f"`{name}`, {where}", "", inspect.cleandoc(model.__doc__ or ""), ""]
    if name in EXAMPLES:
        lines += ["Example:", "", f"  {name}: {EXAMPLES[name]}", ""]
    return "\n".join([*lines, "Keys:", "", *option_lines(model)]) + "\n"


def _edges() -> str:
    written = inspect.cleandoc(edges.__doc__ or "").partition("\n\n")[2]
    forms = "\n".join(f"  - {line}" for line in written.splitlines())
    lines = ["`edges`, a section of a spec and of a block", "", "The arrows of the graph, a list:", "", forms, ""]
    return "\n".join([*lines, "See `nnrun explain prev`, `edge` and `mask`."]) + "\n"


def _role(role: str) -> str:
    types = all_of(role)
    width = max(map(len, types))
    listed = "\n".join(f"  {name:{width}}  {cls.summary()}" for name, cls in types.items())
    example = f"Example:\n\n  {role}: {EXAMPLES[role]}\n\n" if role in EXAMPLES else ""
    return f"the {role} types\n\n{example}{listed}\n"


def _key(name: str) -> Iterator[str]:
    """A key that is an option of sections or components."""
    said: dict[str, list[tuple[str, str]]] = {}
    for owner, model in _OWNERS:
        if name in keys_of(model):
            said.setdefault(field_docs(model).get(name, ""), []).append(("", owner))
    for role in FOLDERS:
        for kind, cls in all_of(role).items():
            if name in keys_of(cls) and name != cls.tag:
                said.setdefault(field_docs(cls).get(name, ""), []).append((role, kind))
    for text, owners in said.items():
        example = f"\nExample:\n\n  {name}: {EXAMPLES[name]}\n" if name in EXAMPLES else ""
        yield f"`{name}`, a key of {owned(owners)}\n\n{' '.join(text.split())}\n{example}"


def keys_of(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The options by the names that a spec gives them."""
    return {info.alias or name: info for name, info in model.model_fields.items()}


def choices(info: FieldInfo) -> list[str]:
    """The values that an option may take, where they are few and named."""
    return next((found for part in (info.annotation, *info.metadata) if (found := _named(part))), [])


def _named(annotation: Any) -> list[str]:
    if get_origin(annotation) is Literal:
        return [str(choice) for choice in get_args(annotation)]
    if isinstance(annotation, WithJsonSchema):  # of a value that a function of ours validates
        entries = (annotation.json_schema or {}).get("anyOf", ())
        return [str(choice) for entry in entries for choice in entry.get("enum", ())]
    return next((found for part in get_args(annotation) if (found := _named(part))), [])


def owned(owners: Sequence[tuple[str, str]]) -> str:
    """Owners of a key, each with its role, which is empty for a section: `train`; the node types `conv`, `linear`."""
    by_role: dict[str, list[str]] = {}
    for role, name in owners:
        by_role.setdefault(role, []).append(f"`{name}`")
    texts = [f"the {role} type{'s' * (len(names) > 1)} {', '.join(names)}" if role else ", ".join(names) for role, names in by_role.items()]
    return "; ".join(texts)


def _default(value: object) -> str:
    """A default as a spec would write it."""
    if isinstance(value, Component):
        return value.type_name()
    if value is None or hasattr(value, "model_dump") or value in ({}, (), ""):
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(value)
