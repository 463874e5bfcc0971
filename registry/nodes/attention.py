"""Attention."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from nnrun.registry.catalog import register
from nnrun.registry.node import Holding, Port, Trainable
from nnrun.registry.options import Count, Rate, Units
from nnrun.registry.shape import Axis, InputError, Shape, ShapeError, known, may_equal, product

if TYPE_CHECKING:
    from torch import nn

UNUSED = {
    "additive": ("heads",),
    "dot": ("units", "heads", "init", "freeze", "share", "weights", "regularize"),
    "multi_head": (),
}
"""Options that a method has no use for."""


@register
class Attention(Trainable, Holding):
    """Look up a memory: at each tick of `query`, the mean of `memory`, weighted by how well each place of it answers.

        a_s = softmax over s of score(query, memory_s)
        y   = sum over s of a_s * memory_s

    The memory is a sequence with a time axis of its own or that of the query, an image (C, H, W), whose H * W places have
    C features, or rows (S, N). Padding gets no weight; an empty memory counts as zeros. Query and memory may be one sequence, which
    then looks itself up.

    Shape: query (N), memory (M) at each place -> (M), or (units) with `multi_head`; along the time axis of the query, if it has one.
    Raises: InputError if the query is not flat or the memory none of these; ShapeError if an option does not go with the method,
    `dot` meets different sizes, `heads` does not divide `units`, or `causal` meets two time axes.
    Source: Bahdanau et al. 2015 (`additive`); Luong et al. 2015 (`dot`); Vaswani et al. 2017 (`multi_head`).
    """

    scope = "time"
    memoryless = True
    inputs = "none"
    ports = {"query": Port(), "memory": Port(time="own")}

    type: Literal["attention"]
    method: Literal["additive", "dot", "multi_head"] = "additive"
    """`additive`: v . tanh(W query + U memory_s + b), a small network, for sizes of any kind. `dot`: query . memory_s / sqrt(N),
    without weights. `multi_head`: such products of learned projections, in `heads` groups."""
    units: Units | None = None
    """Width of the small network, or of the projections; the size of the query where left out."""
    heads: Count = 8
    """Groups of `units / heads` features, each with attention weights of its own."""
    causal: bool = False
    """Look up no tick that is yet to come: tick t of the query sees the ticks up to t of a memory along the same time axis, as a network
    must that writes what it reads."""
    dropout: Rate = 0.0
    """Share of attention weights set to zero, in training."""

    def shape(self, *, query: Shape, memory: Shape) -> Shape:
        for option in UNUSED[self.method]:
            if option in self.model_fields_set:
                raise ShapeError(f"`{option}` has no meaning with `method: {self.method}`", field=option, help=f"leave `{option}` out")
        if query.kind != "number" or len(query.axes) != 1:
            raise InputError("a flat input (N)", port="query", help=_flat(query))
        features = _features(memory)
        if self.causal and (query.time is None or memory.time != query.time):
            message = f"`causal` needs query and memory along one time axis, but they are {query} and {memory}"
            raise ShapeError(message, field="causal", help="leave `causal` out: all of a memory of its own may be looked up")
        if self.method == "multi_head":
            return self._heads_of(query)
        if self.method == "dot" and not may_equal(query.size, features):
            message = f"`method: dot` compares query and memory feature by feature, but they have {query.size} and {features} features"
            raise ShapeError(message, field="method", help="`method: additive` takes any sizes; a `linear` node changes one")
        return Shape((features,)).along(query.time, query.ticks)

    def outline(self, *, query: Shape | None, memory: Shape | None) -> Shape | None:
        if self.method != "multi_head":
            return Shape((_features(memory),)) if memory is not None else None
        return Shape((self.units,)) if self.units is not None else None

    def parameters(self, *, query: Shape, memory: Shape) -> dict[str, tuple[Axis, ...]]:
        n, m, units = query.size, _features(memory), self._width(query)
        if self.method == "dot":
            return {}
        if self.method == "additive":
            return {"query.weight": (units, n), "memory.weight": (units, m), "memory.bias": (units,), "score.weight": (1, units)}
        sizes: dict[str, tuple[Axis, ...]] = {}
        for name, size in {"query": n, "key": m, "value": m, "output": units}.items():
            sizes |= {f"{name}.weight": (units, size), f"{name}.bias": (units,)}
        return sizes

    def kept(self, *, query: Shape, memory: Shape) -> Axis:
        if memory.time is not None:
            places: Axis = memory.ticks or 1
        else:
            places = product(memory.axes[:-1] if len(memory.axes) == 2 else memory.axes[1:])
        compared = {"additive": product((2, self._width(query))), "dot": 3, "multi_head": 3 * self.heads}[self.method]
        return product((places, compared))

    def build(self, *, query: Shape, memory: Shape) -> nn.Module:
        from nnrun.registry.modules.attention import AdditiveAttention, DotAttention, MultiHeadAttention

        options: dict[str, Any] = {"dropout": self.dropout, "causal": self.causal}
        options |= {"timed_query": query.time is not None, "timed_memory": memory.time is not None}
        if self.method == "dot":
            return DotAttention(**options)
        sizes = known(query.size), known(_features(memory)), known(self._width(query))
        if self.method == "additive":
            return AdditiveAttention(*sizes, init=self.init, **options)
        return MultiHeadAttention(*sizes, heads=self.heads, init=self.init, **options)

    def _width(self, query: Shape) -> Axis:
        return query.size if self.units is None else self.units

    def _heads_of(self, query: Shape) -> Shape:
        units = self._width(query)
        if isinstance(units, int) and units % self.heads:
            message = f"{units} features do not fall into {self.heads} heads of equal size"
            raise ShapeError(message, field="heads", help=f"`heads` must divide {units}, or `units` be a multiple of {self.heads}")
        return Shape((units,)).along(query.time, query.ticks)


def _features(memory: Shape) -> Axis:
    """Features of one place of a memory."""
    axes = memory.axes
    if memory.kind == "number" and memory.time is not None and len(axes) == 1:
        return axes[0]
    if memory.kind == "number" and memory.time is None and len(axes) in (2, 3):
        return axes[-1] if len(axes) == 2 else axes[0]
    wanted = "a sequence of (N), an image (C, H, W) or rows (S, N)"
    help = _flat(memory) if memory.time is not None or memory.kind != "number" else "what has a time axis, or places, can be looked up"
    raise InputError(wanted, port="memory", help=help)


def _flat(x: Shape) -> str:
    if x.kind != "number":
        return f"an `embedding` node between them makes numbers of a {x.kind}"
    return f"a `flatten` node between them gives (N={x.size})" if x.axes else "a `linear` node between them makes features of a number"
