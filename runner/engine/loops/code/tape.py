"""What is computed entry by entry, as a list of single steps: formulas in, their gradients added, equal steps written once.

Both faster executions are made from it: one prints its steps as C++, the other runs them as torch operations.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from nnrun.registry.algebra.formula import Apply, Constant, Expression, Read
from nnrun.registry.modules.merge import evaluator
from nnrun.runner.compiler.loops.layout import Kernel
from nnrun.runner.compiler.loops.program import Inner, Operand, derivative


@dataclass(frozen=True, slots=True)
class Gradient:
    """What arrives at a value of the loop from everything that read it."""

    name: str


Source = Operand | Gradient


@dataclass(frozen=True, slots=True)
class Step:
    """A function of earlier steps; without arguments a source, or a number."""

    function: str
    """One of formulas; or `read`, `number`, `total` (over the features), `spread` (to more features)."""
    arguments: tuple[int, ...]
    width: int
    source: Source | None = None
    number: float = 0.0


class Tape:
    """Steps in an order in which they can be run."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._places: dict[Step, int] = {}

    def read(self, source: Source, width: int) -> int:
        return self._add(Step("read", (), width, source))

    def lower(self, expression: Expression, values: Sequence[int]) -> int:
        """Append an expression over earlier steps."""
        match expression:
            case Constant(value=value):
                return self._number(value)
            case Read(index=index):
                return values[index]
            case Apply(function=name, arguments=arguments):
                return self.apply(name, *(self.lower(argument, values) for argument in arguments))
        raise TypeError(f"not an expression of formulas: {expression!r}")

    def apply(self, name: str, *arguments: int) -> int:
        """Append a function of earlier steps, in its cheapest form."""
        numbers = [self.steps[at].number if self.steps[at].function == "number" else None for at in arguments]
        match name, numbers, arguments:
            case _, [float(), *rest], _ if None not in rest:
                return self._number(_of_numbers(name, [float(number or 0) for number in numbers]))
            case ("multiply", [1.0, None], (_, one)) | ("multiply", [None, 1.0], (one, _)):
                return one
            case ("add", [0.0, None], (_, one)) | ("add" | "subtract", [None, 0.0], (one, _)):
                return one
            case "power", [None, 0.0], _:
                return self._number(1.0)
            case ("power" | "divide", [None, 1.0], (one, _)):
                return one
            case "power", [None, 2.0], (one, _):
                return self.apply("multiply", one, one)
            case "power", [None, 3.0], (one, _):
                return self.apply("multiply", one, self.apply("multiply", one, one))
            case "power", [None, 0.5], (one, _):
                return self.apply("sqrt", one)
            case "power", [None, -1.0], (one, _):
                return self.apply("divide", self._number(1.0), one)
        if name in ("add", "multiply"):
            arguments = tuple(sorted(arguments))
        return self._add(Step(name, arguments, max(self.steps[at].width for at in arguments)))

    def spread(self, at: int, width: int) -> int:
        """The same value for every feature, where it has fewer."""
        return at if self.steps[at].width >= width else self._add(Step("spread", (at,), width))

    def backward(self, kept: Mapping[str, int], width: int) -> dict[Operand, int]:
        """Append the gradients of all that is read, given those that arrive at the values of `kept`. Source: the chain rule, in reverse."""
        gradients: dict[int, int] = {}
        for name, at in kept.items():
            arriving = self.read(Gradient(name), width)
            gradients[at] = self.apply("add", gradients[at], arriving) if at in gradients else arriving
        count = len(self.steps)
        found: dict[Source, int] = {}
        for at in reversed(range(count)):
            step = self.steps[at]
            if at not in gradients:
                continue
            if step.source is not None:
                found[step.source] = gradients[at]
            for position, argument in enumerate(step.arguments):
                if self.steps[argument].function == "number":
                    continue
                part = self._times(gradients[at], step, position)
                if self.steps[part].function == "number":
                    continue  # a slope of zero
                if self.steps[part].width > self.steps[argument].width:
                    part = self._add(Step("total", (part,), self.steps[argument].width))
                gradients[argument] = self.apply("add", gradients[argument], part) if argument in gradients else part
        return {source: at for source, at in found.items() if not isinstance(source, Gradient)}

    def needed(self, roots: Iterable[int], known: Collection[int] = ()) -> set[int]:
        """The steps that some of `roots` depend on, these included; what `known` ones depend on is not asked."""
        found: set[int] = set()
        todo = list(roots)
        while todo:
            at = todo.pop()
            if at not in found:
                found.add(at)
                todo.extend(self.steps[at].arguments if at not in known else ())
        return found

    def _times(self, gradient: int, step: Step, position: int) -> int:
        if step.function == "spread":
            return gradient
        whole = Apply(step.function, tuple(Read(index) for index in range(len(step.arguments))))
        match derivative(whole, position):
            case Apply(function="negative", arguments=(slope,)):
                return self.apply("negative", self._product(gradient, self.lower(slope, step.arguments)))
            case Constant(value=-1.0):
                return self.apply("negative", gradient)
            case slope:
                return self._product(gradient, self.lower(slope, step.arguments))

    def _product(self, gradient: int, slope: int) -> int:
        found = self.steps[slope]
        if found.function == "number" and found.number == 0:
            return slope
        if found.function == "divide" and self.steps[found.arguments[0]] == Step("number", (), 1, None, 1.0):
            return self.apply("divide", gradient, found.arguments[1])
        return self.apply("multiply", gradient, slope)

    def _number(self, value: float) -> int:
        return self._add(Step("number", (), 1, None, float(value)))

    def _add(self, step: Step) -> int:
        if step not in self._places:
            self._places[step] = len(self.steps)
            self.steps.append(step)
        return self._places[step]


def _of_numbers(name: str, numbers: Sequence[float]) -> float:
    if name == "above":  # of slopes, not of formulas
        return float(numbers[0] > numbers[1])
    return float(evaluator(Apply(name, tuple(map(Constant, numbers))))(()))


def kernel_tape(kernel: Kernel, widths: Mapping[Operand, int]) -> tuple[Tape, dict[str, int]]:
    """The steps of a kernel, and which of them is each map's value."""
    tape = Tape()
    values: dict[str, int] = {}
    for map in kernel.maps:
        reads = []
        for operand in map.reads:
            same_tick = isinstance(operand, Inner) and not operand.delay and operand.name in values
            reads.append(values[operand.name] if same_tick else tape.read(operand, widths[operand]))
        values[map.name] = tape.spread(tape.lower(map.expression, reads), kernel.width)
    return tape, values
