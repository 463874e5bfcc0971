"""Masks of symmetric edges that stand in files. Their pairs travel with the facts of the data, and so with the network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from nnrun.registry.data.arrays import NoArray, array_in
from nnrun.registry.data.files import existing
from nnrun.registry.data.reading import lines, read_bytes
from nnrun.registry.field import DataError
from nnrun.runner.compiler.energy.net import Coupling
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.engine.data.dataset import Dataset

LARGEST = 1 << 30
"""Bytes of a mask."""


def with_masks(data: Dataset, plan: Plan, folder: Path | None) -> Dataset:
    """The data with the pairs of every mask file among its facts; without a folder they are made up, for a trial.

    Raises: SourceError for a file that is not there, DataError for one that is no mask.
    """
    edges = [edge for net in plan.nets for edge in net.couplings if edge.file is not None]
    facts = {edge.name: {"pairs": _made_up() if folder is None else _read(edge, folder)} for edge in edges}
    return replace(data, facts={**data.facts, **facts}, digest=None) if facts else data


def _read(edge: Coupling, folder: Path) -> list[list[int]]:
    path = existing(folder, str(edge.file))
    help = "a `.npy` file holds an array, a `.csv` file a table of numbers"
    try:
        mask = array_in(read_bytes(path, LARGEST)) if path.suffix == ".npy" else np.loadtxt(lines(path), delimiter=",", ndmin=2)
    except NoArray as error:
        raise DataError(f"`{edge.file}` is no mask: {error}", error.help) from None
    except ValueError:  # its words hold what stands in the file, which may be any file
        raise DataError(f"`{edge.file}` is no mask: it holds something else than numbers in rows of one length", help) from None
    wanted = tuple(edge.size)
    if all(isinstance(size, int) for size in wanted) and mask.shape != wanted:
        sizes = " x ".join(map(str, mask.shape))
        raise DataError(
            f"`{edge.file}` is {sizes}, and the edge between `{edge.first}` and `{edge.second}` takes {wanted[0]} x {wanted[1]}"
        )
    if edge.lateral:
        if not np.array_equal(mask != 0, mask.T != 0):
            raise DataError(f"`{edge.file}` couples a unit with another that is not coupled with it", "it must be equal to its transpose")
        mask = np.triu(mask, 1)
    return [[int(one), int(other)] for one, other in np.argwhere(mask)]


def _made_up() -> list[list[int]]:
    return [[0, 1]]
