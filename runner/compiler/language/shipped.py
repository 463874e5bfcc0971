"""The JSON Schema as a file: made anew only where packages add components to the language, for making it takes a second."""

from __future__ import annotations

import json
from importlib.resources import files

from nnrun.registry.catalog import additions


def schema_text() -> str:
    """The schema of the language with everything that is installed."""
    if not additions():
        return (files("nnrun") / "specs" / "spec.schema.json").read_text(encoding="utf-8")
    from nnrun.runner.compiler.language.schema import schema

    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
