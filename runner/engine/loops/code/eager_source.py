"""A program as Python: the torch operations of its ticks, forward and backward, in a row.

Tensors of a tick are taken from lists made before the loop (slicing in it costs more than the arithmetic), results are
written to where they are kept, and equal functions of neighbouring sums are one operation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from math import inf, nan

import torch
from torch import Tensor

from nnrun.runner.compiler.loops.layout import Kernel, layout, once_per_program
from nnrun.runner.compiler.loops.program import Inner, Operand, Outer, Program, Sum
from nnrun.runner.engine.loops.code.eager_steps import FUNCTIONS_OF_STEPS, OPERATORS, WRITING, Operation, select
from nnrun.runner.engine.loops.code.tape import Gradient, kernel_tape


@dataclass(frozen=True)
class Run:
    """Neighbouring sums of one block under one function: computed, and differentiated, at once."""

    block: int
    start: int
    width: int
    """Of each."""
    steps: tuple[int, ...]
    """The function of each."""
    sums: tuple[str, ...]

    @property
    def stop(self) -> int:
        return self.start + self.width * len(self.sums)


Key = tuple[object, ...]
"""What a list of tensors is: `value` and a name, `pre` and the number of a block, and so on; `eager.py` makes them."""


@dataclass(frozen=True)
class Code:
    """A printed function, and the lists that it takes."""

    run: Callable[..., None]
    text: str
    lists: tuple[Key, ...]


@once_per_program
def eager_code(program: Program) -> tuple[Code, Code]:
    """The ticks forward, and backward."""
    parts = [_Part(program, number, kernel) for number, kernel in enumerate(layout(program).kernels)]
    forward, backward = _Printer(program, parts), _Printer(program, parts)
    return forward.code("range(ticks)", forward.forward()), backward.code("range(ticks - 1, -1, -1)", backward.backward())


class _Part:
    """A kernel as operations."""

    def __init__(self, program: Program, number: int, kernel: Kernel) -> None:
        plan = layout(program)
        self.number, self.kernel = number, kernel
        widths: dict[Operand, int] = {}
        for operand in (operand for map in kernel.maps for operand in map.reads):
            match operand:
                case Sum(name=name):
                    widths[operand] = program.products[name].width
                case Outer(name=name):
                    widths[operand] = program.outers[name][1]
                case Inner(name=name):
                    widths[operand] = plan.widths[name]
        self.tape, self.values = kernel_tape(kernel, widths)
        self.kept = {name: at for name, at in self.values.items() if name in plan.kept}
        given = len(self.tape.steps)
        self.leaving = self.tape.backward(self.kept, kernel.width)
        self.reads = widths
        self.back = select(self.tape, self.leaving.values(), given)
        again = {at for operation in self.back.values() for at in operation.arguments if at < given}
        self.saved = {at for at in again | {at for at in self.leaving.values() if at < given} if self.tape.steps[at].arguments}
        self.ahead = select(self.tape, [*self.kept.values(), *self.saved])
        self.runs = tuple(self._runs(program))
        self.in_runs = {at: (run, position) for run in self.runs for position, at in enumerate(run.steps)}

    def _runs(self, program: Program) -> Iterator[Run]:
        readers: dict[str, list[int]] = {}
        for at, operation in self.ahead.items():
            for argument in operation.arguments:
                source = self.tape.steps[argument].source
                if isinstance(source, Sum):
                    readers.setdefault(source.name, []).append(at)
        for number, block in enumerate(layout(program).blocks):

            def kind(name: str) -> tuple[str, int]:
                match readers.get(name, []):
                    case [at] if at not in self.kept.values() and self.ahead[at].function in ("tanh", "sigmoid", "exp"):
                        return self.ahead[at].function, program.products[name].width
                return name, 0

            for (_, width), names in groupby(block.columns, kind):
                sums = tuple(names)
                if len(sums) > 1:
                    yield Run(number, block.columns[sums[0]], width, tuple(readers[name][0] for name in sums), sums)


class _Printer:
    def __init__(self, program: Program, parts: list[_Part]) -> None:
        self.program, self.plan, self.parts = program, layout(program), parts
        self.lists: list[Key] = []

    def code(self, ticks: str, lines: Iterable[str]) -> Code:
        body = "".join(f"        {line}\n" for line in lines) or "        pass\n"
        names = ", ".join(f"l{at}" for at in range(len(self.lists)))
        text = f"def run(ticks, whole, {names}):\n    for t in {ticks}:\n{body}"
        known: dict[str, Callable[..., None]] = {}
        exec(text, _NAMES, known)
        return Code(known["run"], text, tuple(self.lists))

    def forward(self) -> Iterator[str]:
        for level in self.plan.levels:
            for number, block in enumerate(self.plan.blocks):
                for position, value in enumerate(block.reads if block.level == level else ()):
                    yield f"{self._at('pre', number)}.addmm_({self._value(value)}, {self._list('weight', number, position)})"
            for part in self.parts:
                if part.kernel.level == level:
                    yield from self._forward(part)

    def backward(self) -> Iterator[str]:
        for level in reversed(self.plan.levels):
            for part in reversed(self.parts):
                if part.kernel.level == level:
                    yield from self._backward(part)
            for number, block in enumerate(self.plan.blocks):
                for position, value in enumerate(block.reads if block.level == level else ()):
                    gathered = self._gathered(value)
                    yield f"{gathered} = product({gathered}, {self._at('change', number)}, {self._list('weight back', number, position)})"

    def _forward(self, part: _Part) -> Iterator[str]:
        where = {at: self._value(Inner(name, 0)) for name, at in part.kept.items()}
        yield from self._sources(part, part.ahead.values(), part.kept.values())
        for run in part.runs:
            function = part.ahead[run.steps[0]].function
            yield f"write_{function}({self._at('pre run', run)}, out={self._at('run', part.number, run)})"
        for at, operation in part.ahead.items():
            if at in part.in_runs:
                yield f"x{at} = {self._at('part', part.number, *part.in_runs[at])}"
            else:
                yield from self._operation(part, at, operation, where.get(at))
        for name, at in part.kept.items():
            to = self._value(Inner(name, 0))
            if where[at] != to or at not in part.ahead or not self._writable(part, part.ahead[at]):
                yield f"keep({to}, {self._name(part, at)})"
        for at in sorted(part.saved - part.in_runs.keys() - set(part.kept.values())):
            yield f"{self._at('saved', part.number, at)} = x{at}"
        yield f"if t >= whole: clear({self._at('padded')}, {', '.join(map(self._value, (Inner(name, 0) for name in part.kept)))})"

    def _backward(self, part: _Part) -> Iterator[str]:
        yield from self._again(part)
        uses = Counter(at for operation in part.back.values() for at in operation.arguments) + Counter(part.leaving.values())
        together = [run for run in part.runs if self._one_function(part, run, uses)]
        slots = {
            part.back[part.leaving[Sum(name)]].arguments[0]: self._list("slot", run, position)
            for run in together
            for position, name in enumerate(run.sums)
        }
        done = {name for run in together for name in run.sums}
        sums = {
            part.leaving[operand]: self._change(operand) for operand in part.reads if isinstance(operand, Sum) and operand in part.leaving
        }
        skipped = {part.leaving[Sum(name)] for name in done}
        direct: set[int] = set()
        for at, operation in part.back.items():
            if at not in skipped:
                to = slots.get(at, sums.get(at)) if uses[at] == 1 and self._writable(part, operation) else None
                direct |= {at} if to else set()
                yield from self._operation(part, at, operation, to)
        for run in together:
            first = part.back[part.leaving[Sum(run.sums[0])]]
            for at in (part.back[part.leaving[Sum(name)]].arguments[0] for name in run.sums):
                if at not in direct:
                    yield f"keep({slots[at]}, {self._name(part, at)})"
            whole = f"{self._list('slots', run)}, {self._at('run', part.number, run)}"
            yield f"write_{first.function}({whole}, grad_input={self._at('change run', run)})"
        yield from self._leave(part, done, direct)

    def _leave(self, part: _Part, done: set[str], direct: set[int]) -> Iterator[str]:
        """Hand gradients on; none leave at padded ticks."""
        lines: list[str] = []
        padded: list[str] = []
        for operand in part.reads:
            at = part.leaving.get(operand)
            if isinstance(operand, Sum):
                to = self._change(operand)
                padded.append(to)
                if at is None:
                    lines.append(f"{to}.zero_()")
                elif operand.name not in done and at not in direct:
                    lines.append(f"keep({to}, {self._name(part, at)})")
            elif at is not None:
                to = self._gathered(operand) if isinstance(operand, Inner) else self._outer_gradient(operand)
                name = self._name(part, at)
                lines.append(f"{to} = gather({to}, {name} if t < whole else without({self._at('padded')}, {name}))")
        yield from lines
        if padded:
            yield f"if t >= whole: clear({self._at('padded')}, {', '.join(padded)})"

    def _again(self, part: _Part) -> Iterator[str]:
        """What backward needs of the forward run."""
        for at in sorted(part.saved):
            kept = next((name for name, other in part.kept.items() if other == at), None)
            if at in part.in_runs:
                yield f"x{at} = {self._at('part', part.number, *part.in_runs[at])}"
            else:
                yield f"x{at} = {self._value(Inner(kept, 0)) if kept else self._at('saved', part.number, at)}"
        yield from self._sources(part, part.back.values(), part.leaving.values())

    def _sources(self, part: _Part, operations: Iterable[Operation], roots: Iterable[int] = ()) -> Iterator[str]:
        for at in sorted({at for operation in operations for at in operation.arguments} | set(roots)):
            match part.tape.steps[at].source:
                case Sum(name=name) as source if not any(name in run.sums for run in part.runs):
                    yield f"x{at} = {self._at('sum', source.name)}"
                case Outer(name=name):
                    yield f"x{at} = {self._at('outer', name)}"
                case Inner() as value:
                    yield f"x{at} = {self._value(value)}"
                case Gradient(name=name):
                    carried, output = name in self.plan.carried, name in self.program.outputs
                    gathered = self._gathered(Inner(name, 0)) if carried else "None"
                    arriving = self._at("arriving", name) if output else "None"
                    yield f"x{at} = plus({gathered}, {arriving}, {self._list('zero', part.kernel.width)})"
                    if carried:
                        yield f"{gathered} = None"

    def _operation(self, part: _Part, at: int, operation: Operation, to: str | None) -> Iterator[str]:
        names = [self._name(part, one) for one in operation.arguments]
        if to and self._writable(part, operation):
            if part.tape.steps[operation.arguments[0]].function == "number":
                names.reverse()
            out = "grad_input" if operation.function.endswith("_backward") else "out"
            yield f"x{at} = write_{operation.function}({', '.join(names)}, {out}={to})"
        elif operation.function in OPERATORS:
            yield f"x{at} = {OPERATORS[operation.function].format(*names)}"
        else:
            yield f"x{at} = {operation.function}({', '.join(names)})"

    def _writable(self, part: _Part, operation: Operation) -> bool:
        """Whether an operation can write its result where it is kept: torch wants a tensor first, and the result's size."""
        steps = [part.tape.steps[at] for at in operation.arguments]
        commutes = operation.function in ("add", "multiply")
        number_first = steps[0].function == "number" and not commutes
        return operation.function in WRITING and not number_first and any(step.width == part.kernel.width for step in steps)

    def _one_function(self, part: _Part, run: Run, uses: Counter[int]) -> bool:
        """Whether the gradients of a run are one operation."""
        wanted = f"{part.ahead[run.steps[0]].function}_backward"
        for name, at in zip(run.sums, run.steps, strict=True):
            result = part.leaving.get(Sum(name), -1)
            operation = part.back.get(result)
            if operation is None or operation.function != wanted or operation.arguments[1] != at or uses[result] > 1:
                return False
        return len({part.back[part.leaving[Sum(name)]].arguments[0] for name in run.sums}) == len(run.sums)

    def _name(self, part: _Part, at: int) -> str:
        step = part.tape.steps[at]
        return repr(step.number) if step.function == "number" else f"x{at}"

    def _list(self, *key: object) -> str:
        if key not in self.lists:
            self.lists.append(key)
        return f"l{self.lists.index(key)}"

    def _at(self, *key: object) -> str:
        return f"{self._list(*key)}[t]"

    def _value(self, value: Inner) -> str:
        return f"{self._list('value', value.name)}[t + {self.program.depths.get(value.name, 0) - value.delay}]"

    def _gathered(self, value: Inner) -> str:
        return f"{self._list('gathered', value.name)}[t + {self.program.depths.get(value.name, 0) - value.delay}]"

    def _change(self, operand: Sum) -> str:
        return self._at("change of", operand.name)

    def _outer_gradient(self, outer: Operand) -> str:
        timed = isinstance(outer, Outer) and outer.timed
        return f"{self._list('outer gradient', outer.name)}[{'t' if timed else '0'}]"


