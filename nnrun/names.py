"""The names that `nnrun.runner` and `nnrun.registry` had before they stood under `nnrun`: `runner` and `registry`.

Models of earlier runs name `runner.engine.pyfunc`, and components of other packages import `registry.node`. Under both names there is
one module object a file. A file `runner.py` or `registry.py` of the user's own comes first, as it always did in Python.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


def stand_for(name: str) -> None:
    """Let the package `name`, which is just being imported, be the one under `nnrun`, and its modules likewise."""
    sys.modules[name] = import_module(f"nnrun.{name}")
    if not any(isinstance(finder, Names) for finder in sys.meta_path):
        sys.meta_path.insert(0, Names())


class Names(MetaPathFinder, Loader):
    """Finds `runner.x` as `nnrun.runner.x`, where `runner` is ours."""

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        top = name.partition(".")[0]
        own = sys.modules.get(f"nnrun.{top}")
        if own is None or sys.modules.get(top) is not own or name.endswith(".__main__"):
            return None
        return ModuleSpec(name, self)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = import_module(f"nnrun.{spec.name}")
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """It ran under its own name; the import system has just given it another."""
        assert module.__spec__ is not None
        module.__spec__ = module.__spec__.loader_state
