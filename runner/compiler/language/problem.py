"""What pydantic finds wrong, and what is known of keys and options."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from nnrun.registry.component import field_docs
from nnrun.runner.compiler.language.data import Data
from nnrun.runner.compiler.text.diagnostic import Path
from nnrun.runner.compiler.text.words import folded, nearest


@dataclass(frozen=True)
class Problem:
    """One error of pydantic."""

    kind: str
    path: Path
    given: Any
    message: str
    """What our own validators say; it completes "takes …"."""
    context: Mapping[str, Any]
    model: type[BaseModel] | None
    """The model that holds the key at the end of the path."""
    part: Path
    """What must be left out so that the rest can stand: the option, or the component it belongs to."""
    component: bool
    """Whether that is a component."""
    root: Any = None
    """The whole value in which it stands."""
    also: tuple[str, ...] = ()
    """Of a missing key: those that are missing beside it."""

    @property
    def raw(self) -> Any:
        """What holds the key, as it is written."""
        value = self.root
        for step in self.path[:-1]:
            if isinstance(value, dict):
                value = value.get(step)
            elif isinstance(value, list) and isinstance(step, int) and step < len(value):
                value = value[step]
        return value

    @property
    def key(self) -> str:
        """The innermost key of the path."""
        return next((str(step) for step in reversed(self.path) if isinstance(step, str)), "")


def about(model: type[BaseModel] | None, key: str) -> str | None:
    """What an option is for: the first sentence of its documentation."""
    text = field_docs(model).get(key) if model else None
    return f"`{key}`: {first_sentence(text)}" if text else None


def first_sentence(text: str) -> str:
    """What stands before the first full stop that ends a sentence, in one line."""
    return re.split(r"(?<=\.)\s(?=[A-Z`])", " ".join(text.split()), maxsplit=1)[0]


def meant_key(key: object, names: list[str]) -> str | None:
    """The key for which another one is taken: called so in other libraries, or misspelled."""
    if not isinstance(key, str):
        return None
    from nnrun.runner.compiler.language.foreign import NEEDLESS, PLACES, key_here

    if folded(key) in NEEDLESS or folded(key) in PLACES:
        return None
    return key_here(key, names) or nearest(key, names)


def keys(model: type[BaseModel] | None, path: Path) -> list[str]:
    """The keys of a model as a spec writes them."""
    names = [info.alias or name for name, info in model.model_fields.items()] if model else []
    return list(dict.fromkeys([*names, *Data.model_fields])) if path[:1] == ("data",) and len(path) == 2 else names
