"""The JSON Schema of the language, for editors. Made from the models; nothing is written twice.

Components are `enum` and `if`/`then` by type rather than `oneOf`: an editor then says which types there are, instead of why a
node is none of the other thirty.
"""

from __future__ import annotations

from typing import Any, get_args

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from nnrun.registry.catalog import FOLDERS, all_of
from nnrun.registry.component import Component, field_docs
from nnrun.runner.compiler.language.data import Data
from nnrun.runner.compiler.language.examples import EXAMPLES
from nnrun.runner.compiler.language.spec import REQUIRED, EdgeEntry, Mask, Spec
from nnrun.runner.compiler.language.sweep import Choices, Prune, Search
from nnrun.runner.compiler.language.training import Train

DIALECT = "http://json-schema.org/draft-07/schema#"

Json = dict[str, Any]


def schema() -> Json:
    """The whole language as a JSON Schema."""
    definitions: Json = {}
    spec = _model(Spec, definitions)
    spec["required"] = list(REQUIRED[()])
    spec["properties"]["data"] = {"$ref": "#/definitions/source", "description": spec["properties"]["data"]["description"]}
    definitions["edge"] = _model(EdgeEntry, definitions)
    mask = _model(Mask, definitions)
    definitions["mask"] = {"if": {"type": "string"}, "then": {"enum": ["grid", "random"]}, "else": mask}
    for name, model, short in _OF_SWEEPS:
        definitions[name] = {**short, "else": _model(model, definitions)}
    definitions["stage"] = _model(Train, definitions)
    stage = {"$ref": "#/definitions/stage"}
    definitions["training"] = {"if": {"type": "array"}, "then": {"type": "array", "items": stage, "minItems": 1}, "else": stage}
    for role in FOLDERS:
        definitions[role] = _component(role, definitions)
    definitions["node"]["properties"]["type"]["enum"].append("block")
    definitions["node"]["allOf"].append(_when("type", "block", _BLOCK))
    # inside a block `$name` may stand for the value of any option, so only the type is looked at
    definitions["block_node"] = {key: value for key, value in definitions["node"].items() if key != "allOf"}
    one = {"$ref": "#/definitions/loss"}
    definitions["losses"] = {"if": {"type": "array"}, "then": {"type": "array", "items": one, "minItems": 1}, "else": one}
    definitions.pop("Data", None)
    return {"$schema": DIALECT, "title": "nnrun spec", **spec, "definitions": dict(sorted(definitions.items()))}


_OF_SWEEPS: tuple[tuple[str, type[BaseModel], Json], ...] = (
    ("search", Search, {"if": {"type": "string"}, "then": {"enum": ["tpe", "random", "grid"]}}),
    ("choices", Choices, {"if": {"type": "array"}, "then": {"minItems": 1}}),
    ("prune", Prune, {"if": {"type": "boolean"}}),
)
"""Mappings of a sweep, and what is short for them."""

_BLOCK: Json = {
    "properties": {
        "type": {"const": "block"},
        "block": {"type": "string", "description": "Name of the block, under `blocks`."},
        "with": {"type": "object", "description": "Values of the block's parameters."},
    },
    "required": ["block"],
    "additionalProperties": False,
}


def _component(role: str, definitions: Json) -> Json:
    """One of the components of a role, chosen by its tag."""
    components = all_of(role)
    tag = "source" if role == "source" else "type"
    cases = []
    for name, cls in components.items():
        case = _model(cls, definitions)
        if role == "source":
            ours = _model(Data, definitions)["properties"]
            case["properties"] = {**case["properties"], **{key: value for key, value in ours.items() if key != "source"}}
            case["required"] = list(dict.fromkeys([*case.get("required", []), *REQUIRED["data",]]))
        case["properties"][tag] = {"const": name, "description": cls.summary()}
        cases.append(_when(tag, name, case))
    chosen: Json = {
        "type": "object",
        "properties": {tag: {"enum": list(components), "description": f"The kind of {role}."}},
        "required": [tag],
        "allOf": cases,
    }
    if role in ("node", "source", "field"):
        return chosen
    # a bare name is short for a component without options
    return {"if": {"type": "string"}, "then": {"enum": list(components)}, "else": chosen}


def _when(tag: str, name: str, case: Json) -> Json:
    return {"if": {"properties": {tag: {"const": name}}, "required": [tag]}, "then": case}


def _model(model: type[BaseModel], definitions: Json) -> Json:
    """The schema of one model; what it refers to goes to the definitions."""
    _, made = models_json_schema([(model, "validation")], ref_template="#/definitions/{model}", schema_generator=_Generator)
    found: Json = made["$defs"]
    for name, definition in found.items():
        if name != model.__name__:
            definitions[name] = _documented(_with_own_refs(definition), _inner(model).get(name))
    return _documented(_with_own_refs(found[model.__name__]), model)


class _Generator(GenerateJsonSchema):
    """pydantic's, without the titles that it makes of the names of options."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def _documented(definition: Json, model: type[BaseModel] | None) -> Json:
    """With the documentation of every option, and without what only Python understands."""
    definition.pop("title", None)
    if model is not None and not issubclass(model, Component):
        definition.pop("description", None)
    docs = field_docs(model) if model is not None else {}
    for name, option in definition.get("properties", {}).items():
        option.pop("title", None)
        if name in docs:
            example = f" Example: {name}: {EXAMPLES[name]}" if name in EXAMPLES else ""
            option["description"] = " ".join(docs[name].split()) + example
    return definition


def _inner(model: type[BaseModel]) -> dict[str, type[BaseModel]]:
    """The models within a model, by name."""
    found: dict[str, type[BaseModel]] = {}
    waiting: list[Any] = [info.annotation for info in model.model_fields.values()]
    while waiting:
        annotation = waiting.pop()
        if isinstance(annotation, type) and issubclass(annotation, BaseModel) and annotation.__name__ not in found:
            found[annotation.__name__] = annotation
            waiting += [info.annotation for info in annotation.model_fields.values()]
        waiting += get_args(annotation)
    return found


def _with_own_refs(value: Any) -> Any:
    """With references to roles in place of the mark `$role`, and without defaults that are whole mappings."""
    if isinstance(value, dict):
        if "$role" in value:
            return {"$ref": f"#/definitions/{value['$role']}"}
        return {key: _with_own_refs(item) for key, item in value.items() if not (key == "default" and isinstance(item, dict))}
    return [_with_own_refs(item) for item in value] if isinstance(value, list) else value
