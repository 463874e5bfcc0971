"""How a loop is run, and why: the choice, in words, without torch."""

from __future__ import annotations

import os
import shlex
import shutil
from dataclasses import dataclass
from typing import Literal

from nnrun.runner.compiler.loops.program import Program
from nnrun.runner.compiler.loops.recognise import Cell, recognise

Kind = Literal["fused", "native", "graphed", "eager", "ticks"]

COMPILERS = ("c++", "g++", "clang++")


@dataclass(frozen=True, slots=True)
class Execution:
    """What runs a loop.

    `fused`: a kernel of torch's, for a recognised cell. `native`: generated C++, compiled on this machine. `eager`: the program
    in torch, weight gradients after the loop. `graphed`: the same as CUDA graphs, on a GPU. `ticks`: node by node, tick by tick,
    which every other execution must equal.
    """

    kind: Kind
    why: str
    """Why this one, and not a faster one."""
    cell: Cell | None = None

    def __str__(self) -> str:
        names = {
            "fused": "torch's fused kernel",
            "native": "generated C++",
            "graphed": "the program in torch, as CUDA graphs",
            "eager": "the program in torch",
            "ticks": "node by node, tick by tick",
        }
        return f"{names[self.kind]}: {self.why}" if self.why else names[self.kind]


def choose(program: Program | str, setting: str, device: str, forced: Kind | None = None, *, compiles: bool = True) -> Execution:
    """How to run a loop on `cpu` or `cuda`.

    `program` may be the reason why there is none; `setting` is `train.compile`; `forced`, for comparisons, is taken whatever suits;
    `compiles` is false if the machine's compiler turned out not to work.
    """
    if isinstance(program, str):
        return Execution("ticks", program)
    if forced is not None:
        cell = recognise(program) if forced == "fused" else None
        return Execution(forced, "as asked for", cell if isinstance(cell, Cell) else None)
    if setting == "off":
        return Execution("eager", "`compile: off`")
    cell = recognise(program)
    why = f"it is {cell}" if isinstance(cell, Cell) else f"torch has no kernel for it: {cell}"
    if device == "cpu" and compiles and compiler() is not None:
        return Execution("native", f"{why}, where torch's kernel is no faster" if isinstance(cell, Cell) else why)
    if device == "cpu":
        why += f"; {missing}" if (missing := missing_compiler()) else "; no C++ compiler works on this machine"
    return Execution("fused", why, cell) if isinstance(cell, Cell) else Execution(_in_torch(device), why)


def choose_for_cell(
    program: Program | str, fused: bool, setting: str, device: str, forced: Kind | None = None, *, compiles: bool = True
) -> Execution:
    """How to run the cell of a node, which may be one of torch's, `fused`."""
    if forced is not None:
        return Execution(forced, "as asked for")
    if isinstance(program, Program) and setting != "off" and device == "cpu" and compiles and compiler() is not None:
        return Execution("native", "")
    if fused:
        return Execution("fused", "")
    if isinstance(program, str):
        return Execution("ticks", program)
    return Execution(_in_torch(device) if setting != "off" else "eager", "")


def _in_torch(device: str) -> Kind:
    return "graphed" if device == "cuda" else "eager"


def compiler() -> tuple[str, ...] | None:
    """The C++ compiler of this machine: the words that call it. `CXX` may hold options, or a program that calls another."""
    wanted = _wanted()
    calls = [wanted] if wanted else [[name] for name in COMPILERS]
    return next(((path, *more) for name, *more in calls if (path := shutil.which(name))), None)


def missing_compiler() -> str | None:
    """That `CXX` names a compiler which is not there, in words."""
    wanted = _wanted()
    return f"`CXX` names `{wanted[0]}`, which is not there" if wanted and shutil.which(wanted[0]) is None else None


def _wanted() -> list[str]:
    text = os.environ.get("CXX", "")
    try:
        return shlex.split(text)
    except ValueError:  # a quote without its other one
        return [text]
