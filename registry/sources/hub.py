"""Sets of the Hugging Face hub."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict
from pydantic import Field as Option

from nnrun.registry.catalog import register
from nnrun.registry.data.files import is_confined
from nnrun.registry.data.tables import absolute, check_columns, needs_extra
from nnrun.registry.field import DataError
from nnrun.registry.source import Columns, Source, SourceError
from nnrun.registry.sources.parquet import unpacked

SplitName = Annotated[str, Option(min_length=1)]

_PARTS = {"train": "train", "valid": "valid", "validation": "valid", "val": "valid", "dev": "valid", "test": "test"}


class Splits(BaseModel):
    """The split of the set for each part of the data. Where none is for validation, `split` cuts its share off the training part."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    train: SplitName
    """What the network learns from; `train[:10%]` is its first tenth."""
    valid: SplitName | None = None
    """What early stopping and a search look at."""
    test: SplitName | None = None
    """What is looked at once, at the end."""


@register
class Hub(Source):
    """A set of the Hugging Face hub, which the package datasets fetches and keeps.

    Names of classes come as names, pictures as files packed in their rows, texts, numbers and lists as they are. Sets that need code of
    their own are not run. Nothing is known of the columns before a run.
    """

    may_come_in_parts: ClassVar[bool] = True

    source: Literal["hub"]
    dataset: Annotated[str, Option(pattern=r"^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*$")]
    """The name of the set, with its owner: `stanfordnlp/imdb`."""
    config: SplitName | None = None
    """Which of its configurations, where it has several."""
    splits: Splits | None = None
    """Which of its splits are the parts, such as `{train: train, test: unseen}`. Without it those called train, validation and test; a
    set of one split comes whole."""
    revision: SplitName | None = None
    """A branch, tag or commit of the set. With a commit the data stays what it is."""

    def origin(self, part: str) -> str:
        return f"`{self.dataset}`" if part == "all" else f"part `{part}` of `{self.dataset}`"

    def load(self, folder: Path, columns: Sequence[str], paths: Collection[str] = ()) -> dict[str, Columns]:
        tables = {part: _columns(self.dataset, table, columns) for part, table in self._tables().items()}
        return {
            part: {name: absolute(values, folder) if name in paths else values for name, values in table.items()}
            for part, table in tables.items()
        }

    def _tables(self) -> Mapping[str, Any]:
        """The set of each part. Raises: SourceError, DataError."""
        if is_confined():
            raise SourceError(f"`{self.dataset}` lies on the hub, and a spec that is not trusted fetches nothing", "name a file")
        if Path(self.dataset).exists():
            message = f"`{self.dataset}` is also a file or folder here, which would be read in place of the set on the hub"
            raise SourceError(message, "start nnrun in another folder; or read the files with a source of files")
        wanted = self.splits.model_dump(exclude_none=True) if self.splits is not None else None
        found = self._fetched(None if wanted is None else list(wanted.values()))
        return _parts(self.dataset, found) if wanted is None else dict(zip(wanted, found, strict=True))

    def _fetched(self, splits: list[str] | None) -> Any:
        with needs_extra("hub", "datasets", "hub"):
            from datasets import load_dataset
        try:
            return load_dataset(self.dataset, self.config, split=splits, revision=self.revision)
        except Exception as error:  # of the hub, of the network, of what the files hold
            reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
            help = "it is fetched the first time, with a network; a set that asks for consent, after `hf auth login`"
            raise SourceError(f"`{self.dataset}` cannot be had from the hub: {reason}", help) from error


def _parts(dataset: str, found: Mapping[str, Any]) -> dict[str, Any]:
    """The splits that are parts by their names. Raises: DataError."""
    if len(found) == 1:
        return {"all": next(iter(found.values()))}
    parts = {_PARTS[name]: table for name, table in found.items() if name in _PARTS}
    if "train" not in parts:
        listed = ", ".join(f"`{name}`" for name in found)
        raise DataError(f"`{dataset}` has no split `train`, only {listed}", "name the parts: `splits: {train: NAME, test: NAME}`")
    return parts


def _columns(dataset: str, table: Any, columns: Sequence[str]) -> Columns:
    from datasets import ClassLabel, Image

    found = check_columns(f"`{dataset}`", columns, table.column_names)
    for own in set(found.values()):
        if isinstance(table.features[own], Image):
            table = table.cast_column(own, Image(decode=False))
    held = table.select_columns(list(dict.fromkeys(found.values()))).with_format("arrow")[:]
    kinds = {name: table.features[own] for name, own in found.items()}
    return {
        name: _named(held[own].to_pylist(), kinds[name].names) if isinstance(kinds[name], ClassLabel) else unpacked(held[own])
        for name, own in found.items()
    }


def _named(classes: Sequence[int | None], names: Sequence[str]) -> list[str | None]:
    """Classes by their names; -1 is that of nothing that is known."""
    return [None if number is None or number < 0 else names[number] for number in classes]
