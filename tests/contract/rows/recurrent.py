"""Recurrent cells."""

from nnrun.registry.shape import Shape
from tests.contract.node_rows import Row

FLAT = Shape((5,), time="film")
NUMBER = Shape(time="film")
FIXED = Shape((5,), time="film", ticks=4)
ALONE: dict[str, list[float]] = {"dropout": []}

ROWS = [
    Row({"type": "rnn", "units": 3}, (FLAT,), changes=ALONE),
    Row({"type": "rnn", "units": 3, "activation": "relu", "layers": 2, "bidirectional": True}, (FIXED,)),
    Row({"type": "rnn", "units": 3, "activation": "softsign"}, (NUMBER,), {"initial": Shape((1, 3))}, changes=ALONE | {"units": []}),
    Row({"type": "lstm", "units": 3}, (FLAT,), changes=ALONE),
    Row({"type": "lstm", "units": 3, "layers": 2, "bidirectional": True}, (FIXED,)),
    Row(
        {"type": "lstm", "units": 3, "peephole": True, "layers": 2, "dropout": 0.5},
        (NUMBER,),
        {"initial": Shape((4, 3))},
        changes={"units": [], "layers": [], "bidirectional": []},
    ),
    Row({"type": "gru", "units": 3}, (FLAT,), changes=ALONE),
    Row({"type": "gru", "units": 3, "layers": 2, "bidirectional": True}, (FIXED,)),
    Row(
        {"type": "gru", "units": 3, "reset": "before", "recurrent_dropout": 0.5}, (NUMBER,), {"initial": Shape((3,))}, ALONE | {"units": []}
    ),
]
