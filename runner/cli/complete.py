"""Completion in the shell: specs, paths of `--set` and their values."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

import click
from click.shell_completion import split_arg_string

GIVEN = "nnrun.arguments"
"""Under which click's context keeps all arguments."""


def specs(context: click.Context, param: click.Parameter | None, start: str) -> list[str]:
    """Files that are specs, and folders. A folder that is the only match is shown with what it holds: no space may come behind it.

    bash cuts words at `=`: what stands behind that of a `--set` arrives here.
    """
    cut = _cut_by_bash()
    if cut is not None:
        path, begun = cut
        return [value for value in _values(_spec(context), path) if value.startswith(begun)]
    found = _entries(start)
    return [*found, *_entries(found[0])] if len(found) == 1 and found[0].endswith("/") else found


def settings(context: click.Context, param: click.Parameter, start: str) -> list[str]:
    """Paths of the spec, `train.optimizer`, and behind `=` what may stand there."""
    value = _spec(context)
    path, sign, begun = start.partition("=")
    if sign:
        return [f"{path}={one}" for one in _values(value, path) if one.startswith(begun)]
    found = [name for name in _inside(value, path.rpartition(".")[0]) if name.startswith(path)]
    if len(found) != 1:
        return found
    inner = _inside(value, found[0])  # the only one: with what comes next, so that no space comes behind it
    return [*found, *inner] if inner else [f"{found[0]}=", *(f"{found[0]}={one}" for one in _values(value, found[0]))]


def devices(context: click.Context, param: click.Parameter, start: str) -> list[str]:
    return [name for name in ("auto", "cpu", "cuda", "cuda:0") if name.startswith(start)]


def _entries(start: str) -> list[str]:
    """Specs and folders whose path begins so."""
    folder, name = os.path.split(start)
    try:
        with os.scandir(folder or ".") as entries:
            found = sorted((entry.name, entry.is_dir()) for entry in entries)
    except OSError:  # a folder that is not there has nothing to complete
        return []
    shown = [(one, is_folder) for one, is_folder in found if one.startswith(name) and (name or not one.startswith("."))]
    return [os.path.join(folder, one) + "/" * is_folder for one, is_folder in shown if is_folder or one.endswith((".yaml", ".yml"))]


def _spec(context: click.Context) -> Any:
    """The plain values of the spec that the command names so far, or of none."""
    from nnrun.runner.compiler.text.diagnostic import Report
    from nnrun.runner.compiler.text.source import load_document

    given = context.meta.get(GIVEN, ())
    file = next((Path(name) for name in given if name.endswith((".yaml", ".yml")) and Path(name).is_file()), None)
    if file is None:
        return {}
    return load_document(file.read_text(encoding="utf-8", errors="replace"), str(file), Report()).value


def _inside(value: Any, path: str) -> list[str]:
    """The paths of what stands in `path`."""
    from nnrun.runner.compiler.language.settings import keys_at

    steps = tuple(path.split(".")) if path else ()
    return [".".join([*steps, name]) for name in keys_at(steps, value) or ()]


def _values(value: Any, path: str) -> Iterator[str]:
    """What may be set at a path: the choices of an option, the types of a role; else what stands there where nothing is said."""
    from nnrun.registry.catalog import FOLDERS, all_of
    from nnrun.runner.compiler.language.settings import option_at
    from nnrun.runner.compiler.text.words import written
    from nnrun.runner.show.sections import choices

    *above, key = path.split(".")
    role, info = option_at(tuple(above), key, value)
    if role in FOLDERS:
        yield from all_of(role)
    elif info is not None:
        is_flag = bool in (info.annotation, *get_args(info.annotation))
        named = choices(info) or ["true", "false"] * is_flag
        yield from named or ([written(info.default)] if isinstance(info.default, int | float | str) else [])


def _cut_by_bash() -> tuple[str, str] | None:
    """Path and begun value of the `--set` that the cursor stands in, where bash has cut it in pieces."""
    words, place = split_arg_string(os.environ.get("COMP_WORDS", "")), os.environ.get("COMP_CWORD", "")
    if not place.isdecimal():
        return None
    before: Sequence[str] = words[: int(place)]
    here = words[int(place)] if int(place) < len(words) else ""
    if here == "=" and before[-2:-1] == ["--set"]:
        return before[-1], ""
    return (before[-2], here) if before[-3:-2] == ["--set"] and before[-1] == "=" else None
