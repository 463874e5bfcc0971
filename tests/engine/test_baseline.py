"""The linear baseline: what is asked for is computed, and well, or refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler

from nnrun.runner.compiler.check import check
from nnrun.runner.engine.training.baselines.baseline import Baseline, baseline
from tests.compiler.support import headlines
from tests.engine.support import build

HEAD = """
nnrun: 1
name: test
data:
  source: {source: csv, file: data.csv}
  fields: FIELDS
  split: {valid: 0.25, test: 0.25, stratify: false, chronological: true}
"""

TEXTS = (
    HEAD.replace("FIELDS", "{text: {type: text}, x: {type: number}, y: {type: number}}")
    + """
nodes: {embed: {type: embedding, units: 2}, mean: {type: pool_time}, out: {type: linear, units: 1}}
edges: [text -> embed -> mean -> out]
train: {loss: {type: mse, input: out, target: y}}
metrics: [rmse]
track: {baseline: linear}
"""
)

PIXELS = (
    HEAD.replace("FIELDS", "{image: {type: image, size: [10, 10], channels: 1}, y: {type: category}}")
    + """
nodes: {flat: {type: flatten}, out: {type: linear, units: y}}
edges: [image -> flat -> out]
train: {loss: {type: cross_entropy, input: out, target: y}}
metrics: [accuracy, log_loss]
track: {baseline: linear}
"""
)

LABELS = """
nnrun: 1
name: test
data:
  source: {source: csv, file: data.csv}
  fields: {x: {type: series}, y: {type: category, along: x, classes: [a, b]}}
nodes: {cell: {type: gru, units: 3}, out: {type: linear, units: y}}
edges: [x -> cell -> out]
train: {loss: {type: cross_entropy, input: out, target: y}}
metrics: [accuracy]
track: {baseline: linear}
"""


def fitted(text: str, columns: dict[str, Any]) -> Baseline:
    built = build(text, columns)
    found = baseline(built.plan, built.data, built.plan.spec.track)
    assert found is not None
    return found


def opinions() -> dict[str, Any]:
    """Texts whose number is the sum of their words' and some noise."""
    rng = np.random.default_rng(0)
    words, worth = [f"word{index}" for index in range(30)], rng.normal(size=30)
    picks = rng.integers(0, 30, (400, 6))
    return {
        "text": [" ".join(words[index] for index in row) for row in picks],
        "x": rng.normal(size=400).tolist(),
        "y": (worth[picks].sum(1) + rng.normal(size=400)).tolist(),
    }


def test_a_number_is_told_from_a_text_by_ridge_regression_on_its_words() -> None:
    columns = opinions()
    found, y = fitted(TEXTS, columns), np.array(columns["y"])
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True).fit(columns["text"][:200])
    x = vectorizer.transform(columns["text"])
    models = [Ridge(alpha).fit(x[:200], y[:200]) for alpha in (0.01, 0.1, 1, 10, 100)]
    errors = [float(np.square(model.predict(x[300:]) - y[300:]).mean()) ** 0.5 for model in models]

    assert found.name == "TF-IDF and ridge regression"
    assert min(abs(found.figures["test/baseline_rmse"] - error) for error in errors) < 1e-4
    assert found.figures["test/baseline_rmse"] < 0.8 * y[300:].std()


def test_a_text_and_a_number_are_weighed_together() -> None:
    columns = opinions()
    columns["y"] = (np.array(columns["y"]) + 10 * np.array(columns["x"])).tolist()
    both = TEXTS.replace("edges: [text", "edges: [x -> out, text")

    assert fitted(both, columns).figures["test/baseline_rmse"] < 0.3 * fitted(TEXTS, columns).figures["test/baseline_rmse"]


def test_texts_without_words_are_taken_by_their_characters() -> None:
    rng = np.random.default_rng(0)
    numbers = rng.integers(0, 2, 400)
    columns = {"text": ["ab"[number] for number in numbers], "x": [0.0] * 400, "y": numbers.tolist()}

    assert fitted(TEXTS, columns).figures["test/baseline_rmse"] < 0.1


