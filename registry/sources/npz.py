"""Arrays in NumPy's archives."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from nnrun.registry.catalog import near, register
from nnrun.registry.data.arrays import NoArray, member_of, opened
from nnrun.registry.data.glance import arrays
from nnrun.registry.data.paths.many import joined
from nnrun.registry.data.spelling import spelled
from nnrun.registry.data.tables import FileSource, MissingColumn, absolute, check_columns, check_lengths
from nnrun.registry.field import DataError, naming
from nnrun.registry.source import Columns, Sizes

if TYPE_CHECKING:
    from zipfile import ZipFile

_PARTS = ("train", "valid", "test")


@register
class Npz(FileSource):
    """An archive of arrays, as `numpy.savez` writes it: the first axis of each counts the examples.

    A field `x` reads the array `x`, or the arrays `x_train`, `x_valid` and `x_test` where the data comes in parts.
    Sequences of different length are padded to one array: with NaN at their end, or with anything where `lengths` says how
    long they are. Arrays of Python objects are refused: to read them would run code from the file.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".npz",)

    source: Literal["npz"]
    lengths: dict[str, str] | None = None
    """For each padded array the array that says how many ticks its examples have: `{film: frames}`, where `frames` holds
    whole numbers. Where the data comes in parts, they are `frames_train`, `frames_valid` and `frames_test`."""

    def origin(self, part: str) -> str:
        return f"arrays `*_{part}` of `{self.file}`" if self.files is None and part != "all" else super().origin(part)

    def load(self, folder: Path, columns: Sequence[str], paths: Collection[str] = ()) -> dict[str, Columns]:
        if self.files is not None:
            return super().load(folder, columns, paths)
        files = self.found(folder, str(self.file))
        held = [self._in_parts(file, columns, paths) for file in files]
        for file, tables in zip(files, held, strict=True):
            if tables.keys() != held[0].keys():
                what = " and ".join(f"`{one.name}` in {_listed(parts)}" for one, parts in ((files[0], held[0]), (file, tables)))
                raise DataError(f"archives that are read together come in the same parts, but {what}", "name them apart under `files`")
        return {part: joined([tables[part] for tables in held]) for part in held[0]}

    def _in_parts(self, file: Path, columns: Sequence[str], paths: Collection[str]) -> dict[str, Columns]:
        """The arrays of one archive, which may hold several parts."""
        with opened(file) as archive:
            parts = _parts(f"`{file.name}`", columns, _names(archive))
            tables = {part: self._arrays(archive, names, file, "" if part == "all" else f"_{part}") for part, names in parts.items()}
        for part, table in tables.items():
            check_lengths(f"`{file.name}`" + f" in part `{part}`" * (part != "all"), table)
        return {
            part: {name: absolute(values, file.parent) if name in paths else values for name, values in table.items()}
            for part, table in tables.items()
        }

    def heading(self, file: Path) -> dict[str, Sizes] | None:
        return arrays(file)

    def read(self, file: Path, columns: Sequence[str]) -> Columns:
        with opened(file) as archive:
            check_columns(f"`{file.name}`", columns, _names(archive))
            table = self._arrays(archive, {name: name for name in columns}, file, "")
        check_lengths(f"`{file.name}`", table)
        return table

    def _arrays(self, archive: ZipFile, names: dict[str, str], file: Path, suffix: str) -> dict[str, Any]:
        """Columns of the arrays that they are read from, padding left out."""
        table: dict[str, Any] = {name: _array(archive, array, file) for name, array in names.items()}
        for name, lengths in (self.lengths or {}).items():
            if name in table:
                check_columns(f"`{file.name}`", [lengths + suffix], _names(archive))
                with naming(lengths):
                    table[name] = _shortened(name, table[name], _array(archive, lengths + suffix, file))
        return table


def _listed(parts: Collection[str]) -> str:
    return "one" if set(parts) == {"all"} else ", ".join(f"`{part}`" for part in parts)


def _names(archive: ZipFile) -> list[str]:
    return [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]


def _shortened(name: str, array: Any, lengths: Any) -> list[Any]:
    """Each example as long as it is. Raises: DataError."""
    if array.ndim < 2:
        raise DataError(f"is about the ticks of `{name}`, which holds one value in a row", "leave it out under `lengths`")
    if lengths.ndim != 1 or lengths.dtype.kind not in "iu" or len(lengths) != len(array):
        shape = " x ".join(map(str, lengths.shape))
        help = f"write one whole number for each of the {len(array)} examples"
        raise DataError(f"says how long the rows of `{name}` are, and holds {shape} values of type {lengths.dtype}", help)
    for row, length in enumerate(lengths.tolist()):
        if not 1 <= length <= array.shape[1]:
            raise DataError(f"holds {length}, and a row of `{name}` has room for 1 to {array.shape[1]} ticks", "count the real ticks", row)
    return [row[:length] for row, length in zip(array, lengths.tolist(), strict=True)]


def _parts(place: str, columns: Sequence[str], present: Sequence[str]) -> dict[str, dict[str, str]]:
    """For each part the array of each column."""
    found = [part for part in _PARTS if any(spelled(f"{name}_{part}", present) for name in columns)]
    if "train" not in found:
        if any(name.endswith("_train") for name in present):
            _check_parts(place, {name: name for name in columns}, present)
        return {"all": check_columns(place, columns, present)}
    parts = {}
    for part in found:
        names = {name: f"{name}_{part}" for name in columns}
        _check_parts(place, names, present)
        arrays = check_columns(place, list(names.values()), present)
        parts[part] = {name: arrays[array] for name, array in names.items()}
    return parts


def _check_parts(place: str, names: dict[str, str], present: Sequence[str]) -> None:
    """Raises: DataError if an array is not there; a column is named without the part at its end."""
    whole = list(dict.fromkeys(re.sub(f"_({'|'.join(_PARTS)})$", "", name) for name in present))
    for column, array in names.items():
        if spelled(array, present) is None:
            close = near(re.sub(f"_({'|'.join(_PARTS)})$", "", column), whole)
            listed = ", ".join(f"`{name}`" for name in whole)
            help = f"arrays come in parts here: `column: {close}` reads `{close}_train` and the others"
            help = help if close else f"arrays come in parts here: `column: NAME` reads those of one of {listed}"
            raise MissingColumn(f"{place} has no column `{array}`", help, column=column, near=close)


def _array(archive: ZipFile, name: str, file: Path) -> Any:
    try:
        array = member_of(archive, name)
    except NoArray as error:
        raise DataError(f"the array `{name}` of `{file.name}` cannot be read: {error}", error.help) from error
    if array.ndim == 0:
        raise DataError(f"the array `{name}` of `{file.name}` is a single value", "its first axis counts the examples")
    return array
