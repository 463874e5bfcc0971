"""A stand-in for the package datasets and the hub: as much of both as the source `hub` uses. Used where the package is not installed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import pyarrow as pa


@dataclass(frozen=True)
class ClassLabel:
    names: list[str]


@dataclass(frozen=True)
class Image:
    decode: bool = True


@dataclass(frozen=True)
class Table:
    table: pa.Table
    features: dict[str, Any]

    @property
    def column_names(self) -> list[str]:
        return list(self.table.column_names)

    def cast_column(self, name: str, feature: Any) -> Table:
        return replace(self, features=self.features | {name: feature})

    def select_columns(self, names: list[str]) -> Table:
        assert not any(isinstance(self.features[name], Image) and self.features[name].decode for name in names)
        return replace(self, table=self.table.select(names))

    def with_format(self, name: str) -> Table:
        assert name == "arrow"
        return self

    def __getitem__(self, rows: slice) -> pa.Table:
        return self.table[rows]


def stand_in(sets: dict[str, dict[str, Table]]) -> SimpleNamespace:
    """The package, and a hub that holds these sets by name, configuration and revision: `ann/pets`, `ann/pets:large`, `ann/pets@v2`."""

    def load_dataset(path: str, name: str | None = None, *, split: list[str] | None = None, revision: str | None = None) -> Any:
        found = sets.get(path + f":{name}" * (name is not None) + f"@{revision}" * (revision is not None))
        if found is None:
            raise ConnectionError(f"Couldn't reach '{path}' on the Hub (LocalEntryNotFoundError)\nand more")
        return found if split is None else [found[one] for one in split]

    return SimpleNamespace(ClassLabel=ClassLabel, Image=Image, load_dataset=load_dataset)
