"""What the models of the language have in common."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, WithJsonSchema

from nnrun.registry.options import NAME

Name = Annotated[str, WithJsonSchema({"type": "string", "pattern": NAME})]
"""Of a node, field, block or parameter. Checked by `load.py`, so that a bad one is still known to those who read it."""


def one_or_many(value: Any) -> Any:
    """A single entry stands for a list of one."""
    return value if isinstance(value, list) else [value]


class Model(BaseModel):
    """A mapping of the file that is no component."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, defer_build=True)
