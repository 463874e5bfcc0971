"""A spec with nothing left unsaid: defaults filled in, short forms written out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nnrun.registry.component import Component
from nnrun.registry.field import Field
from nnrun.registry.source import Source
from nnrun.registry.training import Learner
from nnrun.runner.compiler.language.spec import Spec
from nnrun.runner.compiler.language.training import Train
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.compiler.text.source import dump


def resolved(plan: Plan) -> dict[str, Any]:
    """The whole spec as plain values, which `check` reads back as the same plan."""
    spec = plan.spec
    assert spec.data is not None
    assert spec.train is not None
    value: dict[str, Any] = {"nnrun": 1, "name": spec.name}
    if spec.description:
        value["description"] = spec.description
    value["data"] = _data(spec, plan.fields)
    for key in ("blocks", "nodes", "edges"):
        if getattr(spec, key):
            value[key] = plain(getattr(spec, key))
    stages = [_training(stage.spec.train) for stage in (*plan.stages, plan)]
    value["train"] = stages if plan.stages else stages[0]
    if spec.metrics:
        value["metrics"] = plain(spec.metrics)
    if spec.decode:
        value["decode"] = plain(spec.decode)
    value["track"] = plain(spec.track)
    return value


def resolved_text(plan: Plan) -> str:
    """The resolved spec as YAML."""
    return dump(resolved(plan))


def _training(train: Train | None) -> dict[str, Any]:
    """A training without the keys that its learner has no use for: they would be refused."""
    assert train is not None
    unused = train.learner.unused if isinstance(train.learner, Learner) else ()
    return {key: item for key, item in plain(train).items() if key not in unused}


def _data(spec: Spec, fields: Mapping[str, Field]) -> dict[str, Any]:
    assert spec.data is not None
    value: dict[str, Any] = dict(plain(spec.data.source))
    value["fields"] = {name: plain(config) for name, config in fields.items()}
    value["split"] = plain(spec.data.split)
    if isinstance(spec.data.source, Source) and spec.data.source.may_come_in_parts and "test" not in spec.data.split.model_fields_set:
        del value["split"]["test"]  # whether it is cut depends on the data
    elif spec.data.split.folds is not None:
        del value["split"]["test"]  # each fold is the test part once
    if spec.data.window is not None:
        window = plain(spec.data.window.model_copy(update={"stride": spec.data.stride}))
        value["window"] = {key: item for key, item in window.items() if key not in ("horizon", "join") or not spec.data.streamed}
    if spec.data.time is not None:
        value["time"] = spec.data.time
    return value


def plain(value: Any) -> Any:
    """Models, mappings and lists as YAML has them; what is not set, or would mean nothing, is left out."""
    if isinstance(value, Component):
        tag = {value.tag: value.type_name()}
        unsaid = (value.tag, *value.meaningless())
        fields = [(name, info.alias or name) for name, info in type(value).model_fields.items() if name not in unsaid]
        return tag | {said: plain(item) for name, said in fields if (item := getattr(value, name)) is not None}
    if hasattr(value, "model_dump"):
        return {name: plain(item) for name in type(value).model_fields if (item := getattr(value, name)) is not None}
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value
