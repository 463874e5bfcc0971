"""What pydantic finds wrong, in our words. No sentence of pydantic reaches a user."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from nnrun.registry.component import Component
from nnrun.registry.node import NODE, RUN
from nnrun.registry.objective import REFERENCE
from nnrun.registry.options import FIGURE, LARGEST, NAME
from nnrun.runner.compiler.language.advice.problem import (
    Problem,
    about,
    choice_help,
    first_choice,
    form_help,
    key_help,
    share_help,
    type_help,
    value_help,
)
from nnrun.runner.compiler.language.decoding import Decode
from nnrun.runner.compiler.language.spec import EXPERIMENT
from nnrun.runner.compiler.language.training import DEVICE
from nnrun.runner.compiler.text.diagnostic import Notes, Path, Place, Report
from nnrun.runner.compiler.text.words import listed, shown


def diagnose(problem: Problem, base: Path, report: Report, notes: Notes) -> None:
    """Report a problem below the path `base`."""
    path = (*base, *problem.path)
    key = problem.key or next((str(step) for step in reversed(base) if isinstance(step, str)), "spec")
    context, given = problem.context, shown(problem.given)
    help: str | None = None
    at = Place(path)
    match problem.kind:
        case "model_type" | "model_attributes_type" if path[:1] == ("decode",) and key in Decode.model_fields:
            id, headline, at = "wrong-type", f"`decode` holds the names of choices, got its option `{key}`", Place(path, "key")
            help = f"write `{first_choice(problem.root)}: {{{key}: …}}` in it"
        case "extra_forbidden":
            id, headline, at = "unknown-key", f"`{key}` is not a key of {_holder(problem.model, path)}", Place(path, "key")
            help = key_help(problem, key, path, report)
        case "missing":
            id, headline, at, help = _missing(problem, key, path)
        case "missing_type" if context["role"] == "source":
            id, headline = "wrong-type", f"`source` takes the name of a source, got {given}"
            help = "write its name, as `source: csv`, and its options, as `file: PATH`, beside it"
        case "missing_type":
            tag = context["tag"]
            id, headline, at = "missing-key", f"the key `{tag}` is missing in `{key}`", Place(path, "key")
            help = f"`{tag}` names the kind of {context['role']}: {listed(context['known'])}"
        case "unknown_type" if isinstance(context["name"], str):
            id, headline = "unknown-type", f"no {context['role']} is of type `{context['name']}`"
            help = type_help(context["role"], context["name"], context["known"], problem.given)
            at = _type_of(problem, path)
        case "unknown_type":
            id, headline, at = "wrong-type", f"`{context['tag']}` takes a name, got {shown(context['name'])}", _type_of(problem, path)
        case "formula":
            id, headline, help = "bad-formula", f"`{key}`: {context['message']}", context["help"]
            at = Place(path, start=context["start"], end=context["end"])
        case "conflict":
            id, headline, at = (
                "conflicting-keys",
                f"`{_owner(path, context)}` takes {problem.message}, got {context['given']}",
                Place(path, "key"),
            )
        case "literal_error":
            options = _literals(str(context["expected"]))
            id, headline = "wrong-choice", f"`{key}` takes one of {listed(options)}, got {given}"
            help = choice_help(problem, key, options)
        case _:
            given = context.get("given", given)
            id, headline = _id(problem), f"`{key}` takes {_wanted(problem)}, got {given}"
            help = context.get("help") or share_help(problem, path) or value_help(problem, path, key, _wanted(problem))
            help = help or form_help(problem, key, _wanted(problem)) or about(problem.model, key)
    report.add(id, headline, at=at, help=help, notes=notes)


def _missing(problem: Problem, key: str, path: Path) -> tuple[str, str, Place, str | None]:
    """Keys that must be written, with the form of the whole where a component's name stands alone."""
    names = (key, *problem.also)
    what = f"the key `{key}` is" if len(names) == 1 else f"the keys {' and '.join(f'`{name}`' for name in names)} are"
    headline = f"{what} missing in {_holder(problem.model, path)}"
    help = about(problem.model, key)
    bare = problem.raw
    if problem.model is not None and issubclass(problem.model, Component) and (isinstance(bare, str) or problem.also):
        stands = {**_STANDS_FOR, **(_judged(problem.root) if problem.path[:2] == ("train", "loss") else {})}
        form = ", ".join([f"type: {problem.model.type_name()}", *(f"{name}: {stands.get(name, '…')}" for name in names)])
        owner = next((step for step in reversed(path[:-1]) if isinstance(step, str)), "")
        help = f"write `{owner}: {{{form}}}`"
    return "missing-key", headline, Place(path[:-1]) if isinstance(bare, str) else Place(path[:-1], "key"), help


