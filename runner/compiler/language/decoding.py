"""`decode`: how the symbols of a choice are found."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from nnrun.registry.options import Count, NonNegative, Portion, Positive
from nnrun.runner.compiler.language.model import Model


class Decode(Model):
    """How the symbols of a choice are found when the network generates."""

    search: Literal["greedy", "sample", "beam"] = "greedy"
    """`greedy`: the best symbol at each tick. `sample`: one drawn by its probability. `beam`: the best whole sequence of those that
    a search with `width` hypotheses meets."""
    max_length: Count = 100
    """Symbols after which a sequence ends that has not ended itself, not counting those of a prompt."""
    n_best: Count = 1
    """How many sequences are given for each example, the best first: of a beam, its best ones; otherwise so many samples."""
    width: Count | None = None
    """Hypotheses that are followed at a time, in a `beam`; 8 where left out."""
    length_penalty: NonNegative | None = None
    """Power of the length by which the score of a hypothesis is divided, ((5 + length) / 6)^penalty, so that long ones have a
    chance; 0, the sum of the logarithms alone, where left out. Of a `beam`. Source: Wu et al. 2016, equation 14."""
    prune: Positive | None = None
    """Give up hypotheses that are so much less likely than the best one, in nats. Of a `beam`."""
    temperature: Positive | None = None
    """By which scores are divided before a `sample`: below 1 the likely becomes likelier. 1 where left out."""
    top_k: Count | None = None
    """Of how many of the likeliest symbols a `sample` is drawn."""
    top_p: Portion | None = None
    """Draw a `sample` from the likeliest symbols whose probabilities add up to this. Source: Holtzman et al. 2020."""

    @model_validator(mode="after")
    def _of_its_search(self) -> Decode:
        owners = {"beam": ("width", "length_penalty", "prune"), "sample": ("temperature", "top_k", "top_p")}
        for search, options in owners.items():
            for option in options if search != self.search else ():
                if getattr(self, option) is not None:
                    wanted = f"`{option}` only with `search: {search}`"
                    raise PydanticCustomError("conflict", wanted, {"given": f"search: {self.search}", "option": option})
        if self.search == "greedy" and self.n_best > 1:
            wanted = "several `n_best` only with `search: beam` or `search: sample`"
            raise PydanticCustomError("conflict", wanted, {"given": "search: greedy", "option": "n_best"})
        if self.search == "beam" and self.n_best > (self.width or WIDTH):
            given = f"width: {self.width or WIDTH}"
            raise PydanticCustomError(
                "conflict", f"no more `n_best` than its `width`, here {self.n_best}", {"given": given, "option": "n_best"}
            )
        return self


WIDTH = 8
"""Hypotheses of a beam where a spec says nothing."""
