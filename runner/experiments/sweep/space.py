"""What a sweep searches: the settings of its trials, and the figure that decides."""

from __future__ import annotations

import hashlib
import itertools
import json
from typing import Any

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.trial import Trial

from nnrun.registry.objective import Metric
from nnrun.runner.compiler.language.sweep import Choices, Search, Sweep
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.compiler.resolved import resolved
from nnrun.runner.compiler.swept import setting
from nnrun.runner.compiler.text.source import plain

TRIALS = 20
"""Trials where a spec says nothing."""

DIGITS = 4
"""Of a number that is drawn from a range: more would be noise, and nobody can read them."""


def distribution(path: str, choices: Choices) -> CategoricalDistribution | IntDistribution | FloatDistribution:
    """How one setting is drawn. Listed values are known by their texts, for they may be lists and mappings."""
    if choices.values is not None:
        return CategoricalDistribution([_text(path, value) for value in choices.values])
    assert choices.ends is not None
    low, high = choices.ends
    if choices.is_whole:
        return IntDistribution(low, high - (high - low) % (choices.step or 1), log=choices.log is not None, step=choices.step or 1)
    return FloatDistribution(low, high, log=choices.log is not None, step=choices.step)


def suggest(trial: Trial, over: dict[str, Choices]) -> None:
    """Draw all settings of a trial; those that it has already stay."""
    for path, choices in over.items():
        drawn = distribution(path, choices)
        if isinstance(drawn, CategoricalDistribution):
            trial.suggest_categorical(path, drawn.choices)
        elif isinstance(drawn, IntDistribution):
            trial.suggest_int(path, drawn.low, drawn.high, step=drawn.step, log=drawn.log)
        else:
            trial.suggest_float(path, drawn.low, drawn.high, step=drawn.step, log=drawn.log)


def settings(params: dict[str, Any], over: dict[str, Choices]) -> tuple[str, ...]:
    """The settings of a trial as `--set` takes them."""
    return tuple(
        f"{path}={params[path]}" if choices.values is not None else setting(path, _rounded(params[path], choices))
        for path, choices in over.items()
    )


def in_grid(over: dict[str, Choices], number: int) -> dict[str, Any]:
    """The settings of a grid that are trial `number`, in the order of the spec: the last setting changes fastest."""
    values = itertools.product(*(_all(path, choices) for path, choices in over.items()))
    return dict(zip(over, next(itertools.islice(values, number, None)), strict=True))


def sampler(search: Search, number: int) -> BaseSampler:
    """What draws the settings of trial `number`. It depends on nothing else, so that a sweep that goes on draws nothing twice."""
    seed = int.from_bytes(hashlib.sha256(f"{search.seed}/{number}".encode()).digest()[:4], "big")
    return TPESampler(seed=seed) if search.type == "tpe" else RandomSampler(seed=seed)


def total(sweep: Sweep, trials: int | None) -> int:
    """How many trials there are to be; `trials` is what the command asks for."""
    wanted = trials or sweep.search.trials
    if sweep.search.type == "grid":
        return min(wanted or sweep.grid, sweep.grid)
    return wanted or TRIALS


def objective(plan: Plan) -> tuple[str, bool]:
    """The figure that decides, and whether it should be high: that of the sweep, else what a run keeps its best weights by."""
    sweep, train = plan.spec.sweep, plan.spec.train
    assert sweep is not None
    assert train is not None
    if sweep.figure is not None:
        return sweep.figure, sweep.maximize is not None
    metrics = {metric.config.label: metric.config for metric in plan.metrics if isinstance(metric.config, Metric)}
    if train.early_stopping is not None:
        label = train.early_stopping.monitor.partition("/")[2]
    else:
        label = next(iter(metrics), "loss") if plan.losses else "loglik"
    return f"valid/{label}", metrics[label].higher_is_better if label in metrics else not plan.losses


def identity(plan: Plan, address: str | None) -> str:
    """What tells a sweep from others: the spec by meaning, and all of its sweep but how many trials it has."""
    sweep = plan.spec.sweep
    assert sweep is not None
    spec = {key: value for key, value in resolved(plan).items() if key != "description"}
    searched = sweep.model_dump(mode="json")
    del searched["search"]["trials"]
    text = json.dumps([spec, searched, address], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def value_of(setting: str) -> tuple[str, Any]:
    """The path of a setting, and its value where that is plain."""
    path, _, text = setting.partition("=")
    return path, plain(text)


def _all(path: str, choices: Choices) -> list[Any]:
    if choices.values is not None:
        return [_text(path, value) for value in choices.values]
    assert choices.range is not None
    low, high = choices.range
    step = choices.step or 1
    count = int((high - low) / step + 1e-9) + 1
    return [low + step * number for number in range(count)]


def _text(path: str, value: Any) -> str:
    return setting(path, value).partition("=")[2]


def _rounded(value: Any, choices: Choices) -> Any:
    """A number as people write it, within its range."""
    if isinstance(value, int):
        return value
    assert choices.ends is not None
    low, high = choices.ends
    return min(max(float(f"{value:.{DIGITS}g}"), float(low)), float(high))
