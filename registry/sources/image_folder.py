"""Pictures sorted into folders."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Literal

from nnrun.registry.catalog import register
from nnrun.registry.data.files import existing, locate
from nnrun.registry.data.tables import FilePath, check_columns
from nnrun.registry.field import DataError
from nnrun.registry.source import Column, Columns, Pieces, Source, SourceError

_PICTURES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm"})

FILES = 256
"""Pictures that are read at once where memory does not hold all."""

_PARTS = {"train": "train", "valid": "valid", "val": "valid", "validation": "valid", "test": "test"}


@register
class ImageFolder(Source):
    """Pictures whose class is the name of the folder they lie in: `cats/tom.jpg` is one of `cats`.

    Folders `train`, `valid` and `test` above the classes are the parts of the data. Files that are no pictures, and names
    that begin with a dot, are passed over.
    """

    may_come_in_parts: ClassVar[bool] = True

    source: Literal["image_folder"]
    folder: FilePath
    """Path of the folder that holds the classes or the parts, relative to the spec."""

    def columns(self) -> Mapping[str, Column]:
        return {"image": Column("image", about="the picture"), "label": Column("category", about="the name of its folder")}

    def read_files(self, folder: Path) -> tuple[Path, ...]:
        return (existing(folder, self.folder),)

    def origin(self, part: str) -> str:
        return f"`{self.folder}`" if part == "all" else f"`{part}` of `{self.folder}`"

    def pieces(self, folder: Path, columns: Sequence[str], paths: Collection[str] = ()) -> Pieces:
        tables = self.load(folder, tuple(self.columns()))

        def read(part: str, wanted: Sequence[str]) -> Iterator[Columns]:
            for start in range(0, len(tables[part]["image"]), FILES):
                yield {name: tables[part][name][start : start + FILES] for name in wanted}

        return Pieces({part: len(table["image"]) for part, table in tables.items()}, read)

    def load(self, folder: Path, columns: Sequence[str], paths: Collection[str] = ()) -> dict[str, Columns]:
        check_columns("`image_folder`", columns, self.columns())
        root = existing(folder, self.folder)
        if not root.is_dir():
            raise DataError(f"`{self.folder}` is a file, where a folder is wanted", "name the folder that holds a folder for each class")
        named = {part.name: part for part in _folders(root)}
        in_parts = "train" in named and named.keys() <= _PARTS.keys()
        tables = {_PARTS[name]: _table(part) for name, part in named.items()} if in_parts else {"all": _table(root)}
        for part, table in tables.items():
            if not table["image"]:
                place = f"`{self.folder}`" + f" in part `{part}`" * in_parts
                raise DataError(f"{place} has no folder with a picture in it", "make one folder for each class")
        return {part: {name: table[name] for name in columns} for part, table in tables.items()}


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(inner for inner in folder.iterdir() if inner.is_dir() and not inner.name.startswith("."))
    except OSError as error:
        raise SourceError(f"`{folder}` cannot be read: {error.strerror}", "name a folder that may be read") from None


def pictures(folder: Path) -> list[str]:
    """Absolute paths of all pictures in a folder and in those within it, by name."""
    try:
        found = sorted(folder.rglob("*"))
    except (OSError, RecursionError) as error:
        why = error.strerror if isinstance(error, OSError) else "its folders stand within each other too deep"
        raise SourceError(f"`{folder}` cannot be read: {why}", "put the pictures into one folder for each class") from None
    files = (file for file in found if file.suffix.lower() in _PICTURES and not file.name.startswith("."))
    return [str(locate(folder, str(file.absolute()))) for file in files]


def _table(root: Path) -> dict[str, list[str]]:
    found = [(file, label.name) for label in _folders(root) for file in pictures(label)]
    return {"image": [image for image, _ in found], "label": [label for _, label in found]}
