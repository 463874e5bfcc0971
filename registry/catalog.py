"""Where components are registered and found by name.

When a component is asked for, the file that says its name is imported: making all classes costs a third of a check. Packages add
components of their own through the entry point group `nnrun.components`, which is read only when a name is not found among ours, or
when all are listed.
"""

from __future__ import annotations

import difflib
import importlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from nnrun.registry.component import Component

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

FOLDERS = {
    "node": "nodes",
    "field": "fields",
    "source": "sources",
    "loss": "losses",
    "metric": "metrics",
    "optimizer": "optimizers",
    "schedule": "schedules",
    "learner": "learners",
}

C = TypeVar("C", bound=type[Component])

_registered: dict[str, dict[str, type[Component]]] = {role: {} for role in FOLDERS}


def register(cls: C) -> C:
    """Make a component findable. Raises: ValueError if another one has its name."""
    names = _registered[cls.role]
    name = cls.type_name()
    if names.get(name, cls) is not cls:
        raise ValueError(f"two components of role {cls.role} are called {name!r}: {names[name]!r} and {cls!r}")
    names[name] = cls
    return cls


def find(role: str, name: str) -> type[Component] | None:
    """The component of that name, or None."""
    if name not in _registered[role]:
        for module, text in _files(role).items():
            if f'Literal["{name}"]' in text:
                importlib.import_module(module)
    if name not in _registered[role]:
        _load_entry_points()
    return _registered[role].get(name)


def all_of(role: str) -> dict[str, type[Component]]:
    """Every component of a role, by name."""
    for module in _files(role):
        importlib.import_module(module)
    _load_entry_points()
    return dict(sorted(_registered[role].items()))


def near(name: object, names: Iterable[str]) -> str | None:
    """The name that was probably meant. Capitals, and signs between words, do not count."""
    known = {folded(other): other for other in reversed(list(names))}
    matches = difflib.get_close_matches(folded(str(name)), known, n=1, cutoff=0.7)
    return known[matches[0]] if matches else None


def folded(name: str) -> str:
    """A name without what languages and libraries write differently: `BatchNorm` and `batch_norm` are one."""
    return re.sub(r"[\s_.-]+", "", name).lower()


class Broken(Component):
    """Stands for a component that was wrong, so that others keep their places and what it names is known."""

    role = "broken"

    given: Any = None
    """What was written there."""


@dataclass(frozen=True)
class Lookup:
    """Annotation of an option that holds a component: `Annotated[Node, Lookup("node")]`.

    A bare name stands for a component without options. What is wrong inside travels as the context `errors` of one
    pydantic error of type `component`, because pydantic would flatten it to a sentence.
    """

    role: str

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.validate)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"$role": self.role}  # a reference of ours, which pydantic would try to follow

    def validate(self, value: Any) -> Component:
        if isinstance(value, Component):
            return value
        tag = "source" if self.role == "source" else "type"
        if isinstance(value, str):
            value = {tag: value}
        if not isinstance(value, dict):
            raise PydanticCustomError("wrong_type", "a name, or a mapping with `{tag}`, for the {role}", {"role": self.role, "tag": tag})
        if tag not in value:
            raise PydanticCustomError(
                "missing_type", "`{tag}`, the kind of {role}", {"role": self.role, "tag": tag, "known": list(all_of(self.role))}
            )
        cls = find(self.role, value[tag]) if isinstance(value[tag], str) else None
        if cls is None:
            context = {"role": self.role, "tag": tag, "name": value[tag], "known": list(all_of(self.role))}
            raise PydanticCustomError("unknown_type", "no such {role}", context)
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            raise PydanticCustomError(
                "component", "see errors", {"errors": error.errors(include_url=False), "role": self.role, "cls": cls}
            ) from None


@cache
def _files(role: str) -> dict[str, str]:
    """The modules of a role's folder, and their texts."""
    folder = Path(__file__).parent / FOLDERS[role]
    return {f"{__package__}.{folder.name}.{file.stem}": file.read_text(encoding="utf-8") for file in sorted(folder.glob("[a-z]*.py"))}


@cache
def additions() -> tuple[EntryPoint, ...]:
    """What packages add."""
    from importlib.metadata import entry_points

    return tuple(entry_points(group="nnrun.components"))


@cache
def _load_entry_points() -> None:
    for point in additions():
        point.load()
