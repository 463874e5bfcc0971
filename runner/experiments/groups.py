"""Runs as they are asked for, and which of them are one but for the seed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from nnrun.runner.record.short import short_names
from nnrun.runner.tracking.asked.listed import Listed, NothingRecorded, experiment_names, list_runs
from nnrun.runner.tracking.store import Store

SEED = re.compile(r"train(\.\d+)?\.seed")
"""The params that say a seed; of several stages each has one."""
PREFIX = 4
"""Least number of characters that name a run by the beginning of its id."""

_CONDITION = re.compile(r"(=|<|>|\bLIKE\b|\bILIKE\b|\bIN\b|\bIS\b)", re.IGNORECASE)


@dataclass(frozen=True)
class Group:
    """Runs that differ in nothing but the seed."""

    name: str
    runs: tuple[Listed, ...]

    @cached_property
    def by_seed(self) -> dict[int, Listed]:
        """Of runs with one seed the latest; where runs do not say it, none."""
        seeds = ((seed_of(run), run) for run in sorted(self.runs, key=lambda run: run.began))
        return {seed: run for seed, run in seeds if seed is not None}

    @property
    def counted(self) -> tuple[Listed, ...]:
        """One run for each seed: the same again is no further evidence."""
        return tuple(self.by_seed[seed] for seed in sorted(self.by_seed)) if self.by_seed else self.runs


def found_runs(store: Store, reference: str, spec_name: Callable[[str], str]) -> list[Listed]:
    """All runs that a spec file, an experiment's name, or a condition in MLflow's filter language means; the latest first.

    `spec_name` tells the name of the spec in a file. Raises: NothingRecorded.
    """
    if is_file(reference):
        name = store.experiment or spec_name(reference)
        return [run for run in list_runs(store, experiments=[name]) if run.tag("spec") in (None, spec_name(reference))]
    names = experiment_names(store)
    if reference in names:
        return list_runs(store, experiments=[reference])
    if _CONDITION.search(reference):
        return list_runs(store, reference)
    near = difflib.get_close_matches(reference, names, n=1)
    help = f"an experiment `{near[0]}` exists" if near else f"the experiments are {', '.join(f'`{name}`' for name in names)}"
    list_runs(store, experiments=[])  # says so where there is no store at all
    raise NothingRecorded(f"no experiment is called `{reference}`, and it is neither a spec file nor a filter", help)


def groups_of(store: Store, references: Sequence[str], spec_name: Callable[[str], str]) -> list[Group]:
    """What is to be compared: of each reference its finished runs, in groups that differ in more than the seed.

    A reference is a run (its id, the beginning of one, its name), or what `found_runs` takes; of a spec file the latest group counts.
    Raises: NothingRecorded.
    """
    found: list[list[Listed]] = []
    for reference in references:
        run = _run(store, reference)
        if run is not None:
            found.append([run])
            continue
        runs = [one for one in found_runs(store, reference, spec_name) if one.status == "FINISHED"]
        if not runs:
            raise NothingRecorded(f"`{reference}` has no finished runs", "`nnrun runs` shows those there are")
        parted = by_key(runs)
        found += parted[:1] if is_file(reference) else parted
    unique: dict[frozenset[str], list[Listed]] = {frozenset(run.run_id for run in runs): runs for runs in found}
    return [Group(name, tuple(runs)) for name, runs in zip(names_of(list(unique.values())), unique.values(), strict=True)]


def by_key(runs: Sequence[Listed]) -> list[list[Listed]]:
    """Runs in groups that differ in nothing but the seed, in the order of their first.

    Params are the few that people look over, so hashes of all settings and of the data say whether the rest is the same; runs of earlier
    versions have none.
    """
    groups: dict[object, list[Listed]] = {}
    for run in runs:
        params = {name: value for name, value in run.params.items() if not SEED.fullmatch(name)}
        hashes = run.tag("settings_hash"), run.tag("data_hash")
        groups.setdefault((run.tag("spec") or run.experiment, *hashes, *sorted(params.items())), []).append(run)
    return list(groups.values())


def names_of(groups: Sequence[Sequence[Listed]]) -> list[str]:
    """A name for each group, by what it alone has: its experiment, else the params that differ, else its run's name."""
    specs = [runs[0].tag("spec") or runs[0].experiment for runs in groups]
    if len(set(specs)) == len(groups):
        return specs
    named = []
    for spec, runs in zip(specs, groups, strict=True):
        alike = [others[0] for others, other in zip(groups, specs, strict=True) if other == spec]
        differing = [name for name in differing_params(alike) if not SEED.fullmatch(name)]
        said = [f"{short}={runs[0].params.get(name, '-')}" for name, short in short_names(differing).items()]
        named.append(" ".join([spec] * (len(set(specs)) > 1) + said[:3]))
    if len(set(named)) == len(groups):
        return named
    named = [runs[0].name if len(runs) == 1 else f"{runs[0].name} and {len(runs) - 1} more" for runs in groups]
    return [name if named.count(name) == 1 else f"{name} ({runs[0].run_id[:8]})" for name, runs in zip(named, groups, strict=True)]


def seed_of(run: Listed) -> int | None:
    """The seed of a run, as far as it says one."""
    said = [value for name, value in run.params.items() if SEED.fullmatch(name)]
    return int(said[0]) if said and said[0].isdecimal() else None


def differing_params(runs: Sequence[Listed]) -> list[str]:
    """The params that are not the same in all runs, in the order in which they are said."""
    names = dict.fromkeys(name for run in runs for name in run.params)
    return [name for name in names if len({run.params.get(name) for run in runs}) > 1]


def is_file(reference: str) -> bool:
    return reference.endswith((".yaml", ".yml"))


def _run(store: Store, reference: str) -> Listed | None:
    """The run of this id, this beginning of one, or this name. Raises: NothingRecorded if several are meant."""
    if is_file(reference):
        return None
    from nnrun.runner.tracking.runs import equal  # it loads MLflow

    by_name = equal("attributes.run_name", reference)
    conditions = [by_name]
    if len(reference) >= PREFIX and re.fullmatch("[0-9a-f]+", reference):
        conditions.insert(0, f"attributes.run_id LIKE '{reference}%'")
    for condition in conditions:
        runs = [run for run in list_runs(store, condition) if condition is not by_name or run.name == reference]
        if len(runs) > 1:
            listed = ", ".join(run.run_id for run in runs[:5])
            raise NothingRecorded(f"`{reference}` names {len(runs)} runs: {listed}", "more characters of the id make it one")
        if runs:
            return runs[0]
    return None
