"""Plain values -> models of `spec.py`.

What is wrong is reported and left out, so that the rest can still be checked: everything is found at once. A key that is
misspelled is reported, too, and then taken for the one that was meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from typing import Annotated, Any, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError

from nnrun.registry.catalog import Broken, Lookup
from nnrun.registry.component import Component
from nnrun.registry.options import NAME
from nnrun.runner.compiler.language.advice.diagnose import diagnose
from nnrun.runner.compiler.language.advice.problem import Problem, about, keys, meant_key
from nnrun.runner.compiler.language.data import Data
from nnrun.runner.compiler.language.spec import REQUIRED, EdgeEntry, Spec
from nnrun.runner.compiler.language.training import Train
from nnrun.runner.compiler.text.diagnostic import MOST, Notes, Path, Place, Report
from nnrun.runner.compiler.text.words import shown


def load_spec(value: Any, report: Report) -> Spec:
    """The spec, as far as it is right."""
    if not isinstance(value, dict):
        report.add("wrong-type", f"a spec is a mapping, got {shown(value)}", at=(), help="it starts with `nnrun: 1`")
        return Spec()
    written = value.get("train")
    entries: list[Any] = written if isinstance(written, list) else []
    if isinstance(written, list):
        value = {**value, "train": None}
    if written == []:
        report.add("out-of-range", "`train` takes a list with 1 or more entries, got []", at=("train",))
    spec, value = _load(_spec(), value, (), Spec, report)
    loaded = [_load(_stage(), entry, ("train", index), Train, report) for index, entry in enumerate(entries)]
    for path, required in REQUIRED.items():
        held = _get(value, path)
        for key in required if isinstance(held, dict) else ():
            if held.get(key) in (None, {}, []) and not report.blames((*path, key)) and not (key == "train" and entries):
                _report_hole(held, key, path, report)
    spec = spec or Spec()
    stages = tuple(stage if stage is not None else Train() for stage, _ in loaded)
    spec = spec.with_stages(stages) if stages else spec
    _check_names(spec, report)
    return spec


def _report_hole(held: dict[str, Any], key: str, path: Path, report: Report) -> None:
    """A key that must be written is not there, or holds nothing."""
    from nnrun.runner.compiler.language.examples import EXAMPLES

    help = about(Data if path else Spec, key)
    if key in EXAMPLES:
        help = f"{help or key}{'' if help and help.endswith('.') else ':'} For example `{key}: {EXAMPLES[key]}`"
    if key in held:
        report.add("missing-key", f"`{key}` holds nothing", at=Place((*path, key), "key"), help=help)
        return
    where = f" in `{path[-1]}`" if path else ""
    report.add("missing-key", f"the key `{key}` is missing{where}", at=Place(path, "key"), help=help)


def load_component(role: str, value: Any, path: Path, report: Report, notes: Notes = ()) -> Component | None:
    """One component, or None if more is wrong than misspelled keys."""
    found: Component | None = _load(_component(role), value, path, None, report, notes)[0]
    return found


def load_edge(value: Any, path: Path, report: Report) -> EdgeEntry | None:
    """An entry of `edges`, or None."""
    if isinstance(value, str):
        return EdgeEntry.model_construct(edge=value, mask=None)
    if not isinstance(value, dict) or "edge" not in value:
        from nnrun.runner.compiler.language.advice.edge_forms import of_value

        form = of_value(value)
        if form is not None or not isinstance(value, dict):
            headline = f"an edge is a text such as `a -> b`, or a mapping with `edge`, got {shown(value)}"
            report.add("wrong-type", headline, at=path, help=f"write `{form}`" if form else None)
            return None
    found: EdgeEntry | None = _load(_edge(), value, path, EdgeEntry, report)[0]
    return found


@cache
def _spec() -> TypeAdapter[Any]:
    return TypeAdapter(Spec)


@cache
def _stage() -> TypeAdapter[Any]:
    return TypeAdapter(Train)


@cache
def _edge() -> TypeAdapter[Any]:
    return TypeAdapter(EdgeEntry)


@cache
def _component(role: str) -> TypeAdapter[Any]:
    return TypeAdapter(Annotated[Any, Lookup(role)])


def _load(
    adapter: TypeAdapter[Any], value: Any, path: Path, model: type[BaseModel] | None, report: Report, notes: Notes = ()
) -> tuple[Any, Any]:
    """What the adapter makes of the value without what is wrong, and that value. None where nothing is left."""
    reported: set[Path] = set()
    left: set[Path] = set()
    """What was left out. Where something is wrong there all the same, as in a list of names, what holds it goes, too."""
    while True:
        try:
            return adapter.validate_python(value), value
        except ValidationError as error:
            problems = _joined(replace(problem, root=value) for problem in _problems(error.errors(include_url=False), (), model, None))
        meant = {problem.path: _meant(problem, value) for problem in problems[: 2 * MOST]}  # more than a report holds
        taken = _taken_for(meant)
        problems.sort(key=lambda problem: len(problem.part))
        for problem in problems:
            # what is above a place reported before is a consequence of leaving that place out
            if not any(known[: len(problem.path)] == problem.path for known in (*reported, *taken)):
                diagnose(problem, path, report, notes)
            if (right := meant.get(problem.path)) is not None:
                report.renamed[*path, *problem.path] = right
        smaller = value
        for problem in problems:
            right = meant.get(problem.path)
            if right is None:
                part = problem.part
                while part in left:
                    part = part[:-1]
                smaller = _without(smaller, part, problem.component)
            else:
                smaller = _renamed(smaller, problem.path, right)
        left |= {problem.part for problem in problems if meant.get(problem.path) is None}
        reported |= {problem.path for problem in problems} | {problem.part for problem in problems} | taken
        if smaller is None or smaller == value:
            return None, None
        value = smaller


def _problems(errors: list[Any], path: Path, model: type[BaseModel] | None, owner: Path | None) -> Iterator[Problem]:
    """Pydantic's errors, also those inside components. `owner` is the place of the outermost component."""
    for error in errors:
        place = _written((*path, *error["loc"]))
        context = error.get("ctx", {})
        if error["type"] == "component":
            yield from _problems(context["errors"], (*path, *error["loc"]), context["cls"], place if owner is None else owner)
            continue
        holder = _model_at(model, error["loc"])
        component = owner is not None or "role" in context
        if owner is not None:
            part = owner
        elif "option" in context:
            place = part = (*place, context["option"])
        else:
            part = place[:-1] if error["type"] == "missing" else place
        message = str(context["error"]) if error["type"] == "value_error" else str(error["msg"])
        yield Problem(error["type"], place, error["input"], message, context, holder, part, component)


