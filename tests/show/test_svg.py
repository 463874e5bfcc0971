"""The SVG of a picture: whole, escaped, the same each time, readable on light and dark."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings

from nnrun.runner.compiler.check import check
from nnrun.runner.show.drawing import graph_svg
from nnrun.runner.show.drawing.picture import Arrow, Box, Frame, Picture
from nnrun.runner.show.drawing.places.grid import Points
from nnrun.runner.show.drawing.svg import branch, picture_svg
from tests.compiler.support import spec
from tests.show.support import GALLERY, checked, pictures
from tests.tracking.support import ROOT

SPACE = "{http://www.w3.org/2000/svg}"
CHROMIUM = shutil.which("chromium") or "chromium"

BOX = Box("a", "node", ("a", "linear"))


def drawn(picture: Picture) -> ElementTree.Element:
    return ElementTree.fromstring(picture_svg(picture))


def titles(svg: ElementTree.Element) -> list[str]:
    """What boxes and arrows say where the mouse rests."""
    return [str(title.text) for title in svg.iter(f"{SPACE}title")]


def texts(svg: ElementTree.Element) -> list[str]:
    return [str(text.text) for text in svg.iter(f"{SPACE}text")]


def named(svg: ElementTree.Element, tag: str, word: str) -> list[ElementTree.Element]:
    """Elements that have a class."""
    return [element for element in svg.iter(f"{SPACE}{tag}") if word in element.get("class", "").split()]


@pytest.mark.parametrize("path", GALLERY, ids=lambda path: path.stem)
def test_every_edge_is_drawn_once(path: Path) -> None:
    known = checked(path)
    assert known.graph is not None
    edges = [edge for node in known.graph.nodes.values() for edge in (*node.edges, node.initial, node.scores) if edge is not None]
    edges += [edge for net in known.graph.energy_nets for edge in net.edges]
    said = [title for title in titles(ElementTree.fromstring(graph_svg(known))) if re.search(r"->", title)]
    ends = sorted(re.sub(r" \(.*", "", title).replace(" later:", "").replace("<->", "->") for title in said)
    judged = [f"{one.input.name} -> judged" for one in known.graph.losses] + [f"{one.target.name} -> judged" for one in known.graph.losses]

    assert [end for end in ends if "judged:" not in end] == sorted(f"{edge.source.name} -> {edge.target.name}" for edge in edges)
    assert {end.partition(":")[0] for end in ends if "judged:" in end} >= set(judged)


@pytest.mark.parametrize("path", GALLERY, ids=lambda path: path.stem)
def test_every_loop_net_and_block_is_framed_once(path: Path) -> None:
    known = checked(path)
    assert known.graph is not None
    svg = ElementTree.fromstring(graph_svg(known))
    uses = {name.rpartition("/")[0] for name in known.graph.nodes} - {""}

    assert len(named(svg, "rect", "loop")) == len(known.graph.loops)
    assert len(named(svg, "rect", "energy")) == len(known.graph.energy_nets)
    assert len(named(svg, "rect", "block")) == len(uses)


def test_boxes_say_formula_activation_size_and_parameters() -> None:
    said = texts(ElementTree.fromstring(graph_svg(checked(ROOT / "specs" / "lstm_by_hand_sentiment.yaml"))))

    # each gate reads 64 + 128 numbers, and has a bias: (64 + 128 + 1) * 128 = 24,704
    assert {"f * prev(c) + i * g", "linear, units 128, sigmoid", "(N=128)", "24,704 parameters", "each tick of text"} <= set(said)


def test_loss_with_target_and_metrics_is_a_box() -> None:
    svg = ElementTree.fromstring(graph_svg(check(spec(more="metrics: [accuracy, f1]"))))

    assert "cross_entropy\nloss\nmeasured: accuracy, f1" in titles(svg)
    assert {"scores -> judged:0", "digit -> judged:0 (target)"} <= set(titles(svg))


def test_delayed_edges_are_dashed_and_say_their_delay() -> None:
    svg = ElementTree.fromstring(graph_svg(checked(ROOT / "specs" / "coupled_cells.yaml")))

    assert len(named(svg, "path", "delayed")) == 3 + 1  # and the legend's
    assert {"1 tick ago", "3 ticks ago", "12 ticks ago"} <= set(texts(svg))


def test_symmetric_edges_have_two_heads() -> None:
    boxes = BOX, Box("b", "node", ("b",))
    one, both = (drawn(Picture("", boxes, (Arrow("a", "b", kind),))) for kind in ("forward", "symmetric"))

    assert [len(list(svg.iter(f"{SPACE}polygon"))) for svg in (one, both)] == [1 + 1, 2 + 2]  # those of the legend come last


def test_everything_is_escaped() -> None:
    bad = "<b>&\"'</b>"
    picture = Picture(bad, (Box(bad, "node", (bad, bad)),), (Arrow(bad, bad, "delayed", bad),), (Frame("loop", bad, frozenset({bad})),))
    svg = drawn(picture)

    assert texts(svg).count(bad) == 1 + 2 + 1 + 1  # heading, box, label, frame
    assert list(svg.iter(f"{SPACE}b")) == []


@given(picture=pictures())
@settings(max_examples=40)
def test_any_picture_is_well_formed_with_every_text_in_it(picture: Picture) -> None:
    svg = drawn(picture)

    assert {frame.title for frame in picture.frames} | {arrow.label for arrow in picture.arrows} - {""} <= set(texts(svg))
    assert len(titles(svg)) == len(picture.boxes) + len(picture.arrows)


def test_the_legend_names_only_what_occurs() -> None:
    boxes = BOX, Box("b", "loss", ("b",))
    said = texts(drawn(Picture("", boxes, (Arrow("a", "b", "delayed"),))))

    assert {"node", "loss and metrics", "is read some ticks later"} <= set(said)
    assert {"data", "is read", "one weight, both ways", "is chosen from", "added"} & set(said) == set()


def test_marks_colour_boxes_and_arrows() -> None:
    boxes = BOX, Box("b", "node", ("b",)), Box("c", "node", ("c",))
    arrows = Arrow("a", "b", "forward"), Arrow("a", "c", "forward")
    svg = drawn(Picture("", boxes, arrows, marks={"b": "added", "c": "changed", ("a", "c"): "gone"}))

    assert [len(named(svg, "rect", mark)) for mark in ("added", "changed", "gone")] == [1 + 1, 1 + 1, 0 + 1]  # and the legend's
    assert [len(named(svg, "path", mark)) for mark in ("added", "changed", "gone")] == [0, 0, 1]
    assert {"added", "changed", "gone"} <= set(texts(svg))


def test_marks_reach_the_drawing_of_a_spec() -> None:
    svg = ElementTree.fromstring(graph_svg(check(spec()), {"flat": "added", ("flat", "scores"): "gone"}))

    assert len(named(svg, "rect", "added")) == 1 + 1
    assert len(named(svg, "path", "gone")) == 1


def test_light_and_dark_have_a_rule_for_everything() -> None:
    style = picture_svg(Picture("", (BOX,), ())).partition("<style>")[2].partition("</style>")[0]
    light, dark = style.split("@media (prefers-color-scheme:dark)")
    coloured = r"(\.nnrun [^{}]+)\{[^}]*#[0-9a-f]{6}"

    assert re.findall(coloured, light) == re.findall(coloured, dark)
    assert all(rule.startswith(".nnrun ") for rule in re.findall(r"[}{](\.[^{}]+)\{", style))


def test_a_second_way_is_drawn_from_where_it_leaves_the_first() -> None:
    first: Points = ((0, 0), (0, 20), (50, 20), (50, 40))
    second: Points = ((0, 0), (0, 20), (90, 20), (90, 40))

    assert branch(second, [first]) == ((44, 20), (90, 20), (90, 40))  # at x = 50, with 6 pixels for the corner
    assert branch(second, []) == second


@pytest.mark.parametrize("seed", ["0", "1", "2"])
def test_the_same_spec_gives_the_same_bytes_without_heavy_imports(seed: str) -> None:
    path = ROOT / "specs" / "translate_numbers.yaml"
    script = (
        "import sys; from pathlib import Path; from nnrun.runner.compiler.check import check\n"
        "from nnrun.runner.show.drawing import graph_svg\n"
        f"text = graph_svg(check(Path({str(path)!r}).read_text(), 'x'))\n"
        "assert not {'torch', 'numpy', 'igraph', 'matplotlib', 'pandas'} & set(sys.modules), 'heavy'\n"
        "sys.stdout.write(text)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == graph_svg(check(path.read_text(), "x"))


@pytest.mark.browser
@pytest.mark.parametrize("name", ["lstm_by_hand_sentiment", "translate_numbers", "inception_digits"])
def test_a_browser_keeps_all_texts_in_their_boxes(name: str) -> None:
    if shutil.which(CHROMIUM) is None and not os.environ.get("CI"):
        pytest.skip("no chromium here: apt-get install -y --no-install-recommends chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = chromium.new_page()
        page.set_content(graph_svg(checked(ROOT / "specs" / f"{name}.yaml")))
        out = page.evaluate(
            """() => [...document.querySelectorAll('g')].flatMap(group => {
                const box = group.querySelector(':scope > rect.box')?.getBoundingClientRect();
                const texts = [...group.querySelectorAll(':scope > text')];
                const paper = document.querySelector('svg').getBoundingClientRect();
                const in_ = (a, b) => a.left >= b.left && a.right <= b.right && a.top >= b.top && a.bottom <= b.bottom;
                const around = box && group.querySelector('title') ? box : paper;
                return texts.filter(text => !in_(text.getBoundingClientRect(), around)).map(text => text.textContent);
            })"""
        )
        chromium.close()

    assert out == []
