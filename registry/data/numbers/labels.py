"""Labels of which several may hold together: how often each does in the training part."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


def fit_labels(pieces: Iterable[np.ndarray]) -> dict[str, Any]:
    """The fact `labels` of values (M, N): for each label how often it does not hold, and how often it does. Where other numbers than 0
    and 1 stand there is none; a gap counts as neither."""
    import numpy as np

    counts: Any = 0
    for piece in pieces:
        no, yes = piece == 0, piece == 1
        if not (no | yes | np.isnan(piece)).all():
            return {}
        counts = counts + np.stack([no.sum(0), yes.sum(0)])
    return {"labels": np.asarray(counts).tolist()}
