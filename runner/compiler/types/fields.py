"""The fields of the data: completed by what their source knows, and their types."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pydantic import ValidationError

from nnrun.registry.catalog import Broken
from nnrun.registry.field import Facts, Field
from nnrun.registry.fields.text import Text
from nnrun.registry.shape import Shape, ShapeError
from nnrun.registry.source import Column, Source
from nnrun.runner.compiler.graph.graph import Graph
from nnrun.runner.compiler.graph.objectives import Objective
from nnrun.runner.compiler.language.data import Data
from nnrun.runner.compiler.language.spec import Spec
from nnrun.runner.compiler.text.diagnostic import Place, Report
from nnrun.runner.compiler.text.words import nearest, repair


def complete_fields(data: Data | None, chosen: Collection[str], report: Report) -> dict[str, Field]:
    """The fields that are right, with the options that the source knows filled in; a text whose symbols are `chosen` has an end."""
    if data is None:
        return {}
    fields = {name: config for name, config in data.fields.items() if not isinstance(config, Broken)}
    for name in chosen if data.window is None else ():
        if getattr(fields.get(name), "end", False) is None:
            fields[name] = fields[name].model_copy(update={"end": True})
    columns = data.source.columns() if isinstance(data.source, Source) else None
    if columns is None:
        return fields
    assert data.source is not None
    complete: dict[str, Field] = {}
    for name, config in fields.items():
        own = getattr(config, "columns", None)
        wanted = own or [config.column or name]
        unknown = [index for index, column in enumerate(wanted) if column not in columns]
        for index in unknown:
            path = ("data", "fields", name)
            at = Place((*path, "columns", index)) if own else Place((*path, "column")) if config.column else Place(path, "key")
            headline = f"the source `{data.source.type_name()}` has no column `{wanted[index]}`"
            report.add("unknown-name", headline, at=at, help=repair(wanted[index], columns, "column"))
        if not unknown:
            column = columns[wanted[0]]
            options = {} if own else _options(config, column)
            if all(_takes(config, key, value) for key, value in options.items()):
                complete[name] = config.model_copy(update=options)
                continue
            brought = f"the column `{wanted[0]}` of `{data.source.type_name()}` is of type `{column.type}`"
            at, help = Place(("data", "fields", name), "key"), f"write `{name}: {{type: {column.type}}}`"
            report.add("shape-mismatch", f"{brought}, and `{name}` reads it as `{config.type_name()}`", at=at, help=help)
    return complete


def _options(config: Field, column: Column) -> dict[str, Any]:
    """What the source knows of a column and the field leaves unsaid."""
    return {key: value for key, value in column.options.items() if key in type(config).model_fields and key not in config.model_fields_set}


def _takes(config: Field, key: str, value: Any) -> bool:
    """Whether a field of this type has such a value for an option: the size of a vector is no size of an image."""
    try:
        return bool(getattr(type(config).model_validate({config.tag: config.type_name(), key: value}), key) == value)
    except ValidationError:
        return False


def check_vocabularies(fields: Mapping[str, Field], report: Report) -> dict[str, Field]:
    """Refuse a vocabulary that is to be that of another field, where that one has none, or cuts its texts otherwise; the fields that are
    right."""
    right = dict(fields)
    texts = {name: config for name, config in fields.items() if isinstance(config, Text)}
    for name, config in texts.items():
        if config.teacher is None:
            continue
        teacher = texts.get(config.teacher)
        if teacher is None and config.teacher in fields:
            id, why, help = "shape-mismatch", f", which is a `{fields[config.teacher].type_name()}`", "a `text` field has one"
        elif teacher is None:
            others = [other for other in texts if other != name]
            id, why, help = "unknown-name", ", and there is no such field", repair(config.teacher, others, "text field")
        elif teacher.teacher is not None:
            help = "let one of them say how many symbols there are, as `vocabulary: 8000`, and the others name that one"
            id, why = "conflicting-keys", ", which has none of its own"
        elif (differs := next((key for key in ("tokens", "lower") if getattr(config, key) != getattr(teacher, key)), None)) is not None:
            id, why = "conflicting-keys", f", and cuts its texts otherwise: `{differs}` differs"
            help = f"give both the same `{differs}`"
        else:
            continue
        del right[name]
        at = ("data", "fields", name, "vocabulary")
        report.add(id, f"`{name}` shares the vocabulary of `{config.teacher}`{why}", at=at, help=help)
    return right


def type_fields(data: Data | None, fields: Mapping[str, Field], facts: Mapping[str, Facts], report: Report) -> dict[str, Shape]:
    """Types of `field` and `field.next`. Along another field lies what takes its time axis from there."""
    if data is None:
        return {}
    timed: dict[str, Shape] = {}
    values: dict[str, Shape] = {}
    for name, config in fields.items():
        try:
            shape = config.shape(name, facts.get(name))
        except ShapeError as error:
            at = Place(("data", "fields", name, error.field)) if error.field else Place(("data", "fields", name), "key")
            report.add(error.id, f"`{name}`: {error.message}", at=at, help=error.help)
            continue
        if not isinstance(data.source, Source) and any(isinstance(axis, str) for axis in shape.axes):
            continue  # the source may know the size, once it is right
        if _unsettled(name, shape, report):
            continue
        if config.type_name() == "series" and data.window is None and report.blames(("data", "window")):
            continue  # how it is cut is wrong, and that is reported
        if config.type_name() in ("series", "text") and data.window is not None:
            shape = shape.along(name, data.window.length)
        timed[name] = shape
    for name, shape in timed.items():
        owner = timed.get(shape.time or name)
        if owner is not None and owner.time == shape.time:
            values[name] = shape.along(owner.time, owner.ticks)
            if data.window is not None and owner.time is not None and fields[owner.time].type_name() == "series":
                ahead = fields[name].ahead(name, facts.get(name))
                values[f"{name}.next"] = ahead.along(f"{owner.time}.next", len(data.window.steps)) if data.window.several else ahead
        elif owner is not None or shape.time not in data.fields:
            _report_axis(name, str(shape.time), [other for other in timed if timed[other].time == other], data, report)
    return values


def _unsettled(name: str, shape: Shape, report: Report) -> bool:
    """Whether a field's column, which is wrong, may tell its size once it is right, or its type is another than the column wants."""
    path = ("data", "fields", name)
    another = any(finding.id == "shape-mismatch" and finding.at.path == path for finding in report)
    return another or (report.blames(path) and any(isinstance(axis, str) for axis in shape.axes))


