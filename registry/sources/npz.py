"""Arrays in NumPy's archives."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from nnrun.registry.catalog import near, register
from nnrun.registry.data.files import existing
from nnrun.registry.data.tables import FilePath, MissingColumn, absolute, check_columns, check_lengths
from nnrun.registry.field import DataError
from nnrun.registry.source import Columns, Source, SourceError

if TYPE_CHECKING:
    from zipfile import ZipFile

_PARTS = ("train", "valid", "test")

_LARGEST = 2**34
"""Bytes an array may unpack to: a small archive can claim to hold far more than fits in memory."""


@register
class Npz(Source):
    """An archive of arrays, as `numpy.savez` writes it: the first axis of each counts the examples.

    A field `x` reads the array `x`, or the arrays `x_train`, `x_valid` and `x_test` where the data comes in parts.
    Arrays of Python objects are refused: to read them would run code from the file.
    """

    source: Literal["npz"]
    file: FilePath
    """Path of the archive, relative to the spec."""

    def load(self, folder: Path, columns: Sequence[str], paths: Collection[str] = ()) -> dict[str, Columns]:
        from zipfile import BadZipFile, ZipFile

        file = existing(folder, self.file)
        try:
            with ZipFile(file) as archive:
                present = [name.removesuffix(".npy") for name in archive.namelist()]
                parts = _parts(f"`{file.name}`", columns, present)
                read = {part: _arrays(archive, names, file) for part, names in parts.items()}
        except (BadZipFile, OSError) as error:
            help = "`numpy.savez(file, x=array)` writes such an archive"
            raise SourceError(f"`{self.file}` cannot be read as an npz archive: {error}", help) from error
        tables: dict[str, Columns] = {}
        for part, table in read.items():
            check_lengths(f"`{file.name}`" + f" in part `{part}`" * (part != "all"), table)
            named = {name for name in paths if name in table and table[name].dtype.kind == "U"}
            tables[part] = table | {name: absolute(table[name].tolist(), file.parent) for name in named}
        return tables


def _parts(place: str, columns: Sequence[str], present: Sequence[str]) -> dict[str, dict[str, str]]:
    """For each part the array of each column."""
    found = [part for part in _PARTS if any(f"{name}_{part}" in present for name in columns)]
    if "train" not in found:
        if any(name.endswith("_train") for name in present):
            _check_parts(place, {name: name for name in columns}, present)
        check_columns(place, columns, present)
        return {"all": {name: name for name in columns}}
    parts = {part: {name: f"{name}_{part}" for name in columns} for part in found}
    for names in parts.values():
        _check_parts(place, names, present)
    return parts


def _check_parts(place: str, names: dict[str, str], present: Sequence[str]) -> None:
    """Raises: DataError if an array is not there; a column is named without the part at its end."""
    whole = list(dict.fromkeys(re.sub(f"_({'|'.join(_PARTS)})$", "", name) for name in present))
    for column, array in names.items():
        if array not in present:
            close = near(re.sub(f"_({'|'.join(_PARTS)})$", "", column), whole)
            listed = ", ".join(f"`{name}`" for name in whole)
            help = f"arrays come in parts here: `column: {close}` reads `{close}_train` and the others"
            help = help if close else f"arrays come in parts here: `column: NAME` reads those of one of {listed}"
            raise MissingColumn(f"{place} has no column `{array}`", help)


def _arrays(archive: ZipFile, names: dict[str, str], file: Path) -> dict[str, Any]:
    return {name: _array(archive, array, file) for name, array in names.items()}


def _array(archive: ZipFile, name: str, file: Path) -> Any:
    from numpy.lib.format import read_array

    member = archive.getinfo(f"{name}.npy")
    if member.file_size > _LARGEST:
        raise DataError(
            f"the array `{name}` of `{file.name}` unpacks to {member.file_size:,} bytes, where {_LARGEST:,} are allowed",
            "split the data into several archives, or store smaller numbers",
        )
    try:
        with archive.open(member) as stream:
            array = read_array(stream, allow_pickle=False)
    except (ValueError, MemoryError) as error:
        raise DataError(f"the array `{name}` of `{file.name}` cannot be read: {error}", "write plain arrays of numbers or texts") from error
    if array.ndim == 0:
        raise DataError(f"the array `{name}` of `{file.name}` is a single value", "its first axis counts the examples")
    return array
