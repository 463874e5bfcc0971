"""Transposed convolution and upsampling."""

from nnrun.registry.shape import Shape
from tests.contract.node_rows import Row

ROW_IMAGE = Shape((4, 5))
IMAGE = Shape((4, 5, 4))
VOLUME = Shape((2, 3, 4, 3))

ROWS = [
    Row({"type": "conv_transpose", "filters": 6}, (IMAGE,), changes={"groups": [2], "padding": [1, [1, 0]], "kernel": [2, 4, [3, 1]]}),
    Row(
        {"type": "conv_transpose", "filters": 6, "stride": 2, "padding": "same"},
        (IMAGE,),
        changes={"groups": [2], "padding": ["valid", 1], "stride": [1, 3, 4, [2, 1]]},
    ),
    Row(
        {"type": "conv_transpose", "filters": 4, "groups": 4, "activation": "relu", "bias": False, "stride": 2},
        (ROW_IMAGE,),
        changes={"groups": [1, 2], "filters": [8], "padding": ["same", [1]]},
    ),
    Row(
        {"type": "conv_transpose", "filters": 2, "kernel": 2, "stride": 2, "dilation": 2, "padding": "same"},
        (VOLUME,),
        changes={"groups": [2], "filters": [1], "padding": ["valid", [1, 1, 0]]},
    ),
    Row({"type": "upsample"}, (IMAGE,), changes={"factor": [1, 3, [1, 2]]}),
    Row({"type": "upsample", "factor": 3, "method": "bilinear"}, (ROW_IMAGE,)),
    Row({"type": "upsample", "factor": [1, 2, 3]}, (VOLUME,), changes={"factor": [2]}),
]
