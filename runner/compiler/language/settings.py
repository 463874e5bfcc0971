"""`--set` with what the language knows of paths: what is wrong with one, and the one that was meant. Loaded only where one is given."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from pydantic.fields import FieldInfo

from nnrun.registry.catalog import FOLDERS, find
from nnrun.registry.component import Component
from nnrun.runner.compiler.language.advice.places import HOLDERS, place
from nnrun.runner.compiler.language.advice.problem import meant_key
from nnrun.runner.compiler.text.diagnostic import Diagnostic, Path, Report
from nnrun.runner.compiler.text.document import Document
from nnrun.runner.compiler.text.override import override, refuse
from nnrun.runner.compiler.text.source import plain
from nnrun.runner.compiler.text.words import nearest

_NAMED: dict[Path, str] = {("nodes",): "node", ("data", "fields"): "field", ("blocks",): "block", ("decode",): "choice"}
"""Where keys are names of the user's own, and of what."""

_DEFAULTS: dict[Path, str] = {("train", "optimizer"): "adam", ("train", "learner"): "backprop"}
"""Components that a spec has where it names none."""

_COMPONENTS: tuple[tuple[Path, str], ...] = (
    (("nodes", "*"), "node"),
    (("data", "fields", "*"), "field"),
    *(((("train", role)), role) for role in ("optimizer", "learner", "schedule", "loss")),
)


def with_right_settings(findings: Iterable[Diagnostic], document: Document, settings: Iterable[str]) -> list[Diagnostic]:
    """The findings, with the setting that was meant in the help of those that speak of a `--set`."""
    by_text = {" ".join(setting.splitlines()): setting for setting in settings}
    return [_helped(finding, document, by_text) for finding in findings]


def apply(document: Document, setting: str, report: Report) -> None:
    """Apply a setting, unless it goes into a node or field that there is not: it would make half of one."""
    steps, _ = _parts(setting)
    for above, what in _NAMED.items():
        held = _get(document.value, above) if tuple(steps[: len(above)]) == above and len(steps) > len(above) + 1 else None
        name = steps[len(above)] if isinstance(held, dict) else ""
        if isinstance(held, dict) and name not in held and (meant := nearest(name, held)) is not None:
            help = f"a {what} `{meant}` exists: write `--set {_quoted(right_setting(setting, document.value) or setting)}`"
            refuse(document, setting, f"`--set {setting}`: no {what} is named `{name}`", help, report)
            return
    override(document, setting, report, _DEFAULTS)


def right_setting(setting: str, value: Any) -> str | None:
    """The setting that was probably meant; None where it is this one, or nothing is known."""
    steps, text = _parts(setting)
    if not steps or text is None:
        return None
    path: Path = ()
    for number, step in enumerate(steps):
        names = keys_at(path, value)
        if names is None or step in names or step.isdecimal():
            path = (*path, step)
            continue
        if path == ("data", "source"):  # its options stand beside it
            path = ("data", step)
            continue
        meant = meant_key(step, names)
        if meant is None and path == () and (owner := _owner(step, value)) is not None:
            path = (*owner, step)
            continue
        if meant is None and number == len(steps) - 1:
            found = place(step, path, plain(text), value)
            if found is None or found[0][0] in ("nodes", "decode"):
                return None
            path = found[0]
            continue
        if meant is None and (found := place(step, path, None, value)) is not None and found[0][0] not in ("nodes", "decode"):
            path = found[0]
            continue
        if meant is None:
            return None
        path = (*path, meant)
    right = f"{'.'.join(map(str, path))}={text}"
    return right if right != setting else None


