"""A resolved spec is one: what it says checks, and says the same again. Recorded networks are loaded from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from nnrun.registry.catalog import Lookup
from nnrun.registry.field import Field
from nnrun.runner.compiler.check import check
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.compiler.resolved import plain, resolved_text
from nnrun.runner.compiler.text.diagnostic import Report
from nnrun.runner.compiler.text.source import dump, load_document
from tests.contract import test_fields, test_losses, test_metrics, test_optimizers, test_schedules, test_text_metrics
from tests.contract.node_rows import all_rows
from tests.served.models import KINDS
from tests.test_gallery import SPECS


def plan_of(text: str) -> Plan:
    checked = check(text)
    assert checked.plan is not None, [finding.headline for finding in checked.report]
    return checked.plan


def assert_stays(text: str) -> None:
    plan = plan_of(text)
    said = resolved_text(plan)
    again = plan_of(said)

    assert resolved_text(again) == said
    assert str(again) == str(plan)


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_a_spec_of_the_gallery_stays_what_it_is(path: Any) -> None:
    assert_stays(path.read_text())


@pytest.mark.parametrize("kind", KINDS)
def test_a_spec_of_every_kind_stays_what_it_is(kind: str) -> None:
    assert_stays(KINDS[kind].spec)


def rows() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Components of every role, with options other than the usual ones."""
    yield from (("field", row.config) for row in test_fields.ROWS)
    yield from (("field", {**row.config, option: value}) for row, option, value in test_fields.CHANGES)
    yield from (("node", row.config) for row in all_rows())
    yield from (("node", {**row.config, option: value}) for row in all_rows() for option, some in row.changes.items() for value in some)
    for row in (*test_losses.ROWS, *test_metrics.ROWS, *test_text_metrics.ROWS):
        role, ends = ("loss", test_losses.ends(row.config["type"])) if isinstance(row, test_losses.Row) else ("metric", {})
        yield from ((role, {**row.config, **ends, **change}) for change in ({}, *({name: value} for name, value in row.changes.items())))
    yield from (("schedule", {**config, **test_schedules.CHANGES[config["type"]]}) for config, _ in test_schedules.ROWS)
    for type, (_, changes) in test_optimizers.ROWS.items():
        for left_out in ("dampening", "nesterov"):  # they exclude each other
            yield "optimizer", {"type": type, **{name: value for name, value in changes.items() if name != left_out}}
    yield "learner", {"type": "contrastive_divergence", "steps": 5, "persistent": True, "chains": 7, "centred": False, "tempering": 4}
    yield "source", {"source": "csv", "file": "a.csv", "delimiter": "\t", "header": False, "encoding": "latin-1"}
    yield "source", {"source": "parquet", "files": {"train": "a.parquet", "test": "b.parquet"}}


@pytest.mark.parametrize(("role", "config"), list(rows()), ids=str)
def test_a_component_with_any_option_stays_what_it_is(role: str, config: Mapping[str, Any]) -> None:
    component = Lookup(role).validate(dict(config))
    report = Report()
    read = load_document(dump(plain(component)), "resolved", report).value
    again = Lookup(role).validate(read)

    assert not len(report)
    assert (again, plain(again)) == (component, plain(component))
    if isinstance(component, Field) and isinstance(again, Field):
        assert again.shape("it") == component.shape("it")


WRITER = KINDS["writer"].spec
CHANGES = [
    (WRITER, "data.fields.said.tokens=bytes"),
    (WRITER, "data.fields.said.tokens=own/tokenizer.json"),
    (WRITER, "data.fields.answer.tokens=bytes"),
    (WRITER, "data.fields.answer={type: text, tokens: characters, vocabulary: 90, min_count: 2, lower: true, max_length: 9}"),
    (WRITER, "decode={word: {search: beam, width: 4, n_best: 3, length_penalty: 0.6, prune: 9.5, max_length: 7}}"),
    (WRITER, "decode={word: {search: sample, temperature: 0.7, top_k: 9, top_p: 0.5, n_best: 2}}"),
    (WRITER, "train.steps=7"),
    (WRITER, "train.optimizer={type: sgd, lr: 1.0e-30, momentum: 0.9, nesterov: true}"),
    (WRITER, "train.early_stopping={monitor: valid/loss, patience: 2, min_delta: 0.25}"),
    (WRITER, "train.schedule={type: one_cycle, rise: 0.5}"),
    (WRITER, "data.split={by: part}"),
    (WRITER, "data.split={train: 0.3, valid: 0, test: 0.5, chronological: true, seed: 9}"),
    (WRITER, "data.split={train: a.csv, test: b.csv}"),
    (WRITER, "metrics=[exact_match, {type: bleu, tokenize: char}]"),
    (KINDS["text"].spec, "data.fields.name.classes=[0, 1, true]"),
    (KINDS["text"].spec, 'data.fields.name.classes=["01", "1", "1.0", "true", "null", "~", "1e3"]'),
    (KINDS["text"].spec, "data.split={stratify: false}"),
    (KINDS["series"].spec, "data.window={length: 6, horizon: 3, stride: 2}"),
    (KINDS["prompt"].spec, "data.window={length: 6, stride: 3}"),
    (KINDS["image"].spec, "data.fields.image.augment={shift: 2, flip: vertical}"),
    (KINDS["image"].spec, "data.fields.image.binarize=0.25"),
]


@pytest.mark.parametrize(("text", "setting"), CHANGES, ids=[setting for _, setting in CHANGES])
def test_a_changed_spec_stays_what_it_is(text: str, setting: str) -> None:
    checked = check(text.replace("  file: none.csv\n", "") if "a.csv" in setting else text, settings=[setting])
    assert checked.plan is not None, [finding.headline for finding in checked.report]

    assert_stays(resolved_text(checked.plan))
    assert str(plan_of(resolved_text(checked.plan))) == str(checked.plan)
