"""Dense nodes."""

from nnrun.registry.shape import Shape
from tests.contract.node_rows import Row

FLAT = Shape((5,))
IMAGE = Shape((2, 4, 3))
WORD = Shape(kind="token", classes=7)
LABEL = Shape(kind="category", classes=4)

ROWS = [
    Row({"type": "linear", "units": 3}, (FLAT,)),
    Row({"type": "linear", "units": 3, "activation": "softmax"}, (FLAT, Shape((2,)), Shape())),
    Row({"type": "linear", "units": 3, "bias": False}, (Shape(),), changes={"init": ["he", "normal", "zeros"]}),
    Row({"type": "embedding", "units": 3}, (WORD,), changes={"init": ["he", "normal", "zeros"]}),
    Row({"type": "embedding", "units": 3}, (LABEL,), changes={"init": ["he", "normal", "zeros"]}),
    Row({"type": "one_hot"}, (WORD,)),
    Row({"type": "one_hot"}, (LABEL,)),
    Row({"type": "tabular"}, (FLAT, LABEL, Shape(), WORD), changes={"categories": ["one_hot"], "units": [3]}),
    Row({"type": "tabular", "units": 2}, (LABEL,), changes={"categories": [], "units": [3]}),
    Row({"type": "tabular", "categories": "one_hot"}, (LABEL, FLAT), changes={"categories": ["embedding"], "units": [], "init": []}),
    Row({"type": "activation", "function": "softsign"}, (FLAT,)),
    Row({"type": "activation", "function": "softmax"}, (IMAGE,)),
    Row({"type": "activation", "function": "tanh"}, (Shape(),), changes={"function": ["relu"]}),
    Row({"type": "dropout"}, (FLAT,), changes={"same": []}),
    Row({"type": "dropout", "rate": 0.2}, (IMAGE,), changes={"same": []}),
    Row({"type": "dropout"}, (FLAT.along("film", 4),)),
    Row({"type": "noise"}, (FLAT,), changes={"scale": [2.0], "judged": [True]}),
    Row({"type": "noise", "distribution": "uniform", "scale": 0.5}, (IMAGE,)),
    Row({"type": "noise"}, (FLAT,), {"deviation": FLAT}, {"scale": []}),
    Row({"type": "noise"}, (FLAT,), {"deviation": Shape()}, {"scale": []}),
    Row({"type": "slice", "from": 1, "to": 3}, (FLAT,), changes={"from": [0, -3], "to": [2, -1]}),
    Row({"type": "slice", "from": -2}, (FLAT,), changes={"from": [0], "to": [-1]}),
    Row({"type": "slice", "to": 1}, (Shape(),), changes={"from": [], "to": []}),
    Row({"type": "flatten"}, (IMAGE,)),
    Row({"type": "flatten"}, (Shape(),)),
    Row({"type": "flatten_time"}, (FLAT.along("film", 4),)),
    Row({"type": "flatten_time"}, (Shape().along("series", 3),)),
    Row({"type": "reshape", "to": [2, 6, 2]}, (IMAGE,), changes={"to": [[24], [4, 3, 2], [2, -1]]}),
    Row({"type": "reshape", "to": [1, -1]}, (FLAT,), changes={"to": [[5, 1], [5]]}),
    Row({"type": "batch_norm"}, (FLAT,)),
    Row({"type": "batch_norm"}, (IMAGE,)),
    Row({"type": "batch_norm"}, (Shape(),)),
    Row({"type": "layer_norm"}, (FLAT,)),
    Row({"type": "layer_norm"}, (IMAGE,)),
]
