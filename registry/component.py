"""Base of everything a spec can name."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Collection
from functools import cache
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict


class Component(BaseModel):
    """A frozen configuration that knows how to describe and to build itself.

    A concrete component names itself by the `Literal` of its tag field, `type` for all roles but sources.
    Its class docstring is its documentation; a docstring below a field documents the option.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,  # `true` is no number; containers are relaxed one by one (options.py)
        allow_inf_nan=False,
        defer_build=True,  # a class costs 0.2 ms instead of 1 ms; most specs use ten of them
    )

    role: ClassVar[str]
    tag: ClassVar[str] = "type"

    @classmethod
    def type_name(cls) -> str:
        """The name under which a spec asks for this component."""
        (name,) = cls.model_fields[cls.tag].annotation.__args__  # type: ignore[union-attr]
        return str(name)

    @classmethod
    def summary(cls) -> str:
        """First line of the documentation."""
        return (cls.__doc__ or "").strip().partition("\n")[0]

    def meaningless(self) -> Collection[str]:
        """Options that mean nothing beside the others, so that to name them is a mistake."""
        return ()

    def options(self) -> dict[str, Any]:
        """What was set by hand, without the tag."""
        fields = type(self).model_fields.items()
        return {info.alias or name: getattr(self, name) for name, info in fields if name in self.model_fields_set and name != self.tag}


@cache
def field_docs(cls: type[BaseModel]) -> dict[str, str]:
    """Docstrings of the options of a model, read from its source and its bases'."""
    docs: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if not issubclass(base, BaseModel) or base in (BaseModel, Component):
            continue
        body = ast.parse(textwrap.dedent(inspect.getsource(base))).body[0]
        assert isinstance(body, ast.ClassDef)
        for option, text in zip(body.body, body.body[1:], strict=False):
            match option, text:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(words))):
                    docs[name] = inspect.cleandoc(words)
    return {cls.model_fields[name].alias or name: text for name, text in docs.items() if name in cls.model_fields}