def _judged(root: Any) -> dict[str, str]:
    """What a loss probably compares: the last node, and the one field that no edge reads."""
    held = root if isinstance(root, dict) else {}
    nodes, data, edges = held.get("nodes"), held.get("data"), str(held.get("edges"))
    fields = data.get("fields") if isinstance(data, dict) else None
    if not isinstance(nodes, dict) or not isinstance(fields, dict) or not nodes:
        return {}
    unread = [name for name in fields if not re.search(rf"\b{re.escape(str(name))}\b", edges)]
    return {"input": str(list(nodes)[-1]), "target": str(unread[0])} if len(unread) == 1 else {}


_STANDS_FOR = {"input": "NODE", "target": "FIELD"}
"""What an option holds, in a form to fill in."""


_WANTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": f"a whole number below {LARGEST}",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "string_type": "a text",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}


_FORMS = {
    NAME: "a name of a-z, 0-9 and _ that starts with a letter",
    REFERENCE: "the name of a value, `node`, `node.port` or `field`",
    NODE: "the name of a node",
    RUN: "a finished run, `run:ID` or `run:ID/node`",
    FIGURE: "the name of a figure, `valid/loss` or `valid/` and a metric",
    DEVICE: "`auto`, `cpu`, `cuda` or `cuda:NUMBER`",
    EXPERIMENT: "a name of letters, digits, `_`, `.` and `-`",
}
"""What the patterns of options ask for."""


def _wanted(problem: Problem) -> str:
    context = problem.context
    match problem.kind:
        case "greater_than_equal":
            return f"a number of {_bound(context['ge'])} or more"
        case "greater_than":
            return f"a number above {_bound(context['gt'])}"
        case "less_than_equal":
            return f"a number of {_bound(context['le'])} or less"
        case "less_than":
            return f"a number below {_bound(context['lt'])}"
        case "too_short":
            return f"a list with {context['min_length']} or more entries"
        case "too_long":
            return f"a list with {context['max_length']} or fewer entries"
        case "string_too_short":
            return f"a text of {context['min_length']} or more characters"
        case "string_too_long":
            return f"a text of {context['max_length']} or fewer characters"
        case "string_pattern_mismatch":
            return _FORMS.get(context["pattern"], f"a text of the form {context['pattern']}")
    return _WANTED.get(problem.kind, problem.message)


def _bound(number: float) -> str:
    return str(int(number)) if number == int(number) else f"{number:g}"


_BOUNDS = ("greater_than", "less_than", "too_short", "too_long", "string_too", "finite_number", "int_parsing_size", "out_of_range")


def _id(problem: Problem) -> str:
    """Whether the value is of another type than wanted, or of the right one and out of bounds."""
    bounded = problem.kind.startswith(_BOUNDS)
    whole = isinstance(problem.given, int) and not isinstance(problem.given, bool)
    return "out-of-range" if bounded or (whole and problem.message.startswith("a whole number")) else "wrong-type"


def _type_of(problem: Problem, path: Path) -> Place:
    """Where the name of a component's type is written."""
    beside = isinstance(problem.given, dict) and path[-1:] != ("source",)
    return Place((*path, problem.context["tag"])) if beside else Place(path)


def _owner(path: Path, context: Mapping[str, Any]) -> str:
    names = [str(step) for step in path if isinstance(step, str)]
    return names[-2] if "option" in context else names[-1]


def _holder(model: type[BaseModel] | None, path: Path) -> str:
    if model is not None and issubclass(model, Component) and model.role != "source":
        return f"the {model.role} type `{model.type_name()}`"
    names = [str(step) for step in path[:-1] if isinstance(step, str)]
    return f"`{names[-1]}`" if names else "a spec"


def _literals(expected: str) -> list[str]:
    return [part.strip().strip("'") for part in expected.replace(" or ", ", ").split(",") if part.strip()]
