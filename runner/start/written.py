"""Values as a spec writes them on one line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any


def flow(value: Any) -> str:
    """A value as YAML, on one line."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {flow(item)}' for key, item in value.items())}}}"
    if isinstance(value, str):
        plain = re.fullmatch(r"[A-Za-z_][\w./-]*", value, re.ASCII) and value.lower() not in ("true", "false", "null")
        return value if plain else json.dumps(value, ensure_ascii=not value.isprintable())
    if isinstance(value, Iterable):
        return f"[{', '.join(map(flow, value))}]"
    return json.dumps(value)
