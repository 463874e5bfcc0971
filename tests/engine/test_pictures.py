"""Pictures of a network that learns from images."""

from __future__ import annotations

import io

import numpy as np
import torch
from PIL import Image

from nnrun.runner.compiler.check import check
from nnrun.runner.engine.data.columns import load_columns
from nnrun.runner.engine.data.dataset import Dataset, prepare
from nnrun.runner.engine.network.network import Network
from nnrun.runner.engine.pictures.learned import Gallery, filters
from nnrun.runner.engine.pictures.segmented import beside
from tests.tracking.support import ROOT

SPEC = """
nnrun: 1
name: seen
data: {source: digits, fields: {image: {type: image}, digit: {type: category}}}
nodes: {look: {type: conv, filters: 4, kernel: 3}, flat: {type: flatten}, scores: {type: linear, units: digit}}
edges: [image -> look -> flat -> scores]
train: {loss: {type: cross_entropy, input: scores, target: digit}}
"""


def trained(text: str) -> tuple[Network, Dataset]:
    plan = check(text).plan
    assert plan is not None
    assert plan.spec.data is not None
    parts = load_columns(plan.spec.data, plan.fields, ROOT)
    data = prepare(plan.spec.data, plan.fields, parts, plan.targets)
    plan = check(text, facts=data.facts).plan
    assert plan is not None
    return Network(plan), data


def evaluated(gallery: Gallery, step: int, last: bool, size: int = 50) -> list[tuple[str, int, bytes]]:
    """The pictures of an evaluation in batches of some size."""
    look = gallery.open(last)
    for rows in gallery.part.rows_in_order(size) if look is not None and gallery.part is not None else ():
        batch = gallery.part.batch(rows)
        with torch.no_grad():
            look(rows, gallery.network(batch, ("scores",)), batch)
    return gallery.pictures(step)


def test_mistakes_are_the_worst_of_the_part_whatever_the_batches() -> None:
    network, data = trained(SPEC)
    gallery = Gallery(network, network.plan, data.valid, data.facts, evaluations=1)
    assert gallery.part is not None
    few, whole = (evaluated(gallery, 0, last=True, size=size)[1] for size in (7, 1000))
    assert gallery.mistakes is not None
    shown = [rows[cost.argmax()] for rows, cost, _ in gallery.mistakes._seen]
    batch = gallery.part.batch(gallery.part.rows)
    with torch.no_grad():
        cost = torch.nn.functional.cross_entropy(network(batch, ("scores",))["scores"], batch.values["digit"], reduction="none")

    assert few == whole
    assert shown == [gallery.part.rows[cost.argmax()]]


def test_kernels_and_mistakes_are_shown_at_most_about_ten_times() -> None:
    network, data = trained(SPEC)
    gallery = Gallery(network, network.plan, data.valid, data.facts, evaluations=41)
    found = [(key, step) for step in range(41) for key, step, _ in evaluated(gallery, step, last=step == 40)]

    assert found[:2] == [("filters/look", 0), ("mistakes/image", 0)]
    assert [step for key, step in found if key == "mistakes/image"] == [0, 5, 10, 15, 20, 25, 30, 35, 40]


def test_a_strong_kernel_is_white_and_an_empty_one_grey() -> None:
    network, _ = trained(SPEC)
    with torch.no_grad():
        weight = dict(network.named_parameters())["look.weight"]
        weight.zero_()
        weight[0] = 1.0
    shades = np.asarray(Image.open(io.BytesIO(filters(network.runs["look"]))))
    counted = dict(zip(*(found.tolist() for found in np.unique(shades, return_counts=True)), strict=True))

    assert counted[255] * 3 == counted[128]  # one kernel of four


MASKS = """
nnrun: 1
name: areas
data: {source: digit_masks, scenes: 40, fields: {scene: {type: image}, mask: {type: mask}}, split: {by: part}}
nodes: {scores: {type: conv, filters: 11, kernel: 3, padding: same}}
edges: [scene -> scores]
train: {loss: {type: cross_entropy, input: scores, target: mask}}
"""


def test_of_masks_the_worst_are_shown_beside_their_pictures() -> None:
    network, data = trained(MASKS)
    (_, (key, step, png)) = evaluated(Gallery(network, network.plan, data.valid, data.facts, evaluations=1), 7, last=True)

    assert (key, step) == ("mistakes/scene", 7)
    assert Image.open(io.BytesIO(png)).mode == "RGB"


def test_a_triple_is_picture_truth_and_answer() -> None:
    images, truth, guess = torch.full((1, 1, 2, 2), 0.5), torch.tensor([[[0, 1], [2, 3]]]), torch.tensor([[[8, 0], [0, 0]]])
    (triple,) = beside(images, truth, guess)

    assert triple.shape == (3, 2, 10)
    assert triple[:, :, :2].unique().tolist() == [0.5]
    assert (255 * triple[:, :, 4:6]).flatten(1).T.tolist() == [[0, 0, 0], [128, 0, 0], [0, 128, 0], [128, 128, 0]]
    assert (255 * triple[:, 0, 8]).tolist() == [64, 0, 0]


PLAIN = """
nnrun: 1
name: plain
data: {source: iris, fields: {petal_length: {type: number}, species: {type: category}}}
nodes: {scores: {type: linear, units: species}}
edges: [petal_length -> scores]
train: {loss: {type: cross_entropy, input: scores, target: species}}
"""


def test_a_network_without_images_has_no_pictures() -> None:
    network, data = trained(PLAIN)

    assert evaluated(Gallery(network, network.plan, data.valid, data.facts, evaluations=3), 0, last=False) == []
