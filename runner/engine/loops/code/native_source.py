"""A program as C++: the whole loop, forward and backward, in one file without headers.

Forward keeps the values of `Layout.kept` and the sums after their products, or in the place of a sum the one function of it that
backward needs, such as a gate. Backward recomputes the rest, and writes the gradients of the sums there. Each example is a row,
independent of the others, so that callers may split them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from nnrun.runner.compiler.loops.layout import Block, Kernel, Layout, layout, once_per_program
from nnrun.runner.compiler.loops.program import Inner, Operand, Outer, Program, Sum
from nnrun.runner.engine.loops.code.native_functions import COMMON_FUNCTIONS, FORMS, FUNCTIONS
from nnrun.runner.engine.loops.code.native_product import PRODUCT, PRODUCT_CALLS, VECTORS
from nnrun.runner.engine.loops.code.tape import Gradient, Step, Tape, kernel_tape


@dataclass
class Signature:
    """The order of a function's arguments: names of pointers and of whole numbers."""

    pointers: list[str] = field(default_factory=list)
    numbers: list[str] = field(default_factory=lambda: ["ticks", "batch", "first", "last"])

    def pointer(self, name: str) -> str:
        if name not in self.pointers:
            self.pointers.append(name)
        return f"p[{self.pointers.index(name)}]"

    def number(self, name: str) -> str:
        if name not in self.numbers:
            self.numbers.append(name)
        return f"n[{self.numbers.index(name)}]"

    def strided(self, name: str, row: str = "b") -> str:
        """Where a row begins in a tensor of any strides over ticks and examples."""
        return f"{self.pointer(name)} + u*{self.number(name + ' tick')} + {row}*{self.number(name + ' row')}"


@dataclass(frozen=True)
class Source:
    """C++, with what its two functions take."""

    text: str
    forward: Signature
    backward: Signature
    added: frozenset[str]
    """Values from outside whose gradients are added up, from zero; those of the others are written as a whole."""


@once_per_program
def native_source(program: Program, number: str) -> Source:
    """The code over `float` or `double`. Raises: ValueError if a function has no C++ form."""
    plan = layout(program)
    writers = _Writer(program, plan, Signature()), _Writer(program, plan, Signature())
    fixed = _types(number), FUNCTIONS[number], COMMON_FUNCTIONS, PRODUCT_CALLS
    text = "\n".join((*fixed, *writers[0].forward(), *writers[1].backward()))
    return Source(text, writers[0].signature, writers[1].signature, frozenset(writers[1].added))


def common_source(number: str) -> str:
    """What the code of every program calls, over `float` or `double`."""
    return _types(number) + PRODUCT_CALLS + PRODUCT


def _types(number: str) -> str:
    return f"typedef {number} num;{VECTORS}"


@dataclass(frozen=True)
class _Part:
    """A kernel as steps, those of its gradients behind those of its values."""

    tape: Tape
    kept: dict[str, int]
    """Steps whose values are written to memory, by name."""
    leaving: dict[Operand, int]
    """Gradients of what the kernel reads."""
    remembered: dict[int, str]
    """Steps that forward writes over a sum, because backward needs them, and the sum for nothing else."""


CHEAP = {"read", "number", "spread", "add", "subtract", "multiply", "negative", "minimum", "maximum", "above", "relu", "abs"}
"""Steps that cost no more than to read a value from memory."""


def _remembered(tape: Tape, gradients: Iterable[int], ahead: int) -> dict[int, str]:
    """Steps among the first `ahead` that stand between a sum and all that `gradients` need of it, with the name of the sum."""
    roots = set(gradients)
    readers: dict[int, set[int]] = {}
    for at in tape.needed(roots):
        for argument in tape.steps[at].arguments:
            readers.setdefault(argument, set()).add(at)
    found: dict[int, str] = {}
    for first in sorted(readers):
        source = tape.steps[first].source
        if not isinstance(source, Sum):
            continue
        at, saves = first, False
        while at not in roots and len(readers[at]) == 1 and (reader := next(iter(readers[at]))) < ahead:
            at, saves = reader, saves or tape.steps[reader].function not in CHEAP
        if saves:
            found.setdefault(at, source.name)
    return found


