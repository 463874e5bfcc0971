"""What MLflow accepts: the shape of keys, the length of texts, the size of a batch."""

from __future__ import annotations

import posixpath
import re
from functools import lru_cache

PARAMS_A_CALL = 100
METRICS_A_CALL = 1000
KEY = 250
PARAM = 6000
TAG = 8000
DATASET = 500


@lru_cache(4096)  # a trainer says the same few keys at every step
def key(text: str) -> str:
    """The nearest key that MLflow takes: `towers[0].kernel` becomes `towers.0.kernel`."""
    text = text.replace("[", ".").replace("]", "")
    text = re.sub(r"[^/\w.\- :]", "_", text)
    # MLflow takes a key for a path, which must be written in its shortest form and not lead outwards.
    parts = [part for part in text.split("/") if part.strip(".")]
    return cut(posixpath.join(*parts), KEY) if parts else "_"


def cut(text: str, length: int) -> str:
    """The text, ended by an ellipsis where it is too long."""
    return text if len(text) <= length else text[: length - 1] + "…"
