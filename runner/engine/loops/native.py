"""A program as generated C++: the whole loop in two calls, forward and backward. For numbers of 32 or 64 bits on the CPU."""

from __future__ import annotations

import ctypes
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor

from nnrun.runner.compiler.loops.layout import Block, Layout, layout, once_per_program
from nnrun.runner.compiler.loops.program import Program
from nnrun.runner.engine.loops import function
from nnrun.runner.engine.loops.code.native_build import CompilerError, build
from nnrun.runner.engine.loops.code.native_source import Signature, Source, common_source, native_source
from nnrun.runner.engine.loops.function import Gradients, Trace
from nnrun.runner.engine.loops.inputs import Inputs
from nnrun.runner.spans import COMPILATION

NUMBERS = {torch.float32: "float", torch.float64: "double"}
"""What C++ calls them."""

ROWS = 16
"""Examples that are worth a thread of their own."""


def run(program: Program, inputs: Inputs) -> dict[str, Tensor]:
    """The outputs of a program: (T, B, width) each.

    Raises: ValueError if the tensors are not all of 32 or all of 64 bits, on the CPU.
    """
    tensors = (*inputs.sums, *inputs.outers.values(), *inputs.weights.values(), *inputs.initial.values())
    for tensor in tensors:
        if tensor.dtype != tensors[0].dtype or tensor.dtype not in NUMBERS or tensor.device.type != "cpu":
            raise ValueError(f"generated code is for float32 or float64 on the CPU, got {tensor.dtype} on {tensor.device}")
    return function.run(_Native(tensors[0].dtype), program, inputs)


@dataclass(frozen=True)
class _Library:
    """The functions of a compiled program, with the order of their arguments."""

    library: ctypes.CDLL
    source: Source

    @property
    def panel(self) -> int:
        return int(self.library.panel_width())


@once_per_program
def _library(program: Program, dtype: torch.dtype) -> _Library:
    with COMPILATION:
        source = native_source(program, NUMBERS[dtype])
        library = build(source.text, common_source(NUMBERS[dtype]))
    library.pack.argtypes = [ctypes.c_void_p] * 2 + [ctypes.c_long] * 4 + [ctypes.c_int]
    library.pack.restype = None
    return _Library(library, source)


def works(program: Program) -> bool:
    """Whether the program's code can be compiled and loaded here. If not, it is said why, once for all programs."""
    try:
        _library(program, torch.float32)
    except (CompilerError, OSError) as error:  # the latter where nothing can be written, or run, in the user's cache
        say_once(f"loops run without generated code: {error}")
        return False
    return True


@cache
def say_once(text: str) -> None:
    """A warning."""
    warnings.warn(text, RuntimeWarning, stacklevel=2)


@dataclass(frozen=True)
class _Native:
    dtype: torch.dtype

    def forward(self, program: Program, inputs: Inputs) -> Trace:
        library, plan = _library(program, self.dtype), layout(program)
        arguments = _Arguments(inputs)
        pre = []
        for number, block in enumerate(plan.blocks):
            sums = inputs.sums[number]
            whole = sums.shape[:2] == (inputs.ticks, inputs.batch)
            pre.append(sums if whole else sums.new_empty(inputs.ticks, inputs.batch, block.width))
            arguments.strided(f"sums {number}", sums)
            arguments.tensor(f"pre {number}", pre[number])
        values = function.kept_values(program, inputs)
        for name, tensor in values.items():
            arguments.tensor(f"value {name}", tensor)
        arguments.outers(inputs)
        arguments.packed(library, plan, inputs, turned=False)
        arguments.call(library.library.forward, library.source.forward)
        return Trace(pre, values)

    def backward(self, program: Program, inputs: Inputs, trace: Trace, arriving: Mapping[str, Tensor | None]) -> Gradients:
        library, plan = _library(program, self.dtype), layout(program)
        arguments = _Arguments(inputs)
        for number, tensor in enumerate(trace.pre):
            arguments.tensor(f"pre {number}", tensor)
        for name, tensor in trace.values.items():
            arguments.tensor(f"value {name}", tensor)
        for name in program.outputs:
            gradient = arriving[name]
            arguments.strided(f"arriving {name}", self._zeros(1, 1, plan.widths[name]) if gradient is None else gradient)
        arguments.outers(inputs)
        arguments.packed(library, plan, inputs, turned=True)
        gathering = {}
        for name in plan.carried:
            depth = program.depths.get(name, 0)
            # A slot is free again when its tick is done; blocks of several ticks must lie in a row.
            slots = depth + (1 if plan.step == 1 else inputs.ticks)
            gathering[name] = self._zeros(slots, inputs.batch, plan.widths[name])
            arguments.tensor(f"gradient {name}", gathering[name])
            arguments.number(f"slots {name}", slots)
        outers = {}
        for name, (outer, width) in program.outers.items():
            make = torch.zeros if name in library.source.added else torch.empty
            outers[name] = make(inputs.ticks if outer.timed else 1, inputs.batch, width, dtype=self.dtype)
            arguments.tensor(f"gradient outer {name}", outers[name])
        arguments.call(library.library.backward, library.source.backward)
        # the ticks before the first have the last slots
        return Gradients(outers, {name: gathering[name][-len(given) :] for name, given in inputs.initial.items() if name in gathering})

    def _zeros(self, *shape: int) -> Tensor:
        return torch.zeros(shape, dtype=self.dtype)


