"""GoogLeNet of the gallery has as many weights as its paper's first table asks for, and as the networks that others made of it have."""

from __future__ import annotations

from nnrun.registry.shape import total
from nnrun.runner.compiler.check import check
from tests.tracking.support import ROOT

STEM = ((3, 64, 7), (64, 64, 1), (64, 192, 3))
"""Channels in and out and the side of the kernels of what stands before the modules."""

MODULES = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
"""#1x1, #3x3 reduce, #3x3, #5x5 reduce, #5x5, pool proj. Source: Szegedy et al. 2015, table 1."""

CLASSES = 1000
CAFFE = 6_998_552
"""Weights and biases of `bvlc_googlenet` without its auxiliary classifiers."""
TORCHVISION = 6_624_904
"""Parameters of `torchvision.models.googlenet(aux_logits=False)`: 3x3 in place of 5x5, batch normalization in place of biases."""


def convolutions(five: int = 5) -> list[tuple[int, int, int]]:
    """Channels in, channels out and side of all kernels."""
    found, channels = list(STEM), STEM[-1][1]
    for one, reduce3, three, reduce5, fives, project in MODULES.values():
        found += [(channels, one, 1), (channels, reduce3, 1), (reduce3, three, 3)]
        found += [(channels, reduce5, 1), (reduce5, fives, five), (channels, project, 1)]
        channels = one + three + fives + project
    assert channels == 1024
    return found


def weights(kernels: list[tuple[int, int, int]], beside: int) -> int:
    """Of all kernels, so many `beside` them for each channel that they make, and of the classifier."""
    return sum(ins * outs * side**2 + beside * outs for ins, outs, side in kernels) + (1024 + 1) * CLASSES


def test_the_table_gives_the_numbers_of_caffe_and_torchvision() -> None:
    assert weights(convolutions(), beside=1) == CAFFE
    assert weights(convolutions(five=3), beside=2) == TORCHVISION


def test_the_spec_has_the_weights_of_the_table() -> None:
    plan = check((ROOT / "specs" / "googlenet.yaml").read_text(), settings=[f"nodes.scores.units={CLASSES}"]).plan
    assert plan is not None

    assert total(op.size for op in plan.ops) == weights(convolutions(), beside=1)


def test_each_module_is_as_wide_as_in_the_table() -> None:
    plan = check((ROOT / "specs" / "googlenet.yaml").read_text()).plan
    assert plan is not None
    wide = {op.name: op.shape.axes for op in plan.ops}
    sides = {"3": 28, "4": 14, "5": 7}

    for name, (one, _, three, _, five, project) in MODULES.items():
        assert wide[f"mixed{name}/join"] == (one + three + five + project, sides[name[0]], sides[name[0]])
