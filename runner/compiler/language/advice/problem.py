"""What pydantic finds wrong, and what to do about it: the help of a finding about a key or a value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pydantic import BaseModel

from nnrun.registry.component import Component, field_docs
from nnrun.runner.compiler.language.data import Data
from nnrun.runner.compiler.text.diagnostic import Path, Report
from nnrun.runner.compiler.text.words import folded, listed, nearest, repair, written


@dataclass(frozen=True)
class Problem:
    """One error of pydantic."""

    kind: str
    path: Path
    given: Any
    message: str
    """What our own validators say; it completes "takes …"."""
    context: Mapping[str, Any]
    model: type[BaseModel] | None
    """The model that holds the key at the end of the path."""
    part: Path
    """What must be left out so that the rest can stand: the option, or the component it belongs to."""
    component: bool
    """Whether that is a component."""
    root: Any = None
    """The whole value in which it stands."""
    also: tuple[str, ...] = ()
    """Of a missing key: those that are missing beside it."""

    @property
    def raw(self) -> Any:
        """What holds the key, as it is written."""
        value = self.root
        for step in self.path[:-1]:
            if isinstance(value, dict):
                value = value.get(step)
            elif isinstance(value, list) and isinstance(step, int) and step < len(value):
                value = value[step]
        return value

    @property
    def key(self) -> str:
        """The innermost key of the path."""
        return next((str(step) for step in reversed(self.path) if isinstance(step, str)), "")


def about(model: type[BaseModel] | None, key: str) -> str | None:
    """What an option is for: the first sentence of its documentation."""
    text = field_docs(model).get(key) if model else None
    return f"`{key}`: {first_sentence(text)}" if text else None


def first_sentence(text: str) -> str:
    """What stands before the first full stop that ends a sentence, in one line."""
    return re.split(r"(?<=\.)\s(?=[A-Z`])", " ".join(text.split()), maxsplit=1)[0]


def meant_key(key: object, names: list[str]) -> str | None:
    """The key for which another one is taken: called so in other libraries, or misspelled."""
    if not isinstance(key, str):
        return None
    from nnrun.runner.compiler.language.advice.foreign import NEEDLESS, PLACES, key_here

    if folded(key) in NEEDLESS or folded(key) in PLACES:
        return None
    return key_here(key, names) or nearest(key, names)


def keys(model: type[BaseModel] | None, path: Path) -> list[str]:
    """The keys of a model as a spec writes them."""
    names = [info.alias or name for name, info in model.model_fields.items()] if model else []
    return list(dict.fromkeys([*names, *Data.model_fields])) if path[:1] == ("data",) and len(path) == 2 else names


def choice_help(problem: Problem, key: str, options: list[str]) -> str | None:
    """Which of the options was meant, or what they are about."""
    from nnrun.runner.compiler.language.advice.values import value_here

    if (ours := value_here(problem.given, options)) is not None:
        return f"write `{key}: {ours}`"
    given = problem.given
    if isinstance(given, list) and given and (one := nearest(given[0], options)) is not None:
        return f"write one of them, `{key}: {one}`; what comes after it is a node of its own"
    meant = nearest(given, options)
    return f"`{meant}` exists" if meant else about(problem.model, key)


def key_help(problem: Problem, key: str, path: Path, report: Report) -> str:
    """What to do with a key that means nothing where it stands."""
    from nnrun.runner.compiler.language.advice.foreign import DONE_BY, NEEDLESS
    from nnrun.runner.compiler.language.advice.places import edge_for, frozen, place

    names = keys(problem.model, path)
    if (meant := meant_key(key, names)) is not None:
        return f"a key `{meant}` exists"
    if (edge := edge_for(key, path, problem.given)) is not None:
        return edge
    if (stays := frozen(key, path, problem.given, problem.raw, report)) is not None:
        return stays
    if folded(key) in NEEDLESS:
        return NEEDLESS[folded(key)]
    done = next((help for (other, ours), help in DONE_BY.items() if other == folded(key) and ours in names), None)
    if done is not None:
        return done
    holder = tuple(step for step in path[:-1] if not (isinstance(step, int) and path[0] == "train"))
    role = problem.model.role if problem.model is not None and issubclass(problem.model, Component) else None
    found = place(key, holder, problem.given, problem.root if path == problem.path else None, role)
    if found is None:
        return f"the keys are {listed(names, key)}"
    where, help = found
    report.elsewhere.add(where)
    return help


def type_help(role: str, name: str, known: list[str], given: Any) -> str:
    """What a type that does not exist is called here."""
    from nnrun.runner.compiler.language.advice import foreign

    if role != "source" and isinstance(given, dict) and (whole := foreign.component_here(role, given)) is not None:
        return f"write `{whole}`"
    if role == "source" and ("/" in name or "." in name) and (help := foreign.type_help(role, name)) is not None:
        return help
    if role == "node" and _is_formula(name):
        return f"a formula is written `{{type: formula, is: {name}}}`"
    exact = next((other for other in known if folded(other) == folded(name.rpartition(".")[2])), None)
    if exact is None and (help := foreign.type_help(role, name)) is not None:
        return help
    return repair(exact or name, known, role)


def _is_formula(text: str) -> bool:
    """Whether a text is a formula of more than a name."""
    from nnrun.registry.algebra.formula import FormulaError, parse

    try:
        return re.fullmatch(r"[\w./]+", text) is None and bool(parse(text).readings)
    except FormulaError:
        return False


def share_help(problem: Problem, path: Path) -> str | None:
    """A share of the examples that was written as per cent."""
    given = problem.given
    if path[:2] != ("data", "split") or not isinstance(given, int | float) or isinstance(given, bool) or not 1 < given < 100:
        return None
    return f"write a share of the examples, `{path[-1]}: {given / 100:g}`"


def form_help(problem: Problem, key: str, wanted: str) -> str | None:
    """A mapping, or a list, where one is wanted."""
    if wanted not in ("a mapping", "a list") and not wanted.startswith("a name, or a mapping"):
        return None
    from nnrun.runner.compiler.language.examples import EXAMPLES

    given = problem.given
    if isinstance(given, list) and given and all(isinstance(entry, dict) and isinstance(entry.get("name"), str) for entry in given):
        entry = {option: value for option, value in given[0].items() if option != "name"}
        return f"its entries have names instead of dashes: `{given[0]['name']}: {written(entry)}`"
    if key == "edges" and isinstance(given, dict):
        return "an arrow stands in each line: " + ", ".join(
            f"`- {source} -> {written(target)}`" for source, target in islice(given.items(), 3)
        )
    if key == "files" and isinstance(given, str):
        return f"`files` holds one for each part: write `file: {given}`"
    if wanted == "a list" and isinstance(given, dict) and all(value in (True, None) for value in given.values()):
        return f"write `{key}: {written(list(given))}`"
    if wanted == "a list" and isinstance(given, str):
        return f"write `{key}: [{given}]`"
    return f"for example `{key}: {EXAMPLES[key]}`" if key in EXAMPLES else None


def value_help(problem: Problem, path: Path, key: str, wanted: str) -> str | None:
    """The value that was probably meant."""
    from nnrun.runner.compiler.language.advice.values import right_value

    given = problem.given
    if path[:1] == ("decode",) and len(path) == 2 and isinstance(given, str):
        return f"write `{key}: {{search: {given}}}`"
    if path[:1] == ("blocks",) and isinstance(given, str) and re.fullmatch(r"[a-z]\w*", given) and "nodes" in path:
        return f"a parameter of the block is written with a sign: `{key}: ${given}`"
    right = right_value(key, given, wanted)
    return f"write `{key}: {right}`" if right is not None else None


def first_choice(root: Any) -> str:
    """The name of the first choice of a spec."""
    nodes = root.get("nodes") if isinstance(root, dict) else None
    choices = (
        name for name, node in (nodes.items() if isinstance(nodes, dict) else ()) if isinstance(node, dict) and node.get("type") == "choice"
    )
    return next(choices, "CHOICE")
