"""A program in torch as CUDA graphs: all the small operations of its ticks are asked of the GPU at once, forward and backward.

A graph works on memory of its own. What it is given is copied there; what others go on with, its outputs and the gradients, is copied
from there; what its backward run sees again stays, and nobody else uses the graph until that is over.
"""

from __future__ import annotations

import weakref
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor

from nnrun.runner.compiler.loops.program import Program
from nnrun.runner.engine.loops import function
from nnrun.runner.engine.loops.eager import Eager
from nnrun.runner.engine.loops.function import Gradients, Trace
from nnrun.runner.engine.loops.inputs import Inputs

SEEN = 3
"""How often inputs of a size must come until a graph is made for it: that takes as long as some runs without."""

KEPT = 16
"""Sizes that have graphs. Each holds what a training step would; other sizes run without."""

T = TypeVar("T")

Arriving = Mapping[str, Tensor | None]

RECORDED = Eager(recorded=True)


class Graphed:
    """An execution, with the graphs that it has made. One for each loop, with which it ends.

    With random factors and without, a loop has two programs; these differ in what they read.
    """

    def __init__(self) -> None:
        self.seen: dict[Any, int] = defaultdict(int)
        self.idle: dict[Any, list[_Graph]] = {}
        """By size of inputs, the graphs that nobody uses."""

    def run(self, program: Program, inputs: Inputs) -> dict[str, Tensor]:
        """The outputs of a program: (T, B, width) each. Differentiable once."""
        return function.run(self, program, inputs)

    def forward(self, program: Program, inputs: Inputs) -> Trace:
        kinds = tuple((place, tensor.shape, tensor.dtype, tensor.device) for place, tensor in _tensors(inputs))
        size = inputs.ticks, inputs.batch, kinds
        self.seen[size] += 1
        if self.seen[size] < SEEN or (size not in self.idle and len(self.idle) == KEPT):
            return Eager().forward(program, inputs)
        idle = self.idle.setdefault(size, [])
        with torch.inference_mode(False), torch.no_grad():  # what is made by a prediction must do for a training
            graph = idle.pop() if idle else _Graph(program, inputs)
            return replace(graph.forward(inputs), rest=_Use(graph, idle))

    def backward(self, program: Program, inputs: Inputs, trace: Trace, arriving: Arriving) -> Gradients:
        if not isinstance(trace.rest, _Use):
            return Eager().backward(program, inputs, trace, arriving)
        trace.pre, gradients = trace.rest.graph.backward(arriving)
        return gradients


class _Use:
    """A graph whose memory somebody may still read. When nobody can, it is idle again."""

    def __init__(self, graph: _Graph, idle: list[_Graph]) -> None:
        self.graph = graph
        weakref.finalize(self, idle.append, graph)


class _Found(NamedTuple):
    """What a backward run gives."""

    pre: list[Tensor]
    gradients: Gradients


class _Graph:
    """A program on inputs of one size. Backward there is a graph for each choice of outputs to which gradients arrive."""

    def __init__(self, program: Program, example: Inputs) -> None:
        self.program = program
        self.inputs = _like(example)
        self.trace, self.replay = captured(lambda: RECORDED.forward(program, self.inputs))
        self.back: dict[frozenset[str], tuple[Arriving, _Found, Callable[[], None]]] = {}

    def forward(self, inputs: Inputs) -> Trace:
        for (_, own), (_, given) in zip(_tensors(self.inputs), _tensors(inputs), strict=True):
            own.copy_(given)
        self.replay()
        outputs = {name: self.trace.values[name] for name in self.program.outputs}
        return Trace(self.trace.pre, {**self.trace.values, **_clones(outputs)})

    def backward(self, arriving: Arriving) -> _Found:
        given = {name: tensor for name, tensor in arriving.items() if tensor is not None}
        places = frozenset(given)
        if places not in self.back:
            rooms = {name: None if tensor is None else _room(tensor) for name, tensor in arriving.items()}
            self.back[places] = (rooms, *captured(lambda: self._backward(rooms)))
        own, found, replay = self.back[places]
        for name, tensor in given.items():
            room = own[name]
            assert room is not None
            room.copy_(tensor)
        replay()
        outers, initial = found.gradients.outers, found.gradients.initial
        return _Found([tensor.clone() for tensor in found.pre], Gradients(_clones(outers), _clones(initial)))

    def _backward(self, arriving: Arriving) -> _Found:
        trace = replace(self.trace)
        gradients = RECORDED.backward(self.program, self.inputs, trace, arriving)
        return _Found(trace.pre, gradients)


def captured(work: Callable[[], T]) -> tuple[T, Callable[[], None]]:
    """What some work for the GPU makes, and what does the work again, on the same memory."""
    aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):  # once before, so that libraries have what they make at their first use
        work()
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):  # other threads bring the next batches meanwhile
        made = work()
    return made, graph.replay


def _tensors(inputs: Inputs) -> Iterator[tuple[str, Tensor]]:
    yield from ((str(number), tensor) for number, tensor in enumerate(inputs.sums))
    for group in (inputs.outers, inputs.weights, inputs.initial):
        yield from group.items()
    if inputs.lengths is not None:
        yield "lengths", inputs.lengths


def _like(inputs: Inputs) -> Inputs:
    """Room for inputs of this size."""
    outers, weights, initial = (
        {name: _room(tensor) for name, tensor in group.items()} for group in (inputs.outers, inputs.weights, inputs.initial)
    )
    lengths = None if inputs.lengths is None else _room(inputs.lengths)
    return Inputs(tuple(map(_room, inputs.sums)), outers, weights, initial, inputs.ticks, inputs.batch, lengths)


def _clones(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in tensors.items()}


def _room(tensor: Tensor) -> Tensor:
    return torch.zeros_like(tensor, memory_format=torch.contiguous_format)