class _Writer:
    def __init__(self, program: Program, plan: Layout, signature: Signature) -> None:
        self.program = program
        self.plan = plan
        self.signature = signature
        self.widths = plan.widths | {name: width for name, (_, width) in program.outers.items()}
        self.places = {name: (number, start) for number, block in enumerate(plan.blocks) for name, start in block.columns.items()}
        readers: dict[Outer, set[Kernel]] = {}
        for kernel in plan.kernels:
            for map in kernel.maps:
                for operand in map.reads:
                    if isinstance(operand, Outer):
                        readers.setdefault(operand, set()).add(kernel)
        self.added = {outer.name for outer, kernels in readers.items() if not outer.timed or len(kernels) > 1}

    def forward(self) -> Iterable[str]:
        yield self._opening("forward", "t = 0; t < T", "t += D")
        for level in self.plan.levels:
            for number, block in enumerate(self.plan.blocks):
                if block.level == level:
                    yield from self._product(number, block)
            for kernel in self.plan.kernels:
                if kernel.level == level:
                    yield from self._forward_kernel(kernel)
        yield "}}"

    def backward(self) -> Iterable[str]:
        yield self._opening("backward", "t = (T - 1) / D * D; t >= 0", "t -= D")
        for level in reversed(self.plan.levels):
            for kernel in reversed(self.plan.kernels):
                if kernel.level == level:
                    yield from self._backward_kernel(kernel)
            for number, block in enumerate(self.plan.blocks):
                if block.level == level:
                    yield from self._product_backward(number, block)
        yield "}}"

    def _opening(self, name: str, start: str, step: str) -> str:
        ticks = "T" if self.plan.step is None else str(self.plan.step)
        return (
            f'extern "C" void {name}(const long* n, num* const* p, const long long* lengths) {{\n'
            f"const long T = n[0], B = n[1], first = n[2], last = n[3], D = {ticks};\n"
            f"for (long {start}; {step}) {{ const long m = T - t < D ? T - t : D;"
        )

    def _product(self, number: int, block: Block) -> Iterable[str]:
        to, pointer, count = f"{self._pre(number)}", self.signature.pointer, self.signature.number
        sums = f"{pointer(f'sums {number}')}, {count(f'sums {number} tick')}, {count(f'sums {number} row')}"
        if not block.reads:
            yield f"product(t, m, first, last, B, {block.width}, 0, nullptr, nullptr, {sums}, {to});"
        for position, value in enumerate(block.reads):
            wide = self.widths[value.name]
            rows = f"{pointer(f'value {value.name}')} + (t + {self._depth(value.name) - value.delay})*B*{wide}"
            packed = pointer(f"packed {number} {position}")
            yield f"product(t, m, first, last, B, {block.width}, {wide}, {rows}, {packed}, {sums}, {to});"
            sums = f"{to}, B*{block.width}, {block.width}"

    def _product_backward(self, number: int, block: Block) -> Iterable[str]:
        for position, value in enumerate(block.reads):
            packed, wide = self.signature.pointer(f"packed {number} {position}"), self.widths[value.name]
            slots, rows = self.signature.number(f"slots {value.name}"), self.signature.pointer(f"gradient {value.name}")
            yield f"product_back(t, m, first, last, B, {wide}, {block.width}, {self._pre(number)}, {packed}, {rows}, {slots}, {value.delay});"

    def _forward_kernel(self, kernel: Kernel) -> Iterable[str]:
        part = self._part(kernel)
        rows = [f"num* w{at} = {self._row(name, 0)};" for name, at in part.kept.items()]
        rows += [f"num* k{at} = {self._sum(name)};" for at, name in part.remembered.items()]
        needed = part.tape.needed([*part.kept.values(), *part.remembered])
        reads, loads = self._reads(part.tape, needed, kernel.width)
        zeros = [f"zero(w{at}, {kernel.width});" for at in part.kept.values()]
        stores = [f"{to}{at}[j] = x{at};" for to, them in (("w", part.kept.values()), ("k", part.remembered)) for at in them]
        yield from self._rows(kernel, [*rows, *reads], zeros, [*loads, *self._steps(part.tape, needed), *stores])

    def _backward_kernel(self, kernel: Kernel) -> Iterable[str]:
        part = self._part(kernel)
        needed = part.tape.needed(part.leaving.values(), part.remembered)
        rows, loads = self._reads(part.tape, needed, kernel.width)
        rows += [f"const num* k{at} = {self._sum(name)};" for at, name in part.remembered.items()]
        loads += [f"const num x{at} = k{at}[j];" for at in part.remembered]
        clear, zeros, sums, after = [], [], [], []
        for name in part.kept:
            if name in self.plan.carried:
                # Each slot serves a later tick again, and starts from zero.
                clear.append(f"g_{self._id(name)}[j] = 0;")
                rows.append(f"num* g_{self._id(name)} = {self._slot(name, 0)};")
        body: list[str] = []
        for number, (source, to, adds) in enumerate(self._targets(kernel)):
            rows.append(f"num* r{number} = {to};")
            narrow = self._width(source) < kernel.width
            value = f"x{part.leaving[source]}" if source in part.leaving else "num(0)"
            if not adds:
                zeros.append(f"zero(r{number}, {self._width(source)});")
            if narrow:
                rows.append(f"num s{number} = 0;")
                sums.append(f"s{number}")
                body.append(f"s{number} += {value};")
                after.append(f"r{number}[0] {'+=' if adds else '='} s{number};")
            elif source in part.leaving or not adds:
                body.append(f"r{number}[j] {'+=' if adds else '='} {value};")
        steps = self._steps(part.tape, needed - part.remembered.keys())
        yield from self._rows(kernel, rows, zeros, [*loads, *steps, *clear, *body], sums, after)

    def _targets(self, kernel: Kernel) -> Iterable[tuple[Operand, str, bool]]:
        """Where the gradients of what a kernel reads go: source, row, and whether there is something already."""
        here = {map.name for map in kernel.maps}
        for source in dict.fromkeys(operand for map in kernel.maps for operand in map.reads):
            match source:
                case Sum(name=name):
                    yield source, self._sum(name), False
                case Inner(name=name, delay=delay) if delay or name not in here:
                    yield source, self._slot(name, delay), True
                case Outer(name=name, timed=timed):
                    row = f"({'r' if timed else 'b'})*{self._width(source)}"
                    yield source, f"{self.signature.pointer(f'gradient outer {name}')} + {row}", name in self.added

    def _rows(
        self, kernel: Kernel, rows: list[str], zeros: list[str], body: list[str], sums: Iterable[str] = (), after: Iterable[str] = ()
    ) -> Iterable[str]:
        reduction = f" reduction(+:{','.join(sums)})" if sums else ""
        yield "for (long u = t; u < t + m; u++) for (long b = first; b < last; b++) { const long r = u*B + b;"
        yield from rows
        yield f"if (lengths && u >= lengths[b]) {{ {' '.join(zeros)} continue; }}"
        yield f'_Pragma("omp simd{reduction}") for (long j = 0; j < {kernel.width}; j++) {{'
        yield from body
        yield "}"
        yield from after
        yield "}"

    def _part(self, kernel: Kernel) -> _Part:
        # All as wide as the kernel: narrow values stand for themselves at every entry, and their gradients are added up at the end.
        tape, values = kernel_tape(kernel, {operand: kernel.width for map in kernel.maps for operand in map.reads})
        kept = {name: at for name, at in values.items() if name in self.plan.kept}
        ahead = len(tape.steps)
        gradients = tape.backward(kept, kernel.width)
        return _Part(tape, kept, gradients, _remembered(tape, gradients.values(), ahead))

    def _reads(self, tape: Tape, needed: set[int], width: int) -> tuple[list[str], list[str]]:
        """Pointers to the rows of sources, and what is loaded from them for each entry."""
        rows, loads = [], []
        for at in sorted(needed):
            source = tape.steps[at].source
            match source:
                case None:
                    continue
                case Gradient(name=name):
                    parts = []
                    if name in self.program.outputs:
                        rows.append(f"const num* d{at} = {self.signature.strided(f'arriving {name}')};")
                        parts.append(f"d{at}[j]")
                    if name in self.plan.carried:
                        parts.append(f"g_{self._id(name)}[j]")
                    loads.append(f"const num x{at} = {' + '.join(parts)};")
                    continue
                case Sum(name=name):
                    row = self._sum(name)
                case Outer(name=name):
                    row = self.signature.strided(f"outer {name}")
                case Inner(name=name, delay=delay):
                    row = self._row(name, delay)
            if self._width(source) < width:
                rows.append(f"const num x{at} = ({row})[0];")
            else:
                rows.append(f"const num* q{at} = {row};")
                loads.append(f"const num x{at} = q{at}[j];")
        return rows, loads

    def _steps(self, tape: Tape, needed: set[int]) -> Iterable[str]:
        for at in sorted(needed):
            step = tape.steps[at]
            if step.source is None:
                yield f"const num x{at} = {_form(step)};"

    def _width(self, source: Operand) -> int:
        return self.program.products[source.name].width if isinstance(source, Sum) else self.widths[source.name]

    def _depth(self, name: str) -> int:
        return self.program.depths.get(name, 0)

    def _pre(self, number: int) -> str:
        return self.signature.pointer(f"pre {number}")

    def _sum(self, name: str) -> str:
        number, start = self.places[name]
        return f"{self._pre(number)} + r*{self.plan.blocks[number].width} + {start}"

    def _row(self, name: str, delay: int) -> str:
        return f"{self.signature.pointer(f'value {name}')} + (r + {self._depth(name) - delay}*B)*{self.widths[name]}"

    def _slot(self, name: str, delay: int) -> str:
        slots = self.signature.number(f"slots {name}")
        return f"{self.signature.pointer(f'gradient {name}')} + (slot(u - {delay}, {slots})*B + b)*{self.widths[name]}"

    def _id(self, name: str) -> int:
        return self.plan.kept.index(name)


def _form(step: Step) -> str:
    if step.function == "number":
        return _number(step.number)
    if step.function not in FORMS:
        raise ValueError(f"`{step.function}` has no C++ form")
    return FORMS[step.function].format(*(f"x{at}" for at in step.arguments))


def _number(value: float) -> str:
    if value != value:
        return 'num(__builtin_nan(""))'
    if abs(value) == float("inf"):
        return "num(__builtin_inf())" if value > 0 else "num(-__builtin_inf())"
    return f"num({value!r})"
