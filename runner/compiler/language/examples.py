"""A short example of each section of a spec: what a finding shows where a mapping or a list is wanted, and `nnrun explain` prints."""

from __future__ import annotations

from collections.abc import Mapping

EXAMPLES: Mapping[str, str] = {
    "data": "{source: digits, fields: {image: {type: image}, digit: {type: category}}}",
    "source": "digits",
    "fields": "{image: {type: image}, digit: {type: category}}",
    "split": "{valid: 0.1, test: 0.1}",
    "window": "{length: 24}",
    "augment": "{shift: 1, flip: horizontal}",
    "nodes": "{flat: {type: flatten}, scores: {type: linear, units: digit}}",
    "edges": "[image -> flat -> scores]",
    "blocks": "{stage: {nodes: {look: {type: conv, filters: 8}}, edges: [input -> look -> output]}}",
    "parameters": "{filters: 16}",
    "with": "{filters: 16}",
    "train": "{loss: {type: cross_entropy, input: scores, target: digit}, epochs: 10}",
    "loss": "{type: cross_entropy, input: scores, target: digit}",
    "optimizer": "{type: adam, lr: 0.001}",
    "schedule": "{type: cosine}",
    "regularize": "{l2: 0.0001}",
    "average": "{decay: 0.999}",
    "early_stopping": "{monitor: valid/loss, patience: 3}",
    "metrics": "[accuracy, f1]",
    "decode": "{word: {search: beam, width: 8}}",
    "track": "{every: 50}",
    "tags": "{author: ada}",
    "sweep": "{search: {type: tpe, trials: 40}, maximize: valid/accuracy, over: {train.optimizer.lr: {log: [1e-4, 1e-1]}}}",
    "over": "{train.optimizer.lr: {log: [1e-4, 1e-1]}, train.batch_size: [16, 32, 64]}",
    "mask": "{type: grid, reach: 1}",
    "files": "{train: a.csv, test: b.csv}",
}
"""By key, the value as a spec writes it."""
