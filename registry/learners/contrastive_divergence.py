"""Learning of Boltzmann machines by samples."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from nnrun.registry.catalog import register
from nnrun.registry.options import LARGEST, Count
from nnrun.registry.training import Learner


@register
class ContrastiveDivergence(Learner):
    """Make the data more probable and what the network dreams less: the moments of the data minus those of samples.

    The data phase holds the data clamped; where hidden groups then depend on each other, they follow by mean field or are sampled.
    The model phase samples everything, from the data on (CD-k) or in chains that go on from step to step (`persistent`).
    The optimizer turns the difference of the moments into steps, as it would a gradient.

    Source: Hinton 2002, Training products of experts by minimizing contrastive divergence; Tieleman 2008 (`persistent`);
    Montavon and Mueller 2012, Deep Boltzmann machines and the centering trick (`centred`); Salakhutdinov and Hinton 2009, Deep
    Boltzmann machines (`data_phase`); Desjardins et al. 2010, Tempered Markov chain Monte Carlo (`tempering`).
    """

    needs_loss: ClassVar[bool] = False
    figures: ClassVar[tuple[str, ...]] = ("loglik", "pseudo_likelihood")
    unused: ClassVar[tuple[str, ...]] = ("loss", "average", "truncate", "carry_state", "precision", "compile", "parallel")

    type: Literal["contrastive_divergence"]
    steps: Count = 1
    """Sweeps of Gibbs sampling of the model phase in each update of the weights: the k of CD-k."""
    persistent: bool = False
    """Let the chains of the model phase go on from where they were, instead of starting at the data."""
    chains: Count | None = None
    """Chains of the model phase that are `persistent`; as many as examples in a batch where left out."""
    centred: bool = True
    """Take the moments around a running mean of the activities. It makes learning as good for dark as for bright pictures."""
    data_phase: Literal["mean_field", "sample"] = "mean_field"
    """How hidden groups follow from the data where they depend on each other; where they do not, their mean is known exactly."""
    data_sweeps: Count = 10
    """Sweeps of the data phase where hidden groups depend on each other."""
    tempering: Annotated[int, Field(ge=2, le=LARGEST)] | None = None
    """Run the persistent chains at so many temperatures, from 1 upwards, and let neighbours change places."""
