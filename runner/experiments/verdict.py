"""What a comparison has found, in words."""

from __future__ import annotations

from nnrun.runner.experiments.compare import Comparison, Pair
from nnrun.runner.experiments.figures import Measure


def verdict(found: Comparison) -> str:
    """One line: which is better, by how much, and whether that is more than chance."""
    if not found.pairs:
        return f"only one group, {found.sides[0].name}: there is nothing to compare it with"
    if len(found.pairs) == 1:
        return pair_verdict(found.pairs[0], found.measure)
    real, chance, open = ([pair for pair in found.pairs if _kind(pair) == kind] for kind in ("real", "chance", "open"))
    said = [f"more than chance better than {_names(real)}"] if real else []
    said += [f"within chance of {_names(chance)}"] if chance else []
    said += [f"against {_names(open)} nothing can be told"] if open else []
    return f"{found.best.name} has the {_top(found.measure)} {found.measure.label}: {'; '.join(said)}"


def pair_verdict(pair: Pair, measure: Measure) -> str:
    """The same of two groups."""
    if pair.tested is None:
        return _untold(pair, measure)
    tested, p = pair.tested, pair.p if pair.p is not None else pair.tested.p
    if pair.difference == 0 and tested.test in ("paired", "welch") and not tested.is_real:
        return f"{pair.best.name} and {pair.other.name} are equal in {measure.label}"
    says = _says(pair, measure)
    span = f"95 % {_span(pair, measure)}" if tested.low is not None else ""
    if tested.test in ("mcnemar", "bootstrap"):
        told = ", ".join(filter(None, [span if tested.test == "bootstrap" else "", f"p {p:.2g}"]))
        kind = "more than chance" if pair.is_real else "within chance"
        return f"{says}. They differ on {_examples(pair)}: {kind} ({told}). This says nothing of other seeds"
    seeds = f"{tested.count} seeds"
    if tested.test == "welch":
        seeds = f"{len(pair.best.group.counted)} and {len(pair.other.group.counted)} seeds, unpaired,"
    if pair.is_real:
        won = f"{_wins(pair, measure)} of {tested.count} seeds" if tested.test == "paired" else seeds.removesuffix(",")
        return ", ".join(filter(None, [says, span, won]))
    if tested.is_real:
        return f"{says} with {seeds} and alone more than chance ({span}), but not as one of several comparisons (p {p:.2g})"
    more = f"; about {tested.needed} seeds would show such a difference" if tested.needed else ""
    return f"{says}; with {seeds} this is within chance{f' ({span})' if span else ''}{more}"


def size(difference: float, measure: Measure) -> str:
    """A difference for people: in points where the figure is a share."""
    if measure.in_points:
        points = 100 * abs(difference)
        digits = 1 if points >= 0.1 or points == 0 else 2
        return f"{points:.{digits}f} points"
    return f"{abs(difference):.3g}"


def _says(pair: Pair, measure: Measure) -> str:
    if pair.difference == 0:
        return f"{pair.best.name} and {pair.other.name} are equal in {measure.label}"
    better = "larger" if measure.higher is None else "better"
    return f"{pair.best.name} is {size(pair.difference, measure)} {better} than {pair.other.name} in {measure.label}"


def _untold(pair: Pair, measure: Measure) -> str:
    more = ""
    if pair.needed is not None:
        more = f"; about {pair.needed} seeds of each would show such a difference"
    return f"{_says(pair, measure)}; whether by chance cannot be told: {pair.why_not}{more}"


def _span(pair: Pair, measure: Measure) -> str:
    """The interval as gains of the best: of a figure that should be small, a smaller one is a gain."""
    assert pair.tested is not None
    assert pair.tested.low is not None
    assert pair.tested.high is not None
    low, high = pair.tested.low, pair.tested.high
    if measure.higher is False:
        low, high = -high, -low
    factor, digits = (100, ".1f") if measure.in_points else (1, ".3g")
    return f"{low * factor:{digits}} to {high * factor:{digits}}"


def _wins(pair: Pair, measure: Measure) -> int | None:
    assert pair.tested is not None
    return pair.tested.losses if measure.higher is False else pair.tested.wins


def _examples(pair: Pair) -> str:
    tested = pair.tested
    assert tested is not None
    of = f"{tested.differing:,} of {tested.count:,} examples"
    if tested.wins is None or tested.losses is None:
        return of
    decided = tested.wins + tested.losses
    only = "" if decided == tested.differing else f"; on {decided:,} only one is right"
    return f"{of}{only}, {tested.wins} to {tested.losses}"


def _kind(pair: Pair) -> str:
    return "open" if pair.tested is None else "real" if pair.is_real else "chance"


def _names(pairs: list[Pair]) -> str:
    return ", ".join(pair.other.name for pair in pairs)


def _top(measure: Measure) -> str:
    return {True: "best", False: "best", None: "largest"}[measure.higher]