class _Arguments:
    """Pointers and whole numbers by name. Keeps what they point to alive."""

    def __init__(self, inputs: Inputs) -> None:
        self.inputs = inputs
        self.pointers: dict[str, Tensor] = {}
        self.numbers: dict[str, int] = {}
        self.lengths = None if inputs.lengths is None else inputs.lengths.to(torch.int64).contiguous()

    def tensor(self, name: str, tensor: Tensor) -> None:
        self.pointers[name] = tensor

    def number(self, name: str, value: int) -> None:
        self.numbers[name] = value

    def strided(self, name: str, tensor: Tensor) -> None:
        """(T or 1, B or 1, width) of any strides but the last's."""
        if tensor.stride(2) != 1 and tensor.shape[2] != 1:
            tensor = tensor.contiguous()
        self.pointers[name] = tensor
        self.numbers[f"{name} tick"] = tensor.stride(0) if tensor.shape[0] != 1 else 0
        self.numbers[f"{name} row"] = tensor.stride(1) if tensor.shape[1] != 1 else 0

    def outers(self, inputs: Inputs) -> None:
        for name, tensor in inputs.outers.items():
            self.strided(f"outer {name}", tensor)

    def packed(self, library: _Library, plan: Layout, inputs: Inputs, turned: bool) -> None:
        for number, block in enumerate(plan.blocks):
            for position in range(len(block.reads)):
                weights = [inputs.weights[name].detach().contiguous() for name in block.weights(position)]
                self.pointers[f"packed {number} {position}"] = _packed(library, block, weights, turned)

    def call(self, function: Any, signature: Signature) -> None:
        """Call for all examples, in as many threads as torch uses."""
        ticks, batch = self.inputs.ticks, self.inputs.batch
        pointers = (ctypes.c_void_p * len(signature.pointers))(*(self.pointers[name].data_ptr() for name in signature.pointers))
        lengths = ctypes.c_void_p(None if self.lengths is None else self.lengths.data_ptr())

        def rows(first: int, last: int) -> None:
            known = {"ticks": ticks, "batch": batch, "first": first, "last": last}
            numbers = (ctypes.c_long * len(signature.numbers))(*(known[n] if n in known else self.numbers[n] for n in signature.numbers))
            function(numbers, pointers, lengths)

        threads = max(1, min(torch.get_num_threads(), batch // ROWS))
        if threads == 1:
            rows(0, batch)
            return
        bounds = [batch * thread // threads for thread in range(threads + 1)]
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(rows, bounds[:-1], bounds[1:]))


def _packed(library: _Library, block: Block, weights: Sequence[Tensor], turned: bool) -> Tensor:
    inner = weights[0].shape[1]
    width, depth = (inner, block.width) if turned else (block.width, inner)
    packed = weights[0].new_empty(-(-width // library.panel) * library.panel * depth)
    start = 0
    for weight in weights:
        library.library.pack(packed.data_ptr(), weight.data_ptr(), len(weight), inner, start, block.width, int(turned))
        start += len(weight)
    return packed