def _keep(to: Tensor, value: Tensor | float) -> None:
    if isinstance(value, Tensor):
        to.copy_(value)
    else:
        to.fill_(value)


def _clear(padded: Tensor, *values: Tensor) -> None:
    for value in values:
        value.masked_fill_(padded, 0)


def _plus(gathered: Tensor | None, arriving: Tensor | None, zero: Tensor) -> Tensor:
    if gathered is None:
        return zero if arriving is None else arriving
    return gathered if arriving is None else gathered + arriving


def _gather(gathered: Tensor | None, gradient: Tensor) -> Tensor:
    return gradient if gathered is None else gathered + gradient


def _product(gathered: Tensor | None, change: Tensor, weight: Tensor) -> Tensor:
    return torch.mm(change, weight) if gathered is None else torch.addmm(gathered, change, weight)


def _without(padded: Tensor, gradient: Tensor) -> Tensor:
    return gradient.masked_fill(padded, 0)


_NAMES: dict[str, object] = {
    **FUNCTIONS_OF_STEPS,
    **{f"write_{name}": function for name, function in WRITING.items()},
    "keep": _keep, "clear": _clear, "plus": _plus, "gather": _gather, "product": _product, "without": _without, "inf": inf, "nan": nan,
}  # fmt: skip
"""What printed code may call."""