def check_window(data: Data | None, report: Report) -> None:
    """A window cuts series, with what goes along, or a text alone."""
    if data is None or not data.fields:
        return
    if data.time is not None and (data.window is None or data.streamed):
        headline = "`time` says when the ticks of a series were, and " + (
            "a text has none" if data.streamed else "the rows are no ticks: nothing cuts them into windows"
        )
        help = "leave out `time`" + ("" if data.streamed else ", or write `window: {length: 24}` under `data`")
        report.add("conflicting-keys", headline, at=Place(("data", "time"), "key"), help=help)
    if data.window is None:
        return
    at, types = ("data", "window"), {name: field.type_name() for name, field in data.fields.items() if not isinstance(field, Broken)}
    if "horizon" in data.window.model_fields_set and data.streamed:
        headline = "`horizon` says how far ahead of a series is predicted, and a text is predicted token by token"
        report.add("conflicting-keys", headline, at=Place((*at, "horizon"), "key"), help="leave out `horizon`")
    for option in ("by", "join"):
        if option in data.window.model_fields_set and data.streamed:
            headline = f"`{option}` is about which rows of a series follow each other, and texts are one stream"
            report.add("conflicting-keys", headline, at=Place((*at, option), "key"), help=f"leave out `{option}`")
    if data.streamed and data.split.by_group is not None:
        headline = "`by_group` keeps rows together, and texts under `window` are one stream"
        report.add("conflicting-keys", headline, at=Place(("data", "split", "by_group"), "key"), help="leave out `by_group`")
    if data.streamed and (text := data.fields[data.streamed]) and isinstance(text, Text) and text.are_given:
        headline = f"`window` makes one stream of a text, and the tokens of `{data.streamed}` are given as lists"
        place, help = Place(("data", "fields", data.streamed, "tokens")), "`tokens: words` cuts a text; lists need no `window`"
        report.add("conflicting-keys", headline, at=place, notes=[(Place(at, "key"), "cuts")], help=help)
    if data.streamed:
        for name in sorted(types.keys() - {data.streamed}):
            headline = f"`window` makes one stream of `{data.streamed}`, in which `{name}` has no place"
            place = Place(("data", "fields", name), "key")
            report.add("conflicting-keys", headline, at=place, notes=[(Place(at, "key"), "cuts")], help=f"leave out `{name}` or `window`")
    elif "series" not in types.values() and len(types) == len(data.fields):
        headline = "`window` cuts a series or a text into examples, but no field is of type `series` or `text`"
        report.add("conflicting-keys", headline, at=Place(at, "key"), help="leave out `window`")


