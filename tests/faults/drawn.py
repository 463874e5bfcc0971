"""Specs drawn at random from the JSON Schema of the language: each part is right in itself, together they mean anything or nothing."""

from __future__ import annotations

import random
from functools import cache
from typing import Any

from nnrun.registry.catalog import all_of
from nnrun.registry.source import Column, Source
from nnrun.runner.compiler.language.schema import schema

OPTIONAL = (0.0, 0.02, 0.1, 0.3)
"""How often an option stands there that may be left out, from spec to spec."""

NAMES = ("a", "b", "c", "d", "e", "f")
"""Of nodes."""


@cache
def _schema() -> dict[str, Any]:
    return schema()


@cache
def _packaged() -> dict[str, dict[str, Column]]:
    """The sources that are told by their name alone, with their columns."""
    found = {}
    for name, cls in all_of("source").items():
        if all(key == "source" or not option.is_required() for key, option in cls.model_fields.items()):
            try:
                source = cls.model_validate({"source": name})
            except ValueError:
                continue
            assert isinstance(source, Source)
            found[name] = dict(source.columns() or {})
    return {name: columns for name, columns in found.items() if columns}


def drawn(rng: random.Random) -> dict[str, Any]:
    """A spec whose data is there, whose edges go from fields to nodes, and whose losses name both."""
    source, columns = rng.choice(list(_packaged().items()))
    fields = {name: _field(rng, column) for name, column in columns.items()}
    names = list(NAMES[: min(rng.randint(1, len(NAMES)), rng.randint(1, len(NAMES)))])
    chance = rng.choice(OPTIONAL)
    words = [*fields, *names]
    definitions = _schema()["definitions"]
    spec: dict[str, Any] = {"nnrun": 1, "name": "drawn", "data": {"source": source, "fields": fields}}
    if rng.random() < (0.9 if any(field.get("type") == "series" for field in fields.values()) else 0.1):
        spec["data"]["window"] = _value(rng, definitions["Window"], words, chance)
    spec["nodes"] = {name: _named(rng, _value(rng, definitions["node"], words, chance), fields) for name in names}
    if rng.random() < 0.5:
        spec["nodes"][names[-1]] = {"type": "linear", "units": rng.choice(list(fields))}
    spec["edges"] = _edges(rng, list(fields), names)
    train = definitions["stage"] if "stage" in definitions else definitions["training"]
    spec["train"] = _value(rng, train, words, chance)
    for key in ("epochs", "steps"):
        spec["train"].pop(key, None)
    if rng.random() < 0.7:
        target = rng.choice(list(fields))
        loss = "cross_entropy" if fields[target].get("type") in ("category", "text") else rng.choice(("mse", "binary_cross_entropy", "mae"))
        spec["train"]["loss"] = {"type": loss, "input": names[-1], "target": target}
    for key in ("metrics", "decode", "track", "sweep", "blocks"):
        if rng.random() < chance:
            spec[key] = _value(rng, _schema()["properties"][key], words, chance)
    return spec


def _field(rng: random.Random, column: Column) -> Any:
    if rng.random() < 0.75:
        return {"type": column.type}
    return _value(rng, _schema()["definitions"]["field"], [], 0.3)


def _named(rng: random.Random, node: Any, fields: dict[str, Any]) -> Any:
    """Often as many units as a field has."""
    if isinstance(node, dict) and "units" in node:
        node["units"] = rng.choice((*fields, 1, 4, 64, 10))
    return node


def _edges(rng: random.Random, fields: list[str], names: list[str]) -> list[str]:
    edges = [" -> ".join([rng.choice(fields), *names])]
    for _ in range(rng.choice((0, 0, 1, 2, 4))):
        one, other = rng.choice([*fields, *names]), rng.choice(names)
        edges.append(rng.choice((f"{one} -> {other}", f"prev({rng.choice(names)}) -> {other}", f"{rng.choice(names)} <-> {other}")))
    return edges


def _value(rng: random.Random, rule: dict[str, Any], words: list[str], chance: float, depth: int = 0) -> Any:
    """Something that a part of the schema allows."""
    if "$ref" in rule:
        return _value(rng, _schema()["definitions"][rule["$ref"].rpartition("/")[2]], words, chance, depth)
    if "const" in rule:
        return rule["const"]
    if "enum" in rule:
        return rng.choice(rule["enum"])
    for key in ("anyOf", "oneOf"):
        if key in rule:
            return _value(rng, rng.choice(rule[key]), words, chance, depth)
    match rule.get("type"):
        case "integer":
            low, high = rule.get("minimum", 0), rule.get("maximum", 10**6)
            return rng.choice((low, min(high, low + 1), min(high, low + 3), min(high, 8), high))
        case "number":
            low = rule.get("minimum", rule.get("exclusiveMinimum", 0.0))
            high = rule.get("maximum", rule.get("exclusiveMaximum", 1e6))
            return rng.choice((low, (low + high) / 2, low + (high - low) * rng.random() ** 8))
        case "boolean":
            return rng.random() < 0.5
        case "string":
            return rng.choice([*words, "auto", "valid/loss", "cpu", "words"] if words else ["x", "words", "auto"])
        case "null":
            return None
        case "array":
            count = rng.randint(rule.get("minItems", 0), min(rule.get("maxItems", 3), 3)) if depth < 6 else 0
            return [_value(rng, rule.get("items", {}), words, chance, depth + 1) for _ in range(count)]
        case "object":
            return _object(rng, rule, words, chance, depth)
    return rng.choice([*words, 1, 0.5, None, True])


def _object(rng: random.Random, rule: dict[str, Any], words: list[str], chance: float, depth: int = 0) -> dict[str, Any]:
    chance = chance if depth < 4 else 0.0
    found: dict[str, Any] = {}
    kinds = [case for case in rule.get("allOf", ()) if "if" in case]
    if kinds:
        case = rng.choice(kinds)
        found = {key: value["const"] for key, value in case["if"]["properties"].items() if "const" in value}
        rule = case["then"]
    for key, inner in rule.get("properties", {}).items():
        if key not in found and (key in rule.get("required", ()) or rng.random() < chance):
            found[key] = _value(rng, inner, words, chance, depth + 1)
    for inner in rule.get("patternProperties", {}).values():
        found |= {rng.choice(words or NAMES): _value(rng, inner, words, chance, depth + 1) for _ in range(rng.randint(0, 2))}
    return found
