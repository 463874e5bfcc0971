"""Learning by gradients."""

from __future__ import annotations

from typing import Literal

from nnrun.registry.catalog import register
from nnrun.registry.training import Learner


@register
class Backprop(Learner):
    """Follow the gradient of the loss, computed backwards through the network and, in loops, back through time.

    The default. It takes a `loss`; the optimizer turns gradients into steps, and the rest of `train` says how long and
    how carefully: `schedule`, `clip_norm`, `regularize`, `truncate`.

    Source: Rumelhart, Hinton and Williams 1986, Learning representations by back-propagating errors.
    """

    type: Literal["backprop"]
