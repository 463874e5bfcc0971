"""What tags addresses without a network: the commonest tag of each word, and logistic regression on each word and its neighbours.

    python tests/benchmarks/tags.py

The division of the data and the figures are those of `specs/tag_addresses.yaml`; how strong the penalty is, its validation part chooses.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import torch
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from nnrun.registry.metrics.entities import EntityF1
from nnrun.registry.shape import Shape
from nnrun.runner.compiler.check import check
from nnrun.runner.engine.data.dataset import prepare

SPEC = Path(__file__).parents[2] / "specs" / "tag_addresses.yaml"
REACH = 2
"""Words on each side that the regression reads."""

Rows = Sequence[Sequence[str]]


def features(words: Sequence[str], forms: Sequence[str]) -> Iterator[dict[str, float]]:
    """Of each word what it and its neighbours are, how they are written, and where it stands."""
    for place in range(len(words)):
        near = [other for other in range(place - REACH, place + REACH + 1) if 0 <= other < len(words)]
        said = {f"{other - place} {kind}={row[other].lower()}": 1.0 for other in near for kind, row in (("word", words), ("form", forms))}
        yield {**said, f"from the left {min(place, 3)}": 1.0, f"from the right {min(len(words) - place, 3)}": 1.0}


def figures(truth: Rows, guess: Rows, classes: Sequence[str]) -> str:
    metric, number = EntityF1(type="entity_f1"), {name: place for place, name in enumerate(classes)}
    said, true = (torch.tensor([number[tag] for tag in chain(*rows)]) for rows in (guess, truth))
    first = torch.tensor([place == 0 for row in truth for place in range(len(row))])
    meter = metric.build(Shape((len(classes),)), Shape(kind="category", classes=len(classes)))
    meter.update(*metric.prepare(torch.nn.functional.one_hot(said, len(classes)).float(), true, {"classes": classes}, first))
    return f"entity_f1 {float(meter.compute()):.3f}, accuracy {float((said == true).double().mean()):.3f}"


def main() -> None:
    plan = check(SPEC.read_text(), SPEC.name).plan
    assert plan is not None
    assert plan.spec.data is not None
    data = plan.spec.data
    columns = data.source.load(SPEC.parent, ["words", "forms", "tags"])["all"]  # type: ignore[union-attr]
    held = prepare(data, plan.fields, {"all": columns}, ["tags"])
    classes = held.facts["tags"]["classes"]
    assert held.valid is not None
    assert held.test is not None
    words, forms, tags = (
        {
            name: [columns[column][row] for row in part.rows.tolist()]
            for name, part in (("train", held.train), ("valid", held.valid), ("test", held.test))
        }
        for column in ("words", "forms", "tags")
    )

    known: dict[str, Counter[str]] = defaultdict(Counter)
    for word, tag in zip(chain(*words["train"]), chain(*tags["train"]), strict=True):
        known[word.lower()][tag] += 1
    ((usual, _),) = Counter(chain(*tags["train"])).most_common(1)
    guess = [[known[word.lower()].most_common(1)[0][0] if word.lower() in known else usual for word in row] for row in words["test"]]
    print(f"the commonest tag of each word: test {figures(tags['test'], guess, classes)}")

    taken = {name: [list(features(*row)) for row in zip(words[name], forms[name], strict=True)] for name in words}

    def answered(model: object, part: str) -> Rows:
        return [model.predict(row).tolist() for row in taken[part]]  # type: ignore[attr-defined]

    found = {}
    for strength in (1.0, 10.0, 30.0, 100.0, 300.0):
        model = make_pipeline(DictVectorizer(), LogisticRegression(C=strength, max_iter=1000))
        model.fit(list(chain(*taken["train"])), list(chain(*tags["train"])))
        judged = figures(tags["valid"], answered(model, "valid"), classes)
        print(f"logistic regression, C = {strength:g}: valid {judged}")
        found[judged] = model
    print(f"the best of these: test {figures(tags['test'], answered(found[max(found)], 'test'), classes)}")


if __name__ == "__main__":
    main()
