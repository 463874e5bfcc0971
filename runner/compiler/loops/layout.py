"""How a program lies in memory and in what order a tick runs: shared by the faster executions and by what prepares their sums."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TypeVar, TypeVarTuple

from nnrun.runner.compiler.loops.program import Inner, Map, Outer, Product, Program, Sum

T = TypeVar("T")
More = TypeVarTuple("More")


def once_per_program(make: Callable[[Program, *More], T]) -> Callable[[Program, *More], T]:
    """Remember what was made of a program for as long as the program lives. Programs hold dicts, so they have no hash."""
    known: dict[int, dict[tuple[object, ...], T]] = {}

    @wraps(make)
    def made(program: Program, *more: *More) -> T:
        if id(program) not in known:
            known[id(program)] = {}
            weakref.finalize(program, known.pop, id(program))
        found = known[id(program)]
        if more not in found:
            found[more] = make(program, *more)
        return found[more]

    return made


@dataclass(frozen=True)
class Block:
    """Products side by side in one matrix: they read the same values of the loop, and had the same sources outside."""

    level: int
    products: tuple[Product, ...]
    reads: tuple[Inner, ...]
    columns: dict[str, int]
    """Where each product begins."""
    width: int
    """Of all products together."""

    def weights(self, position: int) -> tuple[str, ...]:
        """The weight of each product for `reads[position]`."""
        return tuple(product.terms[position].weight for product in self.products)


@dataclass(frozen=True)
class Kernel:
    """Maps of one width that run together, entry by entry."""

    level: int
    width: int
    maps: tuple[Map, ...]


@dataclass(frozen=True)
class Layout:
    """Blocks and kernels in the order of a tick: by level; within a level blocks first."""

    blocks: tuple[Block, ...]
    kernels: tuple[Kernel, ...]
    kept: tuple[str, ...]
    """Values that are written to memory: read late, by a product or another kernel, or outside."""
    carried: tuple[str, ...]
    """Those among them that something in the loop reads from memory, so that gradients gather there."""
    widths: dict[str, int]
    """Of every value."""
    step: int | None
    """Ticks that do not depend on each other: the smallest delay; None if nothing is read late."""

    @property
    def levels(self) -> range:
        return range(1 + max(kernel.level for kernel in self.kernels))


@once_per_program
def layout(program: Program) -> Layout:
    """Raises: ValueError if a sum is read by maps that cannot run together."""
    levels, at = _levels(program)
    products: dict[tuple[int, tuple[Inner, ...], tuple[Outer, ...]], list[Product]] = {}
    for product in program.products.values():
        if product.name in at:
            reads, sources = tuple(term.value for term in product.terms), tuple(value for _, value in product.outer)
            products.setdefault((at[product.name], reads, sources), []).append(product)
    maps: dict[tuple[int, int], list[Map]] = {}
    for map in program.maps:
        maps.setdefault((levels[map.name], map.width), []).append(map)
    widths = {map.name: map.width for map in program.maps}
    read = [term.value for product in program.products.values() for term in product.terms]
    late = [operand for map in program.maps for operand in map.reads if isinstance(operand, Inner) and operand.delay]
    # Same-tick values go from map to map in registers, unless the maps run in different kernels.
    across = [
        operand.name
        for map in program.maps
        for operand in map.reads
        if isinstance(operand, Inner) and (levels[operand.name], widths[operand.name]) != (levels[map.name], map.width)
    ]
    carried = {value.name for value in (*read, *late)} | set(across)
    return Layout(
        tuple(_block(place[0], _alike(program, them)) for place, them in sorted(products.items(), key=lambda item: item[0][0])),
        tuple(Kernel(*place, tuple(them)) for place, them in sorted(maps.items())),
        tuple(name for name in widths if name in carried or name in program.outputs),
        tuple(name for name in widths if name in carried),
        widths,
        min((value.delay for value in (*read, *late) if value.delay), default=None),
    )


def _levels(program: Program) -> tuple[dict[str, int], dict[str, int]]:
    """When each map, and each product, runs within a tick."""
    levels: dict[str, int] = {}
    at: dict[str, int] = {}
    readers: dict[str, tuple[int, int]] = {}
    widths = {map.name: map.width for map in program.maps}
    for map in program.maps:
        here = 0
        for operand in map.reads:
            match operand:
                case Sum(name=name):
                    now = [levels[term.value.name] + 1 for term in program.products[name].terms if not term.value.delay]
                    at[name] = max(now, default=0)
                    here = max(here, at[name])
                case Inner(name=name, delay=0):
                    here = max(here, levels[name] + (widths[name] != map.width))
        levels[map.name] = here
        for operand in map.reads:
            if isinstance(operand, Sum) and readers.setdefault(operand.name, (here, map.width)) != (here, map.width):
                raise ValueError(f"the {operand} is read by maps that do not run together")
    return levels, at


def _alike(program: Program, products: list[Product]) -> tuple[Product, ...]:
    """Products under the same function side by side, so that it can be applied to all at once."""
    readers = {operand.name: str(map.expression) for map in program.maps for operand in map.reads if isinstance(operand, Sum)}
    return tuple(sorted(products, key=lambda product: (readers[product.name], product.width)))


def _block(level: int, products: tuple[Product, ...]) -> Block:
    columns, width = {}, 0
    for product in products:
        columns[product.name] = width
        width += product.width
    return Block(level, products, tuple(term.value for term in products[0].terms), columns, width)
