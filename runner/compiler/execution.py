"""How a loop is run, and why: the choice, in words, without torch."""

from __future__ import annotations

import os
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


def choose(program: Program | str, setting: str, device: str, *, ragged: bool = False, forced: Kind | None = None) -> Execution:
    """How to run a loop on `cpu` or `cuda`.

    `program` may be the reason why there is none; `setting` is `train.compile`; `ragged` says that sequences differ in length;
    `forced`, for comparisons, is taken whatever suits.
    """
    if isinstance(program, str):
        return Execution("ticks", program)
    if forced is not None:
        cell = recognise(program) if forced == "fused" else None
        return Execution(forced, "as asked for", cell if isinstance(cell, Cell) else None)
    if setting == "off":
        return Execution("eager", "`compile: off`")
    cell = recognise(program)
    if isinstance(cell, Cell) and ((cell.kind == "lstm" and not ragged) or device != "cpu" or compiler() is None):
        return Execution("fused", f"it is {cell}", cell)
    why = f"no fused kernel, for {cell}"
    if isinstance(cell, Cell):
        slow = "on sequences of different length" if cell.kind == "lstm" else "on the CPU"
        why = f"it is {cell}, for which torch's kernel is slower {slow}"
    if device != "cpu":
        return Execution("eager", f"{why}; generated code is for the CPU")
    if compiler() is None:
        return Execution("eager", f"{why}; no C++ compiler is on this machine")
    return Execution("native", why)


def compiler() -> str | None:
    """The C++ compiler of this machine."""
    wanted = os.environ.get("CXX")
    return next((path for name in ((wanted,) if wanted else COMPILERS) if (path := shutil.which(name))), None)
