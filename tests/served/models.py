"""A network of every kind as MLflow's model, with what it may be asked. They are not trained: any answer must be the same everywhere."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image

from nnrun.runner.answers.predict import Said, predict_file
from nnrun.runner.answers.written import Pieces, text_of
from nnrun.runner.record.model import record_network
from nnrun.runner.tracking.recorder import Recorder
from nnrun.runner.tracking.runs import model_folder
from nnrun.runner.tracking.spawn import Sidecar
from nnrun.runner.tracking.store import Store
from tests.engine.support import build
from tests.engine.test_gaps import SPEC as GAPS
from tests.engine.test_gaps import table

RNG = np.random.default_rng(5)
PIXELS = RNG.integers(0, 256, (30, 6, 5), dtype=np.uint8)
FILMS = RNG.integers(0, 256, (30, 4, 6, 5), dtype=np.uint8)
NAMES = ["01", "1", "02"] * 10
"""Three classes, two of which would be one as numbers."""
DAYS = [f"2024-01-{day:02}" for day in range(1, 32)] + [f"2024-02-{day:02}" for day in range(1, 10)]
WORDS = [f"{first} {second} film" for first in ("good", "dull", "long") for second in "abcdefghij"]


def spec(fields: str, nodes: str, edges: str, judged: str, *more: str) -> str:
    """A spec of a few lines."""
    lines = ["nnrun: 1", "name: asked", "data:", "  source: csv", "  file: none.csv", f"  fields: {{{fields}}}"]
    loss = f"train: {{loss: {{{judged}}}}}"
    return "\n".join([*lines, *(f"  {line}" for line in more), f"nodes: {{{nodes}}}", f"edges: [{edges}]", loss]) + "\n"


def scores(target: str, type: str = "cross_entropy") -> str:
    return f"type: {type}, input: out, target: {target}"


@dataclass(frozen=True)
class Kind:
    """A spec, the data it is trained on, and rows to ask about: columns as a client has them."""

    spec: str
    data: Mapping[str, Any]
    asked: Mapping[str, Sequence[Any]]


PICTURE = "image: {type: image, size: [6, 5], channels: 1}, name: {type: category}"
KINDS = {
    "image": Kind(
        spec(PICTURE, "flat: {type: flatten}, out: {type: linear, units: name}", "image -> flat -> out", scores("name")),
        {"image": PIXELS, "name": NAMES},
        {"image": PIXELS[:4].tolist()},
    ),
    "text": Kind(
        spec(
            "said: {type: text}, name: {type: category}",
            "seen: {type: embedding, units: 4}, end: {type: last}, out: {type: linear, units: name}",
            "said -> seen -> end -> out",
            scores("name"),
        ),
        {"said": WORDS, "name": NAMES},
        {"said": ["a good film", "dull", "so long , so long"]},
    ),
    "table": Kind(
        spec(
            "size: {type: vector, columns: [height, width], normalize: standard}, code: {type: category}, age: {type: number}, "
            "price: {type: number, normalize: standard}",
            "seen: {type: embedding, units: 3}, out: {type: linear, units: 1}",
            "size -> out, code -> seen -> out, age -> out",
            scores("price", "mse"),
        ),
        {"height": range(30), "width": range(30, 60), "code": NAMES, "age": range(30), "price": [3.5 * row for row in range(30)]},
        {"height": [1, 2.5, 3], "width": [4, 5, 6], "code": ["01", "1", "02"], "age": [7, 8, 9]},
    ),
    "messy": Kind(
        GAPS,
        table(60),
        {
            "a": [1.0, None, 0.5],
            "b": ["0,5", "", "1"],
            "c": [None, None, 2.0],
            "d": ["NA", "1.5", ""],
            "city": ["Oslo", None, "Bonn"],
        },
    ),
    "series": Kind(
        spec(
            "level: {type: series, normalize: standard}",
            "flat: {type: flatten_time}, out: {type: linear, units: 1}",
            "level -> flat -> out",
            scores("level.next", "mse"),
            "window: {length: 4}",
        ),
        {"level": [float(row % 7) for row in range(30)]},
        {"level": [1, 2, 3.5, 4, 5, 6, 5]},
    ),
    "ahead": Kind(
        spec(
            "level: {type: series, normalize: standard}, day: {type: date, parts: [weekday], along: level}",
            "flat: {type: flatten_time}, steps: {type: linear, units: 3}, laid: {type: unflatten_time}, "
            "usual: {type: linear, units: 1}, out: {type: add}",
            "flat -> steps -> laid -> out, level -> flat, level.next -> laid.along, day.next -> usual -> out",
            scores("level.next", "mse"),
            "window: {length: 4, horizon: 1..3}",
        ),
        {"level": [float(row % 7) for row in range(40)], "day": DAYS},
        {"level": [1, 2, 3.5, 4, 5, None, None, None], "day": DAYS[:8]},
    ),
    "writer": Kind(
        spec(
            "said: {type: text}, answer: {type: text}",
            "read: {type: embedding, units: 6}, heard: {type: gru, units: 8}, put: {type: embedding, units: 6}, "
            "told: {type: gru, units: 8}, out: {type: linear, units: answer}, word: {type: choice, target: answer}",
            "said -> read -> heard, heard.state -> told.initial, prev(word) -> put -> told -> out -> word",
            scores("answer"),
        ),
        {"said": WORDS, "answer": WORDS[::-1]},
        {"said": ["a good film", "dull"]},
    ),
    "transcript": Kind(
        spec(
            "path: {type: series, size: 2}, said: {type: text, tokens: characters}",
            "heard: {type: gru, units: 8}, out: {type: linear, units: said}, word: {type: transcript, target: said}",
            "path -> heard -> out -> word",
            scores("said", "ctc"),
        ),
        {"path": [[[0.5, row], [1.0, 2.0], [row, 0.0]] for row in range(30)], "said": ["ab", "b", "ca"] * 10},
        {"path": [[[0.5, 1], [1, 2]], [[1, 1], [2, 2], [3, 3]]]},
    ),
    "prompt": Kind(
        spec(
            "said: {type: text, tokens: characters}",
            "put: {type: embedding, units: 6}, told: {type: gru, units: 8}, out: {type: linear, units: said}, "
            "word: {type: choice, target: said}",
            "prev(word) -> put -> told -> out -> word",
            scores("said"),
            "window: {length: 8}",
        ),
        {"said": WORDS},
        {"prompt": ["a good", "dull"]},
    ),
    "mask": Kind(
        spec(
            "image: {type: image, size: [6, 5], channels: 1}, areas: {type: mask, size: [6, 5], classes: [dark, bright]}",
            "out: {type: conv, filters: 2, kernel: 3, padding: same}",
            "image -> out",
            scores("areas"),
        ),
        {"image": PIXELS, "areas": (PIXELS > 99).astype("uint8")},
        {"image": PIXELS[:3].tolist()},
    ),
    "film": Kind(
        spec(
            "film: {type: video}, name: {type: category}",
            "flat: {type: flatten}, end: {type: last}, out: {type: linear, units: name}",
            "film -> flat -> end -> out",
            scores("name"),
        ),
        {"film": FILMS, "name": NAMES},
        {"film": [film.tolist() for film in FILMS[:2]] + [FILMS[2, :2].tolist()]},
    ),
    "machine": Kind(
        spec(
            "image: {type: image, size: [6, 5], channels: 1, binarize: 0.5}",
            "seen: {type: binary_units}, hidden: {type: binary_units, units: 7}",
            "image -> seen, seen <-> hidden",
            "",
        ).replace("{loss: {}}", "{learner: contrastive_divergence}"),
        {"image": PIXELS},
        {"image": PIXELS[:3].tolist()},
    ),
    "tags": Kind(
        spec(
            "words: {type: text, tokens: given}, tags: {type: category, along: words}",
            "seen: {type: embedding, units: 4}, told: {type: lstm, units: 4, bidirectional: true}, out: {type: linear, units: tags}",
            "words -> seen -> told -> out",
            scores("tags"),
        ),
        {"words": [text.split() for text in WORDS], "tags": [["B-praise", "I-praise", "O"]] * 30},
        {"words": [["a", "good", "film"], ["dull"], ["so", "long", ",", "so", "long"]]},
    ),
    "ticks": Kind(
        spec(
            "path: {type: series, size: 2}, step: {type: category, along: path}, name: {type: category}",
            "seen: {type: embedding, units: 3}, both: {type: concat}, told: {type: gru, units: 4}, end: {type: last}, "
            "out: {type: linear, units: name}",
            "path -> both, step -> seen -> both, both -> told -> end -> out",
            scores("name"),
        ),
        {"path": [[[0.5, row], [1.0, 2.0]] for row in range(30)], "step": [["01", "1"], ["1", "01"]] * 15, "name": NAMES},
        {"path": [[[0.5, 1], [1, 2]], [[1, 1], [2, 2], [3, 3]]], "step": [["01", "1"], ["1", "1", "01"]]},
    ),
}


@dataclass(frozen=True)
class Recorded:
    """A network among MLflow's models."""

    kind: Kind
    folder: Path
    """Of the model as MLflow has it."""
    rows: list[dict[str, Any]]
    """What is asked, row by row."""
    answers: list[dict[str, Any]]
    """What `nnrun predict` answers for a file of these rows."""


def record(name: str, store: Store, sidecar: Sidecar, place: Path) -> Recorded:
    """Record a network as a run does, and ask it as the command does."""
    kind = KINDS[name]
    built = build(kind.spec, kind.data)
    recorder = Recorder.start(store, sidecar, place / "outbox")
    recorder.open("asked", name, {}, {})
    record_network(recorder, built.plan, built.network, built.data.facts, built.data.train)
    delivered = recorder.finish("FINISHED")
    folder = model_folder(store, str(delivered.run_id)).parents[1]
    rows = [dict(zip(kind.asked, row, strict=True)) for row in zip(*kind.asked.values(), strict=True)]
    (place / f"{name}.json").write_text(json.dumps(rows))
    _, text = answered(folder, place / f"{name}.json")
    return Recorded(kind, folder, rows, json.loads(text))


def answered(run: Path, file: Path, form: Literal["csv", "json"] = "json") -> tuple[Said, str]:
    """What `nnrun predict` says of a file, and what it prints."""
    with Pieces() as pieces:
        said = predict_file(str(run), file, pieces, lists=form == "json")
        return said, "".join(text_of(pieces, form))


def write_picture(pixels: np.ndarray, path: Path) -> str:
    Image.fromarray(pixels).save(path)
    return str(path)