def test_trees_are_those_of_scikit_learn_stopped_where_the_validation_part_says() -> None:
    rng = np.random.default_rng(0)
    x, city = rng.normal(size=400), rng.choice(["a", "b", "c"], 400)
    y = np.sin(3 * x) + (city == "b") + 0.1 * rng.normal(size=400)
    spec = (
        HEAD.replace("FIELDS", "{x: {type: number}, city: {type: category}, y: {type: number}}")
        + """
nodes: {row: {type: tabular}, out: {type: linear, units: 1}}
edges: ["x, city -> row -> out"]
train: {loss: {type: mse, input: out, target: y}}
metrics: [rmse]
track: {baseline: boosting}
"""
    )
    found = fitted(spec, {"x": x.tolist(), "city": city.tolist(), "y": y.tolist()})
    read = np.column_stack([x, *((city == name).astype(float) for name in "abc")])
    errors = {}
    for rate in (0.05, 0.1):
        for leaves in (8, 31):
            model = HistGradientBoostingRegressor(learning_rate=rate, max_leaf_nodes=leaves, max_iter=300, early_stopping=False)
            model.fit(read[:200], y[:200])
            for chosen, tested in zip(model.staged_predict(read[200:300]), model.staged_predict(read[300:]), strict=True):
                errors[float(np.square(chosen - y[200:300]).mean())] = float(np.square(tested - y[300:]).mean()) ** 0.5

    assert found.name == "gradient-boosted trees"
    assert found.figures["test/baseline_rmse"] == pytest.approx(errors[min(errors)], rel=0.05)
    assert found.figures["test/baseline_rmse"] < 0.4 < y[300:].std()


def test_trees_tell_classes_and_no_texts() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(300, 2))
    y = (x[:, 0] * x[:, 1] > 0).astype(int)
    spec = (
        HEAD.replace("FIELDS", "{x: {type: vector, columns: [a, b]}, y: {type: category}}")
        + """
nodes: {out: {type: linear, units: y}}
edges: [x -> out]
train: {loss: {type: cross_entropy, input: out, target: y}}
metrics: [accuracy]
track: {baseline: boosting}
"""
    )
    found = fitted(spec, {"a": x[:, 0].tolist(), "b": x[:, 1].tolist(), "y": y.tolist()})
    assert found.figures["test/baseline_accuracy"] > 0.9  # no line parts them

    assert "`text` is a text: `linear` reads its words" in " ".join(headlines(TEXTS.replace("linear}", "boosting}")))


def test_pixels_are_scaled_and_the_strength_is_chosen_on_the_validation_part() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 400)
    images = rng.integers(0, 4, (400, 10, 10))  # dark pictures: their pixels differ by a hundredth
    images[:, 0, :3] += y[:, None]
    x = StandardScaler().fit(images.reshape(400, -1)[:200]).transform(images.reshape(400, -1))
    chances = {c: LogisticRegression(C=c, max_iter=1000).fit(x[:200], y[:200]).predict_proba(x) for c in (0.01, 0.1, 1, 10, 100)}
    lost = {c: -np.log(np.maximum(chance[np.arange(400), y], 1e-6)) for c, chance in chances.items()}
    best = min(lost, key=lambda c: float(lost[c][200:300].mean()))

    found = fitted(PIXELS, {"image": list(images.astype("uint8")), "y": [str(label) for label in y]})

    assert best < 1
    assert found.figures["test/baseline_log_loss"] == pytest.approx(float(lost[best][300:].mean()), abs=1e-3)
    assert found.figures["test/baseline_log_loss"] < float(lost[1][300:].mean()) - 0.1


OTHER = "nodes: {other: {type: formula, is: 2 * out}, "


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (LABELS, "gives one answer for an example, and `y` is a category, one of 2 at each tick of `x`"),
        (PIXELS.replace("metrics: [accuracy, log_loss]", ""), "is judged by `metrics`, and there are none"),
        (PIXELS.replace("[accuracy,", "[{type: accuracy, input: other},").replace("nodes: {", OTHER), "`accuracy` judges `other`"),
    ],
)
def test_a_linear_baseline_that_cannot_be_fitted_is_refused_before_the_training(text: str, why: str) -> None:
    found = headlines(text)

    assert len(found) == 1
    assert why in found[0]


def test_a_simple_baseline_needs_nothing() -> None:
    assert check(LABELS.replace("linear}\n", "simple}\n")).report.ids == []
