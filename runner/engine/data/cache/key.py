"""What prepared data depends on beside the content of its files, as a short name."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from nnrun import registry
from nnrun.registry.field import Field
from nnrun.registry.source import Source
from nnrun.runner.compiler import language
from nnrun.runner.compiler.language.data import Data
from nnrun.runner.engine import data as engine_data

READERS = ("numpy", "pillow", "pyarrow", "tokenizers", "torch")
"""Packages that make numbers of files."""


def key(data: Data, fields: Mapping[str, Field], targets: Sequence[str], files: Sequence[Path]) -> str:
    """Of what the spec says of the data, of the paths of its files, and of the code that prepares it; 32 hex digits."""
    assert isinstance(data.source, Source)
    said = {
        "data": data.model_dump(mode="json", exclude={"source", "fields"}),
        "written": sorted(data.split.model_fields_set),
        "source": data.source.model_dump(mode="json"),
        "fields": {name: config.model_dump(mode="json") for name, config in fields.items()},
        "targets": list(targets),
        "files": list(map(str, files)),
        "code": [*_code(), *(_module(type(component)) for component in (data.source, *fields.values()))],
        "packages": [sys.version, *map(_version, READERS)],
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:32]


@cache
def _code() -> tuple[Any, ...]:
    """Each file that preparation may run, with its size and time: versions alone do not tell while somebody works on them."""
    found = [file for package in (registry, language, engine_data) for file in Path(package.__path__[0]).rglob("*.py")]
    return tuple((str(file), (about := file.stat()).st_size, about.st_mtime_ns) for file in sorted(found))


def _module(component: type) -> list[Any]:
    """The same of the file in which a component is written, which may be a package's."""
    file = getattr(sys.modules.get(component.__module__), "__file__", None)
    about = os.stat(file) if file is not None and os.path.exists(file) else None
    return [component.__module__, component.__qualname__, *((about.st_size, about.st_mtime_ns) if about is not None else ())]


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
