"""Groups of units. Alone, a group takes what arrives for its field and gives its mean activity."""

from nnrun.registry.shape import Shape
from tests.contract.node_rows import Row

FLAT = Shape((6,))
IMAGE = Shape((1, 2, 3))
DIGIT = Shape((), "category", 4)

ROWS = [
    Row({"type": "binary_units"}, (IMAGE,), changes={"bias": [False]}),
    Row({"type": "binary_units", "units": 6}, (FLAT,)),
    Row({"type": "bipolar_units"}, (FLAT,), changes={"threshold": [-0.5]}),
    Row({"type": "gaussian_units", "deviation": 0.5}, (FLAT,)),
    Row({"type": "gaussian_units"}, ports={"initial": FLAT}),
    Row({"type": "categorical_units"}, (DIGIT,), changes={"classes": []}),
    Row({"type": "categorical_units", "classes": 3}, (FLAT,), changes={"classes": [2, None]}),
]
