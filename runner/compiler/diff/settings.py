"""Settings of two specs compared: training, metrics, data, decoding, tracking."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nnrun.registry.objective import Metric
from nnrun.registry.source import Source
from nnrun.registry.training import Learner
from nnrun.runner.compiler.diff.side import Side, by_names
from nnrun.runner.compiler.diff.values import Change, compared, replaced
from nnrun.runner.compiler.language.data import Data, Window
from nnrun.runner.compiler.language.decoding import WIDTH, Decode
from nnrun.runner.compiler.language.training import EPOCHS, Train
from nnrun.runner.compiler.plan import Comparison, Plan
from nnrun.runner.compiler.types.decoding import Decoding

Names = Mapping[str, str]
"""By node or field of the first spec, that of the second."""

Settings = dict[str, Any]


def settings(one: Side, other: Side, names: Names) -> dict[str, tuple[Change, ...]]:
    """What differs, by section; what the first spec says of a node is read as said of the node that it is in the second."""
    found = {
        "training": _trainings(one.plan, other.plan, names),
        "metrics": _metrics(one.plan, other.plan, names),
        "data": _data(one.plan, other.plan, names),
        "decoding": _decodings(one.plan.decoding, other.plan.decoding, names),
        "tracking": compared((), one.plan.spec.track, other.plan.spec.track),
    }
    return {section: held for section, changes in found.items() if (held := tuple(changes))}


def _trainings(one: Plan, other: Plan, names: Names) -> Iterator[Change]:
    """Stage by stage. Fewer stages stand beside those of the same learners, the last ones where that does not tell."""
    before, after = ([*plan.stages, plan] for plan in (one, other))
    count = max(len(before), len(after))
    fewer, more = sorted((before, after), key=len)
    alike = [_alike(fewer, more[at:]) for at in range(count - len(fewer) + 1)]
    place = alike.index(max(alike)) if any(alike) else len(alike) - 1
    first_at, second_at = (0 if len(stages) == count else place for stages in (before, after))
    for number in range(count):
        path = () if count == 1 else (f"stage {number + 1}",)
        mine, theirs = _at(before, number - first_at), _at(after, number - second_at)
        many = any(len(stage.losses) > 1 for stage in (mine, theirs) if stage)
        if mine is None or theirs is None:
            yield from compared(path, mine and mine.spec.train, theirs and theirs.spec.train)
            continue
        first, second = _training(mine, names, many), _training(theirs, {}, many)
        for stage, held, there in ((mine, first, second), (theirs, second, first)):
            # what the other learner has no use for is told where it was written
            for key in [key for key in held if key in Train.model_fields and key not in there and key != "loss"]:
                if stage.spec.train is not None and key not in stage.spec.train.model_fields_set:
                    del held[key]
        _imply(first, second, "shuffle", *(not stage.get("carry_state", False) for stage in (first, second)))
        yield from compared(path, first, second)


def _alike(one: Sequence[Plan], other: Sequence[Plan]) -> int:
    """How many of the stages that stand beside each other have the same learner."""
    learners = [[stage.spec.train.learner if stage.spec.train else None for stage in stages] for stages in (one, other)]
    return sum(type(mine) is type(theirs) for mine, theirs in zip(*learners, strict=False))


def _at(stages: Sequence[Plan], place: int) -> Plan | None:
    return stages[place] if 0 <= place < len(stages) else None


def _training(plan: Plan, names: Names, many: bool) -> Settings:
    train = plan.spec.train
    assert train is not None
    unused = train.learner.unused if isinstance(train.learner, Learner) else ()
    held = {key: getattr(train, key) for key in type(train).model_fields if key not in (*unused, "loss")}
    if "epochs" in held and train.epochs is None and train.steps is None:
        held["epochs"] = EPOCHS
    if train.nodes is not None:
        held["nodes"] = sorted(names.get(name, name) for name in train.nodes)
    return _losses(plan, names, many) | held


def _losses(plan: Plan, names: Names, many: bool) -> Settings:
    """A loss, or each of several by the value that it judges."""
    held: Settings = {}
    for loss in plan.losses:
        config = _judging(loss, names)
        key = f"loss of {config.input}" if many else "loss"
        held[key if key not in held else f"{key} ({len(held) + 1})"] = config
    return held


def _metrics(one: Plan, other: Plan, names: Names) -> Iterator[Change]:
    before, after = _measured(one, names), _measured(other, {})
    yield from compared((), before, after)
    watched = all(plan.spec.train is not None and plan.spec.train.early_stopping is not None for plan in (one, other))
    if before.keys() == after.keys() and [*before][:1] != [*after][:1] and not watched:
        yield Change(("first, by which weights are kept",), *(next(iter(metrics)) for metrics in (before, after)))


def _measured(plan: Plan, names: Names) -> Settings:
    """By label, the metrics."""
    return {metric.config.label: _judging(metric, names) for metric in plan.metrics if isinstance(metric.config, Metric)}


def _judging(one: Comparison, names: Names) -> Any:
    """A loss or metric with what it compares, also where that goes without saying."""
    weighed = {"example_weights": names.get(one.weights, one.weights)} if one.weights is not None else {}
    target = {"target": by_names(one.target, names)} if one.has_target else {}
    return replaced(one.config, input=by_names(one.input, names), **target, **weighed)


def _data(one: Plan, other: Plan, names: Names) -> Iterator[Change]:
    assert one.spec.data is not None
    assert other.spec.data is not None
    yield from compared((), one.spec.data.source, other.spec.data.source)
    yield from compared(("fields",), _fields(one, names), _fields(other, {}))
    first, second = _split(one, names), _split(other, {})
    _imply(first, second, "train", *(round(1 - split["valid"] - split.get("test", 0), 9) for split in (first, second)))
    _imply(first, second, "stratify", _stratified(one, names), _stratified(other, {}))
    yield from compared(("split",), first, second)
    if one.spec.data.window and other.spec.data.window:
        cut, also = _window(one.spec.data), _window(other.spec.data)
        _imply(cut, also, "stride", one.spec.data.stride, other.spec.data.stride)
        yield from compared(("window",), cut, also)
    else:
        yield from compared(("window",), one.spec.data.window, other.spec.data.window)
    yield from compared(("time",), one.spec.data.time, other.spec.data.time)


def _fields(plan: Plan, names: Names) -> Settings:
    """The fields, with what their source knows of them, which counts as unsaid."""
    assert plan.spec.data is not None
    held: Settings = {}
    for name, config in plan.fields.items():
        meant, said = names.get(name, name), plan.spec.data.fields[name].model_fields_set
        values: Settings = {} if getattr(config, "columns", None) else {"column": config.column or name}
        along: str | None = getattr(config, "along", None)
        if along is not None:
            values["along"] = by_names(along, names)
        held[meant] = replaced(config, said if meant == name else {*said, *values}, **values)
    return held


def _split(plan: Plan, names: Names) -> Settings:
    data = plan.spec.data
    assert data is not None
    held = {key: getattr(data.split, key) for key in type(data.split).model_fields}
    if isinstance(data.source, Source) and data.source.may_come_in_parts and "test" not in data.split.model_fields_set:
        del held["test"]  # whether it is cut depends on the data
    if isinstance(data.split.stratify, str):
        held["stratify"] = by_names(data.split.stratify, names)
    return held


def _stratified(plan: Plan, names: Names) -> str | None:
    """By which field a split is stratified that does not say."""
    categories = [name for name, config in plan.fields.items() if config.type_name() == "category" and not getattr(config, "along", None)]
    target = next((target for target in plan.targets if target in categories), None)
    return target and names.get(target, target)


def _window(data: Data) -> Settings:
    unused = ("horizon", "join") if data.streamed else ()
    return {key: getattr(data.window, key) for key in Window.model_fields if key not in unused}


def _decodings(one: Decoding | None, other: Decoding | None, names: Names) -> Iterator[Change]:
    """By choice, how its symbols are found."""
    before, after = ({} if it is None else {these.get(it.choice, it.choice): it.settings} for it, these in ((one, names), (other, {})))
    both = before.keys() == after.keys()
    yield from compared((), *({name: _found(held) if both else held for name, held in side.items()} for side in (before, after)))


def _found(config: Decode) -> Settings:
    held = {key: getattr(config, key) for key in Decode.model_fields}
    implied: Settings = {"beam": {"width": WIDTH, "length_penalty": 0.0}, "sample": {"temperature": 1.0}}.get(config.search, {})
    return held | {key: value for key, value in implied.items() if held[key] is None}


def _imply(one: Settings, other: Settings, key: str, mine: Any, theirs: Any) -> None:
    """Where only one of two says something, fill in what goes without saying for the other."""
    if one.get(key) is None and other.get(key) is not None:
        one[key] = mine
    if other.get(key) is None and one.get(key) is not None:
        other[key] = theirs
