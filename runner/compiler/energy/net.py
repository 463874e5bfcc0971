"""Energy networks: groups of units joined by symmetric edges, with the energy and the schedules that follow from the graph.

A schedule deletes what is clamped and colours the rest, so that groups of one colour are not joined: they are sampled at once.
Within a group with lateral weights units are sampled one by one, or, where these are sparse, by colours of units; never all at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

from nnrun.registry.group import Group
from nnrun.registry.shape import Axis, product, total
from nnrun.runner.compiler.energy.mask import Pairs, colours

MOST_ENUMERATED = 20
"""Binary units: more have too many states to go through."""


@dataclass(frozen=True, slots=True)
class Units:
    """A group of units."""

    name: str
    config: Group
    size: Axis
    """Numbers of the state of all units."""
    fed: bool
    """Whether an edge clamps it: it holds the data while the network learns."""
    started: bool
    """Whether an edge says where it starts."""
    axes: tuple[Axis, ...]
    """How its units lie: the axes of what arrives, such as those of an image."""


@dataclass(frozen=True, slots=True)
class Coupling:
    """A symmetric edge: one weight tensor, read in both directions."""

    first: str
    second: str
    size: tuple[Axis, Axis]
    pairs: Pairs | None
    """The units that are coupled; None where all are, or where `file` has yet to be read."""
    file: str | None = None
    """Where the pairs are written, if they are."""

    @property
    def name(self) -> str:
        return f"{self.first}--{self.second}"

    @property
    def lateral(self) -> bool:
        """Whether it couples units of one group."""
        return self.first == self.second

    @property
    def free(self) -> Axis:
        """Numbers that training changes."""
        if self.pairs is not None:
            return len(self.pairs)
        if self.file is not None:
            return f"{self.name}.pairs"
        if not self.lateral:
            return product(self.size)
        count = self.size[0]
        return count * (count - 1) // 2 if isinstance(count, int) else f"{count}*({count}-1)/2"

    def other(self, name: str) -> str:
        return self.second if name == self.first else self.first


@dataclass(frozen=True, slots=True)
class Phase:
    """In which order the groups are sampled that are not clamped."""

    clamped: tuple[str, ...]
    colours: tuple[tuple[str, ...], ...]
    """Groups that are sampled at once, colour after colour."""
    exact: bool
    """Whether nothing that is left depends on each other: its means are known without sampling."""


@dataclass(frozen=True)
class Net:
    """An energy network, ready to be built."""

    groups: Mapping[str, Units]
    couplings: tuple[Coupling, ...]

    @property
    def name(self) -> str:
        return ", ".join(self.groups)

    @property
    def fed(self) -> tuple[str, ...]:
        """The groups that hold the data."""
        return tuple(name for name, group in self.groups.items() if group.fed)

    @property
    def size(self) -> Axis:
        """Numbers that training changes, beside the biases, which are the groups' own."""
        return total(coupling.free for coupling in self.couplings)

    def lateral(self, name: str) -> Coupling | None:
        """The weights between the units of a group."""
        return next((coupling for coupling in self.couplings if coupling.lateral and coupling.first == name), None)

    def phase(self, clamped: Collection[str]) -> Phase:
        """The schedule while some groups are clamped. Groups that hold the data come first."""
        rest = sorted((name for name in self.groups if name not in clamped), key=lambda name: not self.groups[name].fed)
        colour: dict[str, int] = {}
        for name in rest:
            taken = {colour[other] for other in self._joined(name) if other in colour}
            colour[name] = next(number for number in range(len(rest)) if number not in taken)
        held = [tuple(name for name in rest if colour[name] == number) for number in sorted(set(colour.values()))]
        exact = len(held) <= 1 and not any(self.lateral(name) for name in rest)
        return Phase(tuple(name for name in self.groups if name in clamped), tuple(held), exact)

    def summed(self, clamped: Collection[str] = ()) -> tuple[str, ...]:
        """Groups that do not depend on each other once all others are fixed: the most units that can be summed out in one go."""
        free = [name for name in self.groups if name not in clamped and not self.lateral(name)]
        best: tuple[str, ...] = ()
        for count in range(len(free) + 1) if len(free) <= 12 else (1,):
            for names in combinations(free, count):
                alone = not any({coupling.first, coupling.second} <= set(names) for coupling in self.couplings)
                if alone and self._weight(names) > self._weight(best):
                    best = names
        return best

    def enumerated(self, clamped: Collection[str] = ()) -> tuple[str, ...] | None:
        """Groups whose states must be gone through to know the distribution exactly; None where they are too many."""
        summed = self.summed(clamped)
        names = tuple(name for name in self.groups if name not in clamped and name not in summed)
        sizes = [self.groups[name].size for name in names]
        countable = all(self.groups[name].config.type_name() != "gaussian_units" for name in names)
        numbers = sum(size for size in sizes if isinstance(size, int))
        return names if countable and numbers <= MOST_ENUMERATED and all(isinstance(size, int) for size in sizes) else None

    @cached_property
    def unit_colours(self) -> Mapping[str, tuple[tuple[int, ...], ...]]:
        """Colours of the units of each group whose lateral weights are sparse."""
        sparse = [coupling for coupling in self.couplings if coupling.lateral and coupling.pairs is not None]
        return {one.first: colours(one.size[0], one.pairs) for one in sparse if isinstance(one.size[0], int) and one.pairs is not None}

    @property
    def formula(self) -> str:
        """The energy as text."""
        terms = []
        for name, group in self.groups.items():
            if group.config.type_name() == "gaussian_units":
                deviation = getattr(group.config, "deviation", 1.0)
                terms.append(f"+ |{name}|^2 / {2 * deviation * deviation:g}")
            if group.config.bias:
                terms.append(f"- {name}.bias . {name}")
        for coupling in self.couplings:
            half = "1/2 " if coupling.lateral else ""
            terms.append(f"- {half}{coupling.first} . [{coupling.name}] {coupling.second}")
        return " ".join(terms).removeprefix("+ ") or "0"

    def __str__(self) -> str:
        lines = [f"energy network of {self.name}", f"  E = {self.formula}"]
        lines += [f"  {name} : {group.size} numbers, each unit {group.config.symbol}" for name, group in self.groups.items()]
        for coupling in self.couplings:
            sizes = " x ".join(map(str, coupling.size))
            shape = f"{sizes}, zero diagonal, its own transpose" if coupling.lateral else sizes
            sparse = f", {coupling.free} pairs coupled" if coupling.pairs is not None or coupling.file else ""
            lines.append(f"  {coupling.name} : {shape}{sparse}")
        lines.append(f"  data phase: {self._told(self.phase(self.fed))}")
        lines.append(f"  model phase: {self._told(self.phase(()))}")
        return "\n".join(lines)

    def _told(self, phase: Phase) -> str:
        clamped = f"{', '.join(phase.clamped)} clamped" if phase.clamped else "nothing clamped"
        if not phase.colours:
            return f"{clamped}; nothing is left"
        if phase.exact:
            return f"{clamped}; {', '.join(phase.colours[0])} exact, not sampled"
        steps = ", then ".join(" and ".join(self._update(name) for name in names) for names in phase.colours)
        count = len(phase.colours)
        return f"{clamped}; {count} colour{'s' * (count != 1)}: {steps}"

    def _update(self, name: str) -> str:
        lateral = self.lateral(name)
        if lateral is None:
            return f"{name} at once"
        return f"{name} unit by unit" if lateral.pairs is None else f"{name} by {len(self.unit_colours.get(name, ()))} colours of units"

    def _joined(self, name: str) -> Iterable[str]:
        """Groups that a group is joined with, without itself."""
        return [one.other(name) for one in self.couplings if name in (one.first, one.second) and not one.lateral]

    def _weight(self, names: Iterable[str]) -> int:
        """Units; those that cannot be gone through one by one weigh more than all others."""
        sizes = ((self.groups[name].config.type_name(), self.groups[name].size) for name in names)
        return sum((2**40 if kind == "gaussian_units" else 0) + (size if isinstance(size, int) else 1) for kind, size in sizes)
