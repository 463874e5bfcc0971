"""Where a key belongs that stands in the wrong place. Loaded only when there is such a key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import BaseModel

from nnrun.registry.catalog import FOLDERS, Broken, all_of, find
from nnrun.registry.component import Component
from nnrun.registry.options import Regularize
from nnrun.runner.compiler.language.advice.foreign import KEYS, PLACES
from nnrun.runner.compiler.language.data import Data, Split, Window
from nnrun.runner.compiler.language.decoding import Decode
from nnrun.runner.compiler.language.spec import EdgeEntry, Spec, Track
from nnrun.runner.compiler.language.training import Average, Checkpoint, EarlyStopping, Train
from nnrun.runner.compiler.text.diagnostic import Path, Report
from nnrun.runner.compiler.text.words import folded, listed, written

HOLDERS: tuple[tuple[Path, type[BaseModel]], ...] = (
    ((), Spec),
    (("train",), Train),
    (("data",), Data),
    (("data", "window"), Window),
    (("train", "early_stopping"), EarlyStopping),
    (("train", "checkpoint"), Checkpoint),
    (("train", "average"), Average),
    (("data", "split"), Split),
    (("train", "regularize"), Regularize),
    (("track",), Track),
)
"""The sections of a spec that have keys of their own, in the order in which a key is looked for."""

_ROLES: dict[str, Path] = {"optimizer": ("train", "optimizer"), "learner": ("train", "learner"), "schedule": ("train", "schedule")}
"""Components that stand at one place of a spec."""


READING = ("input", "inputs", "from", "source", "after", "parents", "reads")
"""What a node's option is called elsewhere that names the nodes which it reads."""


def edge_for(key: str, path: Path, value: Any) -> str | None:
    """The edge that says what an option of a node says in other libraries, `input: flat`; None where it says something else."""
    sources = [value] if isinstance(value, str) else value
    if path[:1] != ("nodes",) or folded(key) not in READING or not isinstance(sources, list) or not sources:
        return None
    if not all(isinstance(source, str) for source in sources):
        return None
    return (
        f"what a node reads is said under `edges`, once for all: leave it out, where an edge `{', '.join(sources)} -> {path[1]}` is there"
    )


def frozen(key: str, path: Path, value: Any, holder: Any, report: Report) -> str | None:
    """What holds nodes as they are, where a training has been told to `freeze` them; None for another key."""
    names = [value] if isinstance(value, str) else value
    if folded(key) not in ("freeze", "frozen") or path[0] != "train" or not isinstance(names, list):
        return None
    if isinstance(holder, dict) and set(holder) == {key}:
        report.elsewhere.add((*path[:-1], "loss"))
        return "take this stage away: a stage changes what its `nodes` name, and all else stays as it is"
    if isinstance(path[1], int):
        return "leave it out, and name under `nodes` of this stage what it trains: all else stays as it is"
    kept = listed(str(name) for name in names)
    return f"leave it out, and write `freeze: true` in {kept} under `nodes`"


def place(key: str, holder: Path, value: Any, root: Any, role: str | None = None) -> tuple[Path, str] | None:
    """Where a key belongs that means nothing in `holder`, and a sentence that says it; `root` is the whole spec, as far as it is there,
    and `role` that of the component that is the holder, if it is one."""
    if key == "shuffle" and holder == ("data", "split"):  # that of `train` is about the order of batches
        instead = (
            "write `chronological: true` to divide the rows in their order"
            if value is False
            else "leave it out: rows are divided at random"
        )
        return ("data", "split", "chronological"), instead
    if folded(key) in PLACES:
        path = PLACES[folded(key)]
        return path, _sentence(path, holder, value, root)
    for name in (key, *KEYS.get(folded(key), ())):
        for above, model in HOLDERS:
            if above != holder and name in {info.alias or field for field, info in model.model_fields.items()}:
                return (*above, name), _sentence((*above, name), holder, value, root)
        for role, above in _ROLES.items():
            if above != holder and any(name in cls.model_fields for cls in _likely(role, root)):
                return (*above, name), _sentence((*above, name), holder, value, root)
        fields = [kind for kind, cls in all_of("field").items() if name in cls.model_fields] if holder[:1] == ("nodes",) else []
        if len(fields) == 1:
            return ("data", "fields", name), f"it is an option of the field: write it behind `type: {fields[0]}` under `data`"
        if holder[:1] != ("decode",) and name in Decode.model_fields:
            return ("decode", name), f"it belongs under `decode`, in that of a choice: `decode: {{CHOICE: {{{name}: {written(value)}}}}}`"
        if holder[:1] == ("nodes",) and find("node", name) is not None:
            return ("nodes", name), f"it is a node of its own: write `NAME: {{type: {name}, …}}` under `nodes`, and lead an edge through it"
        if holder[:1] == ("nodes",) and name in EdgeEntry.model_fields:
            edge = f"{{edge: GROUP <-> {holder[-1]}, {name}: {written(value)}}}"
            return ("edges", name), f"it belongs to the edge that joins `{holder[-1]}`, under `edges`: write `- {edge}` there"
        if owners := list(_owners(name, role)):
            return ("nodes", name), f"it is an option of {' and '.join(owners)}"
    return None


def _sentence(path: Path, holder: Path, value: Any, root: Any) -> str:
    """Where the key belongs, seen from where it stands."""
    *above, key = map(str, path)
    if path == ("train",) and isinstance(value, list):
        return "`train` itself is the list of trainings: take this line away, so that they stand right below `train:`"
    text = f"{key}: {written({'length': value} if key == 'window' and isinstance(value, int) else value)}"
    if not above:
        return f"`{key}` is a key of the spec itself: write it at the left margin, beside `nodes` and `train`"
    if len(above) == 1:
        return f"it belongs under `{above[0]}`: write it there, as `{text}`"
    inner = f"{above[1]}: {{{', '.join([*_beside(above, key, root), text])}}}"
    if holder == (above[0],):
        return f"it belongs in `{above[1]}`: write `{inner}`"
    return f"it belongs under `{above[0]}`, in `{above[1]}`: write `{inner}` there"


def _beside(above: list[str], key: str, root: Any) -> Iterator[str]:
    """What is to stand there as well: the type of a component, and what is written already."""
    held = root.get(above[0], {}) if isinstance(root, dict) else {}
    held = held.get(above[1]) if isinstance(held, dict) else None
    if isinstance(held, Component | str):
        held = {"type": held if isinstance(held, str) else held.type_name()}
    if not isinstance(held, dict):
        held = {"type": "adam"} if above[1] == "optimizer" else {}
    yield from (f"{other}: {written(value)}" for other, value in held.items() if other != key and not isinstance(value, Broken))


def _likely(role: str, root: Any) -> Iterable[type[Component]]:
    """The component that a spec has in a role; all there are, where it has none."""
    held = root.get("train") if isinstance(root, dict) else None
    held = held.get(role) if isinstance(held, dict) else None
    name = held.get("type") if isinstance(held, dict) else held
    cls = find(role, name) if isinstance(name, str) else find("optimizer", "adam") if role == "optimizer" else None
    return [cls] if cls is not None else all_of(role).values()


def _owners(name: str, role: str | None) -> Iterator[str]:
    """Which types of components have an option, where few do; for a component, others of its role."""
    for each in FOLDERS if role is None else (role,):
        types = [kind for kind, cls in all_of(each).items() if name in {info.alias or key for key, info in cls.model_fields.items()}]
        if 0 < len(types) <= 6:
            yield f"the {each} type{'s' * (len(types) > 1)} {listed(types)}"
