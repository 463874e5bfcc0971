"""Attention: a mean over the places of a memory, weighted by how well each answers a query.

Queries come as (T, B, N), or (B, N) without time; memories as (S, B, M) along time, otherwise (B, S, M) or, as images,
(B, M, H, W). What is padding (see padding.py) gets no weight; an empty memory counts as zeros.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from registry.modules.init import initialize
from registry.modules.padding import blank, real_ticks


class Attention(nn.Module):
    """Base of the methods: brings both inputs into the order (B, places, features).

    Shape: query (T, B, N) and memory -> (T, B, out); query (B, N) -> (B, out).
    """

    def __init__(self, dropout: float, *, timed_query: bool, timed_memory: bool) -> None:
        super().__init__()
        self.dropout = dropout
        self.timed_query = timed_query
        self.timed_memory = timed_memory

    def forward(self, *, query: Tensor, memory: Tensor, lengths: Tensor | None = None, memory_lengths: Tensor | None = None) -> Tensor:
        queries = blank(query, lengths).transpose(0, 1) if self.timed_query else query.unsqueeze(1)
        real = None
        if self.timed_memory:
            memory = blank(memory, memory_lengths)
            if memory_lengths is not None:
                # All of an empty memory is looked at, which is zeros: a softmax over nothing would be 0 / 0.
                real = real_ticks(memory_lengths, len(memory)).t() | (memory_lengths == 0).unsqueeze(1)
            places = memory.transpose(0, 1)
        else:
            places = memory if memory.dim() == 3 else memory.flatten(2).transpose(1, 2)
        found = self.look(queries, places, real)
        return found.transpose(0, 1) if self.timed_query else found.squeeze(1)

    def look(self, query: Tensor, memory: Tensor, real: Tensor | None) -> Tensor:
        """Shape: query (B, T, N), memory (B, S, M), real (B, S) -> (B, T, out)."""
        raise NotImplementedError

    def dot(self, query: Tensor, keys: Tensor, values: Tensor, real: Tensor | None) -> Tensor:
        """Scaled dot products; any number of heads between B and the places."""
        mask = None if real is None else real.view(len(real), *[1] * (query.dim() - 2), -1)
        return F.scaled_dot_product_attention(query, keys, values, attn_mask=mask, dropout_p=self.dropout if self.training else 0.0)


class DotAttention(Attention):
    """softmax(query . memory / sqrt(N)) over the places.

    Source: Luong et al. 2015, equation 8, `dot`; the scale: Vaswani et al. 2017, section 3.2.1.
    """

    def look(self, query: Tensor, memory: Tensor, real: Tensor | None) -> Tensor:
        return self.dot(query, memory, memory, real)


class AdditiveAttention(Attention):
    """softmax(score . tanh(W query + U memory + b)) over the places.

    Source: Bahdanau et al. 2015, appendix A.1.2.
    """

    def __init__(self, query: int, memory: int, units: int, *, init: str, dropout: float, timed_query: bool, timed_memory: bool) -> None:
        super().__init__(dropout, timed_query=timed_query, timed_memory=timed_memory)
        self.query = _linear(query, units, init, bias=False)
        self.memory = _linear(memory, units, init)
        self.score = _linear(units, 1, init, bias=False)

    def look(self, query: Tensor, memory: Tensor, real: Tensor | None) -> Tensor:
        scores = self.score(torch.tanh(self.query(query).unsqueeze(2) + self.memory(memory).unsqueeze(1))).squeeze(-1)
        if real is not None:
            scores = scores.masked_fill(~real.unsqueeze(1), float("-inf"))
        weights = scores.softmax(-1)
        return F.dropout(weights, self.dropout, self.training) @ memory


class MultiHeadAttention(Attention):
    """Scaled dot products of learned projections, in several heads side by side.

    Source: Vaswani et al. 2017, section 3.2.2.
    """

    def __init__(
        self, query: int, memory: int, units: int, *, heads: int, init: str, dropout: float, timed_query: bool, timed_memory: bool
    ) -> None:
        super().__init__(dropout, timed_query=timed_query, timed_memory=timed_memory)
        self.heads = heads
        self.query = _linear(query, units, init)
        self.key = _linear(memory, units, init)
        self.value = _linear(memory, units, init)
        self.output = _linear(units, units, init)

    def look(self, query: Tensor, memory: Tensor, real: Tensor | None) -> Tensor:
        found = self.dot(self._split(self.query(query)), self._split(self.key(memory)), self._split(self.value(memory)), real)
        joined: Tensor = self.output(found.transpose(1, 2).flatten(2))
        return joined

    def _split(self, x: Tensor) -> Tensor:
        """(B, places, units) -> (B, heads, places, units / heads)."""
        return x.reshape(*x.shape[:2], self.heads, -1).transpose(1, 2)


def _linear(features: int, units: int, init: str, bias: bool = True) -> nn.Linear:
    """A projection whose weights start as asked, its bias at zero."""
    layer = nn.Linear(features, units, bias=bias)
    initialize(layer.weight, init)
    if bias:
        nn.init.zeros_(layer.bias)
    return layer
