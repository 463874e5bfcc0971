"""Attention: a mean over the places of a memory, weighted by how well each answers a query.

Queries come as (T, B, N), or (B, N) without time; memories as (S, B, M) along time, otherwise (B, S, M) or, as images,
(B, M, H, W). What is padding (see padding.py) gets no weight; an empty memory counts as zeros.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nnrun.registry.modules.chance import dropped
from nnrun.registry.modules.init import initialize
from nnrun.registry.modules.padding import blank, real_ticks


@dataclass(frozen=True)
class Prepared:
    """A memory as a method looks it up: all that does not depend on the query."""

    values: Tensor
    """(B, S, M); (B, heads, S, M / heads) of a method with heads."""
    keys: Tensor
    """(B, S, N), alike."""
    real: Tensor | None
    """Which places are no padding, (B, S); None if all are."""
    causal: bool = False
    """Whether a tick of the query sees the places up to its own only."""

    def examples(self, rows: Tensor) -> Prepared:
        """The memories of these examples."""
        real = None if self.real is None else self.real.index_select(0, rows)
        return replace(self, values=self.values.index_select(0, rows), keys=self.keys.index_select(0, rows), real=real)

    def then(self, more: Prepared) -> Prepared:
        """These places, none of them padding, and others behind them."""
        return Prepared(torch.cat([self.values, more.values], -2), torch.cat([self.keys, more.keys], -2), None)


class Attention(nn.Module):
    """Base of the methods: brings both inputs into the order (B, places, features).

    Shape: query (T, B, N) and memory -> (T, B, out); query (B, N) -> (B, out).
    """

    def __init__(self, dropout: float, *, timed_query: bool, timed_memory: bool, causal: bool = False) -> None:
        super().__init__()
        self.dropout = dropout
        self.causal = causal
        self.timed_query = timed_query
        self.timed_memory = timed_memory

    def forward(self, *, query: Tensor, memory: Tensor, lengths: Tensor | None = None, memory_lengths: Tensor | None = None) -> Tensor:
        queries = blank(query, lengths).transpose(0, 1) if self.timed_query else query.unsqueeze(1)
        found = self.look(queries, self.prepare(memory, memory_lengths))
        return found.transpose(0, 1) if self.timed_query else found.squeeze(1)

    def prepare(self, memory: Tensor, lengths: Tensor | None = None) -> Prepared:
        """A memory, ready for any number of queries."""
        real = None
        if self.timed_memory:
            memory = blank(memory, lengths)
            if lengths is not None and not self.causal:  # there, what a real tick sees is real
                # All of an empty memory is looked at, which is zeros: a softmax over nothing would be 0 / 0.
                real = real_ticks(lengths, len(memory)).t() | (lengths == 0).unsqueeze(1)
            places = memory.transpose(0, 1).contiguous()  # once, not at every look
        else:
            places = memory if memory.dim() == 3 else memory.flatten(2).transpose(1, 2)
        return replace(self.project(places, real), causal=self.causal)

    def project(self, memory: Tensor, real: Tensor | None) -> Prepared:
        """Shape: memory (B, S, M), real (B, S)."""
        return Prepared(memory, memory, real)

    def look(self, query: Tensor, memory: Prepared) -> Tensor:
        """Shape: query (B, T, N) -> (B, T, out)."""
        raise NotImplementedError

    def dot(self, query: Tensor, memory: Prepared) -> Tensor:
        """Scaled dot products; any number of heads between B and the places."""
        if not (self.training and self.dropout):
            mask = None if memory.real is None else _at_each_query(memory.real, query.dim())
            return F.scaled_dot_product_attention(query, memory.keys, memory.values, attn_mask=mask, is_causal=memory.causal)
        scores = query @ memory.keys.transpose(-1, -2) / math.sqrt(query.shape[-1])  # torch's kernels would draw by themselves
        return dropped(self.weights(scores, memory), self.dropout) @ memory.values

    def weights(self, scores: Tensor, memory: Prepared) -> Tensor:
        """Shape: scores (B, T, S) -> the same; any number of heads between B and T."""
        if memory.real is not None:
            scores = scores.masked_fill(~_at_each_query(memory.real, scores.dim()), float("-inf"))
        if memory.causal:
            to_come = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).triu(1)
            scores = scores.masked_fill(to_come, float("-inf"))
        return scores.softmax(-1)


class DotAttention(Attention):
    """softmax(query . memory / sqrt(N)) over the places.

    Source: Luong et al. 2015, equation 8, `dot`; the scale: Vaswani et al. 2017, section 3.2.1.
    """

    def look(self, query: Tensor, memory: Prepared) -> Tensor:
        return self.dot(query, memory)


class AdditiveAttention(Attention):
    """softmax(score . tanh(W query + U memory + b)) over the places.

    Source: Bahdanau et al. 2015, appendix A.1.2.
    """

    def __init__(
        self,
        query: int,
        memory: int,
        units: int,
        *,
        init: str,
        dropout: float,
        timed_query: bool,
        timed_memory: bool,
        causal: bool = False,
    ) -> None:
        super().__init__(dropout, timed_query=timed_query, timed_memory=timed_memory, causal=causal)
        self.query = _linear(query, units, init, bias=False)
        self.memory = _linear(memory, units, init)
        self.score = _linear(units, 1, init, bias=False)

    def project(self, memory: Tensor, real: Tensor | None) -> Prepared:
        return Prepared(memory, self.memory(memory), real)

    def look(self, query: Tensor, memory: Prepared) -> Tensor:
        scores = self.score(torch.tanh(self.query(query).unsqueeze(2) + memory.keys.unsqueeze(1))).squeeze(-1)
        weights = self.weights(scores, memory)
        return (dropped(weights, self.dropout) if self.training and self.dropout else weights) @ memory.values


class MultiHeadAttention(Attention):
    """Scaled dot products of learned projections, in several heads side by side.

    Source: Vaswani et al. 2017, section 3.2.2.
    """

    def __init__(
        self,
        query: int,
        memory: int,
        units: int,
        *,
        heads: int,
        init: str,
        dropout: float,
        timed_query: bool,
        timed_memory: bool,
        causal: bool = False,
    ) -> None:
        super().__init__(dropout, timed_query=timed_query, timed_memory=timed_memory, causal=causal)
        self.heads = heads
        self.query = _linear(query, units, init)
        self.key = _linear(memory, units, init)
        self.value = _linear(memory, units, init)
        self.output = _linear(units, units, init)

    def project(self, memory: Tensor, real: Tensor | None) -> Prepared:
        return Prepared(self._split(self.value(memory)), self._split(self.key(memory)), real)

    def look(self, query: Tensor, memory: Prepared) -> Tensor:
        found = self.dot(self._split(self.query(query)), memory)
        joined: Tensor = self.output(found.transpose(1, 2).flatten(2))
        return joined

    def _split(self, x: Tensor) -> Tensor:
        """(B, places, units) -> (B, heads, places, units / heads)."""
        return x.reshape(*x.shape[:2], self.heads, -1).transpose(1, 2)


def _at_each_query(real: Tensor, axes: int) -> Tensor:
    """(B, S) -> (B, …, 1, S), of so many axes."""
    return real.view(len(real), *[1] * (axes - 2), real.shape[1])


def _linear(features: int, units: int, init: str, bias: bool = True) -> nn.Linear:
    """A projection whose weights start as asked, its bias at zero."""
    layer = nn.Linear(features, units, bias=bias)
    initialize(layer.weight, init)
    if bias:
        nn.init.zeros_(layer.bias)
    return layer