def _joined(problems: Iterable[Problem]) -> list[Problem]:
    """With keys that are missing in one place as one problem, and one for all options that stand where `decode` wants a choice."""
    joined: list[Problem] = []
    missing: dict[Path, int] = {}
    for problem in problems:
        first = missing.get(problem.path[:-1])
        if problem.kind.startswith("model_") and problem.path[:1] == ("decode",) and joined and joined[-1].path[:1] == ("decode",):
            joined[-1] = replace(joined[-1], part=("decode",))
        elif problem.kind != "missing" or first is None:
            if problem.kind == "missing":
                missing[problem.path[:-1]] = len(joined)
            joined.append(problem)
        else:
            joined[first] = replace(joined[first], also=(*joined[first].also, problem.key))
    return joined


def _meant(problem: Problem, value: Any) -> str | None:
    """The key that a misspelled one stands for, where that one is not written."""
    if problem.kind != "extra_forbidden":
        return None
    meant = meant_key(problem.path[-1], keys(problem.model, problem.path))
    holder = _get(value, problem.path[:-1])
    return meant if meant is not None and isinstance(holder, dict) and meant not in holder else None


def _taken_for(meant: dict[Path, str | None]) -> set[Path]:
    return {(*path[:-1], right) for path, right in meant.items() if right is not None}


def _check_names(spec: Spec, report: Report) -> None:
    holders: list[tuple[Path, Any]] = [(("nodes",), spec.nodes), (("blocks",), spec.blocks)]
    holders += [(("data", "fields"), spec.data.fields)] if spec.data else []
    for name, block in spec.blocks.items():
        holders += [(("blocks", name, "nodes"), block.nodes), (("blocks", name, "parameters"), block.parameters)]
    for path, names in holders:
        for name in names:
            if not re.fullmatch(NAME, name):
                better = re.sub(r"[^a-z0-9_]+", "_", name.lower()).strip("_")
                help = f"write `{better}`" if re.fullmatch(NAME, better) else "for example `hidden` or `conv1`"
                headline = f"a name is made of a-z, 0-9 and _ and starts with a letter, got `{name}`"
                report.add("bad-name", headline, at=Place((*path, name), "key"), help=help)


def _model_at(model: type[BaseModel] | None, loc: Path) -> type[BaseModel] | None:
    """The model that holds the last key of `loc`, starting at `model`."""
    for step in loc[:-1]:
        if model is None or not isinstance(step, str) or step not in model.model_fields:
            continue
        inner = _models_in(model.model_fields[step].annotation)
        model = inner[0] if inner else model
    return model


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models_in(argument)]


def _written(path: Path) -> Path:
    """The path as the file has it: options of a source stand beside `source`, not below it."""
    return ("data", *path[2:]) if path[:2] == ("data", "source") and len(path) > 2 else path


def _get(value: Any, path: Path) -> Any:
    for step in path:
        if isinstance(value, dict) and step != 0:
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        elif step != 0:  # a single entry stands for a list of one
            return None
    return value


def _without(value: Any, path: Path, component: bool) -> Any:
    """A copy with what stands at a path left out; something else keeps the place of a component and of an entry of a list."""
    if not path:
        return None
    step, *rest = path
    if isinstance(value, dict) and step in value:
        if rest:
            return {**value, step: _without(value[step], tuple(rest), component)}
        if component:
            return {**value, step: Broken(given=value[step])}
        return {key: item for key, item in value.items() if key != step}
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        item = _without(value[step], tuple(rest), component) if rest else Broken(given=value[step])
        return [*value[:step], item, *value[step + 1 :]]
    if step == 0:  # a single entry that stands for a list of one
        return _without(value, tuple(rest), component) if rest else Broken(given=value)
    return value


def _renamed(value: Any, path: Path, right: str) -> Any:
    """A copy in which the key at the end of a path is another one."""
    step, *rest = path
    if isinstance(value, dict):
        if not rest:
            return {right if key == step else key: item for key, item in value.items()}
        return {**value, step: _renamed(value[step], tuple(rest), right)} if step in value else value
    if isinstance(value, list) and isinstance(step, int) and rest:
        return [*value[:step], _renamed(value[step], tuple(rest), right), *value[step + 1 :]]
    return _renamed(value, tuple(rest), right) if step == 0 and rest else value
