"""Nodes along time."""

from nnrun.registry.shape import Shape
from tests.contract.node_rows import Row

FLAT = Shape((5,), time="film")
NUMBER = Shape(time="film")
IMAGE = Shape((2, 4, 3), time="film")
WORD = Shape(kind="token", classes=7, time="film")
QUERY = Shape((4,), time="caption")

ROWS = [
    Row({"type": "last"}, (FLAT,)),
    Row({"type": "last"}, (WORD,)),
    Row({"type": "reverse"}, (FLAT,)),
    Row({"type": "reverse"}, (WORD,)),
    Row({"type": "pool_time"}, (FLAT,), changes={"size": [2], "stride": [], "padding": []}),
    Row({"type": "pool_time", "method": "max"}, (IMAGE,), changes={"size": [1], "stride": [], "padding": []}),
    Row({"type": "pool_time", "method": "sum"}, (NUMBER,), changes={"size": [3], "stride": [], "padding": []}),
    Row({"type": "pool_time", "size": 2, "stride": 2}, (FLAT,), changes={"stride": [1, 3], "padding": []}),
    Row({"type": "pool_time", "method": "max", "size": 3, "padding": "same"}, (IMAGE,), changes={"stride": [1, 2]}),
    Row({"type": "pool_time", "method": "sum", "size": 2}, (Shape((3,), time="film", ticks=5),), changes={"stride": [1]}),
    Row({"type": "window", "length": 3}, (FLAT,)),
    Row({"type": "window", "length": 2}, (NUMBER,), {"initial": Shape((1,))}, changes={"length": []}),
    Row({"type": "ewma"}, (FLAT,)),
    Row({"type": "ewma", "decay": 0.5, "learned": True}, (IMAGE,), {"initial": Shape((2, 4, 3))}),
    Row({"type": "conv_time", "filters": 4, "activation": "tanh"}, (FLAT,), changes={"groups": []}),
    Row({"type": "conv_time", "filters": 4, "kernel": 2, "dilation": 2}, (Shape((6,), time="film"),), changes={"groups": [2]}),
    Row({"type": "conv_time", "filters": 2, "bias": False}, (NUMBER,), changes={"groups": []}),
    Row({"type": "conv_time", "filters": 4, "stride": 2, "padding": "valid"}, (FLAT,), changes={"stride": [1], "groups": []}),
    Row({"type": "conv_time", "filters": 4, "stride": 2}, (Shape((5,), time="film", ticks=5),), changes={"groups": []}),
    Row({"type": "causal_conv", "filters": 4, "activation": "tanh"}, (FLAT,), changes={"groups": []}),
    Row({"type": "causal_conv", "filters": 4, "dilation": 2}, (Shape((6,), time="film"),), changes={"groups": [2]}),
    Row(
        {"type": "causal_conv", "filters": 2},
        (NUMBER,),
        {"initial": Shape((2,))},
        {"kernel": [], "dilation": [], "groups": []},
    ),
    Row({"type": "position"}, (FLAT,), {"initial": Shape()}, {"method": [], "length": [], "init": []}),
    Row({"type": "position"}, (Shape((4,), time="film", ticks=4),), changes={"length": [], "init": []}),
    Row({"type": "position", "method": "learned", "length": 6}, (FLAT,), changes={"method": []}),
    Row({"type": "repeat"}, (Shape((5,)),), {"along": WORD}),
    Row({"type": "repeat"}, (Shape(kind="category", classes=4),), {"along": FLAT}),
    Row({"type": "unflatten_time"}, (Shape((8,)),), {"along": Shape(time="film", ticks=4)}),
    Row({"type": "unflatten_time"}, (Shape((4,)),), {"along": Shape((3,), time="film", ticks=4)}),
    Row({"type": "attention"}, (), {"query": QUERY, "memory": FLAT}, {"units": [7], "heads": [], "method": [], "causal": []}),
    Row({"type": "attention", "units": 3}, (), {"query": QUERY.tick, "memory": Shape((6, 5))}, {"heads": [], "method": [], "causal": []}),
    Row(
        {"type": "attention", "method": "dot"},
        (),
        {"query": QUERY, "memory": QUERY},
        {"units": [], "heads": [], "method": ["additive"], "init": []},
    ),
    Row(
        {"type": "attention", "method": "multi_head", "heads": 2},
        (),
        {"query": QUERY, "memory": Shape((5, 2, 3))},
        {"units": [6], "heads": [1], "method": [], "causal": []},
    ),
    Row(
        {"type": "attention", "method": "multi_head", "heads": 2, "causal": True},
        (),
        {"query": QUERY, "memory": QUERY},
        {"units": [6], "heads": [1], "method": ["additive"]},
    ),
]
