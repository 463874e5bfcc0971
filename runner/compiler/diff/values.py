"""Two values of a spec compared: options of nodes, settings of the training and of the data."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel

from nnrun.registry.component import Component
from nnrun.runner.compiler.resolved import plain

Path = tuple[str, ...]

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Change:
    """A value that differs. None is a value that is not there."""

    path: Path
    before: Any
    after: Any

    @property
    def sign(self) -> str:
        return "+" if self.before is None else "-" if self.after is None else "~"


def compared(path: Path, before: Any, after: Any) -> Iterator[Change]:
    """What differs between two values, defaults filled in: a default that is written out is no difference.

    Of a component that is another one now, what only one of both has is told where it was written. What goes without saying on both
    sides follows from something else, which is told.
    """
    mine, theirs = _items(before), _items(after)
    if mine is None or theirs is None:
        if plain(before) != plain(after):
            yield Change(path, told(before), told(after))
        return
    keys = list(dict.fromkeys([*mine, *theirs]))
    if isinstance(before, Component) and isinstance(after, Component):
        said = {*before.options(), *after.options()}
        if type(before) is not type(after):
            yield Change((*path, before.tag), before.type_name(), after.type_name())
            said |= mine.keys() & theirs.keys()
        keys = [key for key in keys if key in said]
    for key in keys:
        yield from compared((*path, key), mine.get(key), theirs.get(key))


def told(value: Any) -> Any:
    """A value as one writes it: without the defaults of what has options."""
    if isinstance(value, Component):
        return {value.tag: value.type_name()} | {key: told(item) for key, item in value.options().items() if item is not None}
    if isinstance(value, BaseModel):
        return {key: told(getattr(value, key)) for key in type(value).model_fields if key in value.model_fields_set}
    if isinstance(value, Mapping):
        return {key: told(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [told(item) for item in value]
    return value


def replaced(model: M, said: Collection[str] | None = None, **values: Any) -> M:
    """The same with other values. `said` are the names of what counts as written, by default what was written before."""
    held = {name: getattr(model, name) for name in type(model).model_fields}
    return type(model).model_construct(_fields_set=set(model.model_fields_set if said is None else said), **(held | values))


def _items(value: Any) -> Mapping[str, Any] | None:
    """What a value is made of, by key; None if it is one thing."""
    if isinstance(value, BaseModel):
        unsaid = (value.tag, *value.meaningless()) if isinstance(value, Component) else ()
        return {info.alias or name: getattr(value, name) for name, info in type(value).model_fields.items() if name not in unsaid}
    return value if isinstance(value, Mapping) else None
