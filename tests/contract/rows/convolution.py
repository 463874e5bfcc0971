"""Convolution and pooling."""

from nnrun.registry.shape import Shape
from tests.contract.node_rows import Row

ROW_IMAGE = Shape((4, 9))
IMAGE = Shape((4, 9, 8))
VOLUME = Shape((2, 5, 6, 5))

OTHER_PADDING = ["same", 1, [1, 0]]
TOWERS = [
    [{"type": "conv", "filters": 2, "kernel": 1}, {"type": "conv", "filters": 3, "padding": "same"}],
    [{"type": "pool", "size": 3, "stride": 1, "padding": "same"}, {"type": "conv", "filters": 1, "kernel": 1}],
    [{"type": "batch_norm"}],
]

ROWS = [
    Row({"type": "conv", "filters": 6}, (IMAGE,), changes={"groups": [2], "padding": OTHER_PADDING, "kernel": [2, 4, [3, 1]]}),
    Row(
        {"type": "conv", "filters": 6, "kernel": 2, "stride": 2, "padding": "same"},
        (IMAGE,),
        changes={"groups": [2], "padding": ["valid", 1]},
    ),
    Row(
        {"type": "conv", "filters": 4, "groups": 4, "activation": "relu", "bias": False},
        (ROW_IMAGE,),
        changes={"groups": [1, 2], "filters": [8], "padding": ["same", [2]]},
    ),
    Row(
        {"type": "conv", "filters": 2, "dilation": 2, "padding": 2},
        (VOLUME,),
        changes={"groups": [2], "filters": [1], "padding": ["valid", [2, 2, 1]]},
    ),
    Row({"type": "pool"}, (IMAGE,), changes={"stride": [1, 3, [2, 1]], "padding": OTHER_PADDING}),
    Row({"type": "pool", "size": 3, "method": "mean", "padding": 1}, (IMAGE,), changes={"stride": [2], "padding": ["valid", "same"]}),
    Row({"type": "pool", "size": 2, "stride": 1, "method": "mean", "padding": "same"}, (ROW_IMAGE,), changes={"padding": ["valid", 1]}),
    Row(
        {"type": "pool", "size": [3, 2, 2], "padding": "same"},
        (VOLUME,),
        changes={"size": [2, [2, 3, 2]], "stride": [2], "padding": ["valid", 1]},
    ),
    Row({"type": "global_pool"}, (IMAGE,)),
    Row({"type": "global_pool", "method": "max"}, (ROW_IMAGE,)),
    Row({"type": "inception", "towers": TOWERS}, (IMAGE,), changes={"towers": [TOWERS[:2], TOWERS[::-1], [TOWERS[0], TOWERS[0]]]}),
]