def check_split(data: Data | None, values: Mapping[str, Shape], report: Report) -> None:
    """The split is stratified by a category."""
    by = data.split.stratify if data else None
    if data is None or not data.fields or not isinstance(by, str):
        return
    at = ("data", "split", "stratify")
    if by not in data.fields:
        report.add("unknown-name", f"no field is named `{by}`", at=at, help=repair(by, data.fields, "field"))
    elif by in values and values[by].kind != "category":
        report.add("shape-mismatch", f"`stratify` takes a category field, but `{by}` is {values[by]}", at=at)


def _report_axis(name: str, along: str, timed: list[str], data: Data, report: Report) -> None:
    what = "has no time axis of its own" if along in data.fields else "is no field"
    meant = nearest(along, timed)
    help = f"`{meant}` has one" if meant else "fields of type text, video and series have one"
    report.add("unknown-name", f"`{name}` goes along `{along}`, which {what}", at=("data", "fields", name, "along"), help=help)


def check_read(graph: Graph, fields: Mapping[str, Field], report: Report) -> None:
    """A network reads no value that may be left out."""
    read = {edge.source.name for node in graph.nodes.values() for edge in (*node.edges, *([node.initial] if node.initial else []))}
    for name, config in fields.items():
        if _missing(config) == "skip" and name in read:
            headline = f"`missing: skip` leaves out what `{name}` lacks, and the network reads `{name}`"
            is_category = config.type_name() == "category"
            help = "`other` takes it for a class" if is_category else "`mean`, `median`, a number or `indicator` fill the gap"
            report.add("conflicting-keys", headline, at=_place(name), help=help)


def check_weights(spec: Spec, report: Report) -> None:
    """Warn of weights that no loss, in any stage, goes by."""
    named = {loss.example_weights for train in spec.stages for loss in train.loss or ()}
    for name, config in (spec.data.fields if spec.data else {}).items():
        if config.type_name() == "weight" and name not in named:
            help = f"write `example_weights: {name}` in the loss that it is for, or leave the field out"
            headline = f"`{name}` says how much each row counts, and no loss goes by it"
            report.add("unused-weight", headline, at=Place(("data", "fields", name), "key"), help=help, severity="warning")


def check_target(loss: Objective, fields: Mapping[str, Field], report: Report) -> bool:
    """Whether a loss judges a field without marks of its gaps."""
    name = loss.target.value
    if name not in fields or _missing(fields[name]) != "indicator":
        return True
    if not report.blames(_place(name).path):
        headline = f"`missing: indicator` puts marks behind `{name}`, which is a target"
        report.add("conflicting-keys", headline, at=_place(name), help="write `skip`: losses and metrics leave out what is missing")
    return False


def _missing(config: Field) -> object:
    return getattr(config, "missing", "refuse")


def _place(name: str) -> Place:
    return Place(("data", "fields", name, "missing"))
