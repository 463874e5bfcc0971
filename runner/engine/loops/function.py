"""A loop as one function of autograd: what every execution of a program has in common.

An execution runs the ticks forward, and backward to the gradients of the sums. Those of the weights are one product over all
ticks and examples, after the loop. Source: Appleyard, Kočiský and Blunsom 2016, Optimizing performance of recurrent neural
networks on GPUs, section 3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from nnrun.registry.modules.products import transposed_product
from nnrun.runner.compiler.loops.layout import Block, layout
from nnrun.runner.compiler.loops.program import Program
from nnrun.runner.engine.loops.inputs import Inputs


@dataclass
class Trace:
    """What a forward run leaves for the backward run."""

    pre: list[Tensor]
    """(T, B, width) by block: the sums after their products, or what the execution wants to see of them again; backward puts
    their gradients in their place."""
    values: dict[str, Tensor]
    """(depth + T, B, width) of each kept value, its initial ones first."""
    rest: Any = None
    """Whatever else the execution wants to see again."""


@dataclass
class Gradients:
    """What a backward run finds beside the gradients of the sums."""

    outers: dict[str, Tensor]
    """(T, B, width), or (1, B, width) of a value that is not along time."""
    initial: dict[str, Tensor]


class Execution(Protocol):
    def forward(self, program: Program, inputs: Inputs) -> Trace: ...

    def backward(self, program: Program, inputs: Inputs, trace: Trace, arriving: Mapping[str, Tensor | None]) -> Gradients: ...


def run(execution: Execution, program: Program, inputs: Inputs) -> dict[str, Tensor]:
    """The outputs of a program: (T, B, width) each."""
    tensors = [tensor for group in _groups(inputs) for tensor in group.values()]
    outputs: Sequence[Tensor] = _Loop.apply(execution, program, inputs, *tensors)  # type: ignore[no-untyped-call]
    return dict(zip(program.outputs, outputs, strict=True))


def kept_values(program: Program, inputs: Inputs) -> dict[str, Tensor]:
    """Room for what a forward run keeps, (depth + T, B, width) each, the initial values written."""
    like = next(iter((*inputs.sums, *inputs.outers.values(), *inputs.initial.values())))
    values = {}
    for name in layout(program).kept:
        depth = program.depths.get(name, 0)
        values[name] = like.new_empty(depth + inputs.ticks, inputs.batch, layout(program).widths[name])
        if depth:
            values[name][:depth] = inputs.initial[name]
    return values


class _Loop(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, execution: Execution, program: Program, inputs: Inputs, *tensors: Tensor) -> tuple[Tensor, ...]:
        given = _with(inputs, tensors)
        trace = execution.forward(program, given)
        # Sums are not kept: what backward needs of them is in `pre`, which is their own memory where they have all rows.
        later = [tensor for group in _groups(given)[1:] for tensor in group.values()]
        ctx.save_for_backward(*later, *trace.pre, *trace.values.values())
        ctx.sums = [tensor.shape for tensor in given.sums]
        ctx.rest = execution, program, _with(inputs, [None] * len(tensors)), len(later), list(trace.values), trace.rest
        ctx.set_materialize_grads(False)
        return tuple(trace.values[name][program.depths.get(name, 0) :] for name in program.outputs)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *arriving: Tensor | None) -> tuple[Any, ...]:
        execution, program, inputs, count, names, rest = ctx.rest
        blocks = layout(program).blocks
        later, pre, values = _cut(ctx.saved_tensors, count, len(blocks))
        inputs = _with(inputs, [*([None] * len(blocks)), *later])
        trace = Trace(list(pre), dict(zip(names, values, strict=True)), rest)
        gradients = execution.backward(program, inputs, trace, dict(zip(program.outputs, arriving, strict=True)))
        for before, after in zip(pre, trace.pre, strict=True):
            if before is after:  # a second backward run would find gradients in place of sums
                torch.autograd.graph.increment_version(before)
        wanted = dict(zip(_places(inputs), ctx.needs_input_grad[3:], strict=True))
        found: dict[tuple[str, str], Tensor] = {}
        for number, (block, gradient) in enumerate(zip(blocks, trace.pre, strict=True)):
            if wanted["sums", str(number)]:
                found["sums", str(number)] = _reduced(gradient, ctx.sums[number])
            for position in range(len(block.reads)):
                if any(wanted["weights", name] for name in block.weights(position)):
                    _add_weights(found, program, block, position, gradient, trace)
        for group, gathered, given in (("outers", gradients.outers, inputs.outers), ("initial", gradients.initial, inputs.initial)):
            found |= {(group, name): _reduced(tensor, given[name].shape) for name, tensor in gathered.items() if wanted[group, name]}
        return None, None, None, *(found.get(place) for place in wanted)


def _add_weights(
    found: dict[tuple[str, str], Tensor], program: Program, block: Block, position: int, gradient: Tensor, trace: Trace
) -> None:
    value = block.reads[position]
    first = program.depths.get(value.name, 0) - value.delay
    read = trace.values[value.name][first : first + len(gradient)]
    whole = transposed_product(gradient.flatten(0, 1), read.flatten(0, 1))
    for weight, part in zip(block.weights(position), torch.split(whole, [product.width for product in block.products]), strict=True):
        place = "weights", weight
        found[place] = found[place] + part if place in found else part


def _reduced(gradient: Tensor, shape: Sequence[int]) -> Tensor:
    """Summed over the axes that were stretched."""
    axes = [axis for axis, size in enumerate(shape) if size == 1 and gradient.shape[axis] != 1]
    return gradient.sum(axes, keepdim=True) if axes else gradient


def _groups(inputs: Inputs) -> tuple[Mapping[str, Tensor], ...]:
    sums = {str(number): tensor for number, tensor in enumerate(inputs.sums)}
    return sums, inputs.outers, inputs.weights, inputs.initial


def _places(inputs: Inputs) -> list[tuple[str, str]]:
    return [(group, name) for group, them in zip(("sums", "outers", "weights", "initial"), _groups(inputs), strict=True) for name in them]


def _with(inputs: Inputs, tensors: Sequence[Any]) -> Inputs:
    """The same inputs of other tensors, in the order of `_groups`."""
    rest = iter(tensors)
    sums, outers, weights, initial = ({name: next(rest) for name in group} for group in _groups(inputs))
    return Inputs(tuple(sums.values()), outers, weights, initial, inputs.ticks, inputs.batch, inputs.lengths)


def _cut(tensors: Sequence[Tensor], *counts: int) -> list[Sequence[Tensor]]:
    parts, start = [], 0
    for count in (*counts, len(tensors) - sum(counts)):
        parts.append(tensors[start : start + count])
        start += count
    return parts
