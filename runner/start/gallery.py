"""The specs that come with nnrun, to start from under another name."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

from nnrun.runner.start.written import flow

BLANK = """\
{schema}
# A first experiment: handwritten digits, 8x8 pixels each. `nnrun explain KEY` tells what a key does, `nnrun nodes` what else there is.
nnrun: 1                                # version of the language
name: {name}
description: One hidden layer between the pixels and the ten digits.

data:
  source: digits                        # comes with scikit-learn; `nnrun new NAME --data FILE` reads a file of your own
  fields:
    image: {{type: image}}                # what the network reads
    digit: {{type: category}}             # what it is to say
  split: {{train: 0.7, valid: 0.1, test: 0.2}}

nodes:
  flat:   {{type: flatten}}               # 8x8 pixels in a row: 64 numbers
  hidden: {{type: linear, units: 64, activation: relu}}
  scores: {{type: linear, units: digit}}  # as many as there are digits

edges:
  - image -> flat -> hidden -> scores

train:
  loss: {{type: cross_entropy, input: scores, target: digit}}
  optimizer: {{type: adam, lr: 0.003}}    # try `--set train.optimizer.lr=0.01`, or `nnrun find-lr`
  epochs: 20
  early_stopping: {{monitor: valid/accuracy, patience: 5}}

metrics: [accuracy, f1]
track: {{baseline: linear}}               # what the result stands beside: logistic regression on the pixels
"""

SCHEMA = "# yaml-language-server: $schema=spec.schema.json"
"""The first line of a spec: editors look there for what may stand in it."""


def gallery() -> dict[str, Path]:
    """The specs that come with nnrun, by name."""
    folder = Path(str(files("nnrun") / "specs"))
    return {file.stem: file for file in sorted(folder.glob("*.yaml"))}


def renamed(text: str, name: str) -> str:
    """A spec as an experiment of another name."""
    return re.sub(r"^name: .*$", f"name: {flow(name)}", text, count=1, flags=re.MULTILINE)


def blank(name: str) -> str:
    """A small spec that explains itself."""
    return BLANK.format(schema=SCHEMA, name=flow(name))
