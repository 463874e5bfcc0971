"""What `sweep` tries, tried out: each listed value and each end of a range is set, and the spec checked with it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from nnrun.registry.catalog import Broken
from nnrun.registry.training import Learner
from nnrun.runner.compiler.language.spec import Spec
from nnrun.runner.compiler.language.sweep import Choices, Sweep
from nnrun.runner.compiler.text.diagnostic import Diagnostic, Path, Place, Report
from nnrun.runner.compiler.text.document import Document
from nnrun.runner.compiler.text.source import plain
from nnrun.runner.compiler.text.words import listed, repair, shown

MOST = 60
"""Values that are tried out; each costs as much as a check without a sweep."""

WORK = 12_000
"""Nodes and edges that are looked at again, all values together: of a large graph fewer values are tried out."""

OWN = ("sweep", "name", "nnrun")
"""Keys that are the same in all trials of a sweep."""

Retry = Callable[[str], Report]
"""What is found in the spec with one more `path=value`."""


def check_sweep(spec: Spec, document: Document, report: Report, retry: Retry, size: int) -> None:
    """Report what is wrong with the paths, values and figures of a sweep, each at its place; `size` is that of the graph."""
    sweep = spec.sweep
    if sweep is None:
        return
    _check_figure(spec, sweep, report)
    _check_folds(spec, sweep, report)
    _check_grid(sweep, report)
    known = {(finding.id, finding.headline) for finding in report}
    left = most = max(1, min(MOST, WORK // max(1, size)))
    for path, choices in sweep.over.items():
        at = ("sweep", "over", path)
        if _is_odd(path, choices, sweep, report):
            continue
        for place, value in _values(choices, document, at):
            if left == 0 and most == MOST:
                return
            if left == 0:
                headline = f"of a graph this large the first {most} of the values are tried out by a check, and there are more"
                report.add("too-large", headline, at=Place(("sweep", "over"), "key"), severity="warning")
                return
            left -= 1
            errors = (one for one in retry(setting(path, value)) if one.severity == "error")
            new = next((one for one in errors if (one.id, one.headline) not in known), None)
            if new is None:
                continue
            if new.id in ("bad-override", "unknown-key", "bad-name", "missing-key"):
                report.add(new.id, _worded(new.headline), at=Place(at, "key"), help=_worded(new.help))
                break
            help = new.help if shown(value) in new.headline else f"`{path}` is {shown(value)} there" + (f"; {new.help}" if new.help else "")
            report.add(new.id, new.headline, at=place, help=help, notes=_notes(new, path))


def setting(path: str, value: Any) -> str:
    """The `path=value` that gives a setting one of its values."""
    is_word = isinstance(value, str) and re.fullmatch(r"[A-Za-z_][\w./-]*", value) is not None and plain(value) == value
    return f"{path}={value if is_word else json.dumps(value, ensure_ascii=False)}"


def _check_folds(spec: Spec, sweep: Sweep, report: Report) -> None:
    """A trial is one training."""
    if spec.data is not None and spec.data.split.is_folded and "data.split.fold" not in sweep.over:
        headline = f"a trial of a sweep is one run, and `folds: {spec.data.split.folds}` makes as many of it"
        notes = [(Place(("sweep",), "key"), "the sweep")]
        help = "write `fold: 1` beside it, or leave out one of both"
        report.add("conflicting-keys", headline, at=Place(("data", "split", "folds"), "key"), notes=notes, help=help)


def _is_odd(path: str, choices: Choices, sweep: Sweep, report: Report) -> bool:
    """Whether a path, or what it is to take, is no use as it is."""
    at = Place(("sweep", "over", path), "key")
    if path.partition(".")[0] in OWN:
        report.add("bad-override", f"`{path}` is the same in all trials of a sweep", at=at, help="for example `train.optimizer.lr`")
    elif path == "train.seed" and sweep.repeat > 1:
        help = "leave `repeat` out to search a seed, or `train.seed` to have the mean over seeds"
        report.add(
            "conflicting-keys",
            "`over` takes no `train.seed` beside `repeat`, which gives the runs of a trial their seeds",
            at=at,
            help=help,
        )
    else:
        twice = [text for text, count in Counter(setting(path, value) for value in choices.values or ()).items() if count > 1]
        if twice:
            report.add(
                "conflicting-keys", f"`{path}` takes each value once, got {twice[0].partition('=')[2]} twice", at=at, help="leave one out"
            )
        return bool(twice)
    return True


def _check_grid(sweep: Sweep, report: Report) -> None:
    """A grid ends where all that it goes through does."""
    endless = [path for path, choices in sweep.over.items() if not choices.is_finite] if sweep.search.type == "grid" else []
    if endless:
        which = f"{listed(endless)} {'has' if len(endless) == 1 else 'have'} no end of them"
        first, *others = (Place(("sweep", "over", path), "key") for path in endless)
        help = "list the values, or write a `range` with `step`; `search: random` tries some of any range"
        notes = [(other, "no end either") for other in others]
        report.add("conflicting-keys", f"a `grid` goes through all values, and {which}", at=first, notes=notes, help=help)


def _values(choices: Choices, document: Document, at: Path) -> Iterator[tuple[Path, Any]]:
    """The values to try, each with its place."""
    if choices.values is not None:
        listed = at if isinstance(document.at(at), list) else (*at, "values")
        yield from (((*listed, number), value) for number, value in enumerate(choices.values))
    elif choices.ends is not None:
        yield from (((*at, "log" if choices.log else "range", number), value) for number, value in enumerate(choices.ends))


def _worded(text: str) -> str:
    """Words about a `--set` as words about a path."""
    return re.sub(r"`--set '?([^=`]+)=[^`]*`", r"`\1`", text)


def _notes(finding: Diagnostic, path: str) -> list[tuple[Place, str]]:
    """Where the spec meets the value, where that is elsewhere than at the path itself."""
    steps = tuple(int(step) if step.isdecimal() else step for step in path.split("."))
    return [] if finding.at.path[: len(steps)] == steps else [(replace(finding.at, start=None, end=None), "found here")]


def _check_figure(spec: Spec, sweep: Sweep, report: Report) -> None:
    """The figure that decides is one that the run measures."""
    learner = spec.train.learner if spec.train else None
    better = {name: name != "loss" for name in (learner.figures if isinstance(learner, Learner) else ("loss",))}
    better |= {metric.label: metric.higher_is_better for metric in spec.metrics or () if not isinstance(metric, Broken)}
    figure = sweep.figure
    if figure is None:
        return
    label, at = figure.partition("/")[2], ("sweep", "maximize" if sweep.maximize else "minimize")
    if any(report.blames(("sweep", key)) for key in ("maximize", "minimize")):
        return
    if label in better and better[label] != (at[1] == "maximize"):
        right, how = ("maximize", "higher") if better[label] else ("minimize", "lower")
        headline = f"`{at[1]}` would keep the worst trial: `{label}` is better the {how}"
        report.add("conflicting-keys", headline, at=Place(at, "key"), help=f"write `{right}: {figure}`")
    elif label not in better and not report.blames(("metrics",)):
        help = repair(figure, [f"valid/{known}" for known in better], "figure")
        report.add("unknown-name", f"no figure is named `{figure}`", at=at, help=help)