def _helped(finding: Diagnostic, document: Document, by_text: dict[str, str]) -> Diagnostic:
    span = document.span(finding.at)
    if span.text.name == "--set" and finding.id in ("unknown-key", "bad-override", "missing-key"):
        setting = by_text.get(span.text.text)
        right = right_setting(setting, document.value) if setting is not None else None
        if right is not None and f"--set {right}" not in finding.help:
            exists = f"{finding.help}: " if finding.help.endswith("exists") else ""
            return replace(finding, help=f"{exists}write `--set {_quoted(right)}`")
        return finding
    if span.text.name == "--set" and (wanted := re.fullmatch(r"write `(\w+): (.+)`", finding.help, re.DOTALL)):
        steps, _ = _parts(by_text.get(span.text.text, ""))
        if steps and steps[-1] == wanted[1]:
            path = ".".join(steps)
            return replace(finding, help=f"write `--set {_quoted(f'{path}={wanted[2]}')}`")
    kind = (*finding.at.path[:-1], "type")
    changed = document.spans.get((kind, "value"))
    if finding.id == "unknown-key" and span.text.name != "--set" and changed is not None and changed.text.name == "--set":
        path = ".".join(map(str, kind[:-1]))
        help = f"{finding.help}; `--set {path}={document.at(kind)}` leaves the options of the other type away"
        return replace(finding, help=help)
    return finding


def _parts(setting: str) -> tuple[list[str], str | None]:
    """The steps of a path, however they are parted, and the text of the value."""
    written = re.fullmatch(r"\s*(?:--)?([\w./-]+?)\s*(?:=+|:|\s)\s*(.+?)\s*", setting, re.DOTALL)
    if written is None:
        return [], None
    return [step for step in re.split(r"[./]", written[1]) if step], written[2]


def keys_at(path: Path, value: Any) -> list[str] | None:
    """The keys that there are at a path; None where any may stand, or that is not known."""
    if path in _NAMED:
        held = _get(value, path)
        return list(held) if isinstance(held, dict) else None
    for above, model in HOLDERS:
        if path == above:
            names = [info.alias or name for name, info in model.model_fields.items()]
            source = _get(value, ("data", "source"))
            cls = find("source", source) if path == ("data",) and isinstance(source, str) else None
            return [*names, *(cls.model_fields if cls else ())]
    cls = _component_at(path, value)
    if cls is not None:
        return [info.alias or name for name, info in cls.model_fields.items()]
    if any(_fits(form, path) for form, _ in _COMPONENTS):
        return None
    return [] if path == ("data", "source") else None


def option_at(path: Path, key: str, value: Any) -> tuple[str, FieldInfo | None]:
    """The role of the component whose type is set there, or ""; and the option that is, where it is known."""
    if path == ("data",) and key == "source":
        return "source", None
    for above, role in _COMPONENTS:
        if _fits(above, path) and key == "type":
            return role, None
        if _fits(above, (*path, key)):
            return role, None
    cls = _component_at(path, value)
    for above, model in (*HOLDERS, *([(path, cls)] if cls is not None else [])):
        found = next((info for name, info in model.model_fields.items() if (info.alias or name) == key), None) if above == path else None
        if found is not None:
            return "", found
    return "", None


def _component_at(path: Path, value: Any) -> type[Component] | None:
    """The class of the component that stands at a path."""
    for form, role in _COMPONENTS:
        if _fits(form, path):
            held = _get(value, path)
            kind = held.get("type") if isinstance(held, dict) else held
            found = find(role, kind) if isinstance(kind, str) and role in FOLDERS else None
            return find(role, _DEFAULTS[path]) if found is None and held is None and path in _DEFAULTS else found
    return None


def _fits(form: Path, path: Path) -> bool:
    return len(form) == len(path) and all(one in ("*", other) for one, other in zip(form, path, strict=True))


def _owner(name: str, value: Any) -> Path | None:
    """Where a name of the user's own stands."""
    return next((above for above in _NAMED if isinstance(held := _get(value, above), dict) and name in held), None)


def _get(value: Any, path: Path) -> Any:
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _quoted(setting: str) -> str:
    """As a shell takes it."""
    return f"'{setting}'" if re.search(r"[\s\[\]{}*]", setting) else setting
