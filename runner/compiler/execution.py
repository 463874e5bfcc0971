"""How a loop is run, and why: the choice, in words, without torch."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import Literal

from runner.compiler.program import Program
from runner.compiler.recognise import Cell, recognise

Kind = Literal["fused", "native", "eager", "ticks"]

COMPILERS = ("c++", "g++", "clang++")


@dataclass(frozen=True, slots=True)
class Execution:
    """What runs a loop.

    `fused`: a kernel of torch's, for a recognised cell. `native`: generated C++, compiled on this machine. `eager`: the program
    in torch, weight gradients after the loop. `ticks`: node by node, tick by tick, which every other execution must equal.
    """

    kind: Kind
    why: str
    """Why this one, and not a faster one."""
    cell: Cell | None = None

    def __str__(self) -> str:
        names = {
            "fused": "torch's fused kernel",
            "native": "generated C++",
            "eager": "the program in torch",
            "ticks": "node by node, tick by tick",
        }
        return f"{names[self.kind]}: {self.why}" if self.why else names[self.kind]


def choose(program: Program | str, setting: str, device: str, precision: str = "fp32") -> Execution:
    """How to run a loop on `cpu` or `cuda`; `program` may be the reason why there is none, `setting` is `train.compile`."""
    if isinstance(program, str):
        return Execution("ticks", program)
    if setting == "off":
        return Execution("eager", "`compile: off`")
    cell = recognise(program)
    if isinstance(cell, Cell):
        return Execution(
            "fused", f"it is an {cell.kind.upper()}" if cell.kind == "lstm" else f"it is a plain recurrent cell of {cell.function}", cell
        )
    if device != "cpu" or precision != "fp32":
        return Execution("eager", f"generated code is for 32 bits on the CPU; no fused kernel: {cell}")
    if compiler() is None:
        return Execution("eager", f"no C++ compiler is on this machine; no fused kernel: {cell}")
    return Execution("native", f"no fused kernel: {cell}")


def compiler() -> str | None:
    """The C++ compiler of this machine."""
    import os

    wanted = os.environ.get("CXX")
    return next((path for name in ((wanted,) if wanted else COMPILERS) if (path := shutil.which(name))), None)
