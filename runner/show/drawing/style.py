"""The colours of an SVG, on light and dark backgrounds. All rules begin with `.nnrun`, as a notebook has one style for all its pictures."""

from __future__ import annotations

from nnrun.runner.show.drawing.picture import BOXES, MARKS

LIGHT = {
    "paper": "#ffffff",
    "ink": "#1f2430",
    "soft": "#5b6270",
    "line": "#5b6270",
    "field": "#f6f1df",
    "node": "#ffffff",
    "sequence": "#e6eefb",
    "units": "#e9f6ec",
    "loss": "#fbe9e3",
    "loop": "#3d6fc4",
    "writing": "#8a55b8",
    "energy": "#2f8a4c",
    "block": "#8a8f99",
    "added": "#1a7f37",
    "gone": "#c62828",
    "changed": "#b26a00",
}
DARK = {
    "paper": "#14171c",
    "ink": "#eceff4",
    "soft": "#a9b1bd",
    "line": "#a9b1bd",
    "field": "#39341f",
    "node": "#22272f",
    "sequence": "#1f3350",
    "units": "#1d3a28",
    "loss": "#46281f",
    "loop": "#7da7ee",
    "writing": "#c79aef",
    "energy": "#6cc98a",
    "block": "#8a8f99",
    "added": "#5fd07a",
    "gone": "#ff8a80",
    "changed": "#ffb74d",
}

FRAMES = ("loop", "writing", "energy", "block")

FIXED = {
    "path": "fill:none;stroke-width:1.4",
    ".box": "stroke-width:1.1",
    ".delayed": "stroke-dasharray:5 4",
    ".choice": "stroke-dasharray:1.5 3.5;stroke-linecap:round",
    "path.symmetric": "stroke-width:2.4",
    ".frame": "fill-opacity:.05;stroke-width:1.2",
    ".frame.block": "stroke-dasharray:2 3",
    ".box.added,.nnrun .box.gone,.nnrun .box.changed": "stroke-width:2.4",
    ".box.gone": "stroke-dasharray:4 3",
}


def _coloured(colours: dict[str, str]) -> dict[str, str]:
    """What differs between light and dark."""
    rules = {f".{name}": f"fill:{colours[name]}" for name in ("paper", "ink", "soft")}
    rules |= {"path,.nnrun .box": f"stroke:{colours['line']}", ".head": f"fill:{colours['line']}"}
    rules |= {f".box.{kind}": f"fill:{colours[kind]}" for kind in BOXES}
    for kind in FRAMES:
        rules[f".frame.{kind}"] = f"fill:{colours[kind]};stroke:{colours[kind]}"
        rules[f".title-{kind}"] = f"fill:{colours[kind]}"
    for mark in MARKS:
        rules[f".box.{mark},.nnrun path.{mark}"] = f"stroke:{colours[mark]}"
        rules[f".head.{mark},.nnrun text.{mark}"] = f"fill:{colours[mark]}"
    return rules


def _css(rules: dict[str, str]) -> str:
    return "".join(f".nnrun {name}{{{rule}}}" for name, rule in rules.items())


STYLE = f"{_css(FIXED)}{_css(_coloured(LIGHT))}@media (prefers-color-scheme:dark){{{_css(_coloured(DARK))}}}"
