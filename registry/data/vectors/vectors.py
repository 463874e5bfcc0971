"""A file of vectors, as a spec names it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from nnrun.registry.data.files import existing
from nnrun.registry.data.reading import plain, read_text
from nnrun.registry.data.tokens import FromFile
from nnrun.registry.data.vectors import archived, numbered, written
from nnrun.registry.data.vectors.found import Found
from nnrun.registry.field import DataError
from nnrun.registry.options import Init

LARGEST = 1 << 34
"""Bytes of a file of vectors."""

NUMBERED = ".safetensors"
"""The ending of files whose rows have numbers, and no names."""


def _known(path: str) -> str:
    if not path.endswith((".txt", ".vec", ".npz", NUMBERED)):
        raise PydanticCustomError("wrong_type", "the path of a file that ends in .txt, .vec, .npz or .safetensors")
    return path


class Vectors(BaseModel):
    """A file of vectors to start from, such as word vectors or the table of a language model."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, defer_build=True)

    file: Annotated[str, AfterValidator(_known)]
    """Path of the file, relative to the spec, or `package:NAME/PATH`. `.txt` or `.vec`: a token and its numbers in each line, as GloVe,
    word2vec and fastText write it. `.npz`: the arrays `tokens` and `vectors`. `.safetensors`: a matrix with a row for each
    number of a tokenizer."""
    tokenizer: Annotated[str, Field(min_length=1)] | None = None
    """Of a `.safetensors` file: path of the `tokenizer.json` that numbers its rows. Where left out, that of the text's `tokens`."""
    matrix: Annotated[str, Field(min_length=1)] | None = None
    """Of a `.safetensors` file: name of the matrix. Where left out, the only one with a row for each token."""
    others: Init = "xavier"
    """How the symbols start that the file lacks."""

    @model_validator(mode="after")
    def _used(self) -> Self:
        for option in ("tokenizer", "matrix"):
            if getattr(self, option) is not None and not self.is_numbered:
                what = f"no `{option}` with a file that holds tokens"
                raise PydanticCustomError("conflict", what, {"given": "one", "option": option})
        return self

    @property
    def is_numbered(self) -> bool:
        """Whether rows have numbers that only a tokenizer can tell."""
        return self.file.endswith(NUMBERED)

    def paths(self) -> dict[str, str]:
        """The files that it names, by option."""
        return {option: path for option in ("file", "tokenizer") if (path := getattr(self, option)) is not None}

    def read(self, folder: Path, symbols: Mapping[str, int], size: int, tokenizer: str | None = None) -> Found:
        """The vectors of `size` numbers that the file has for these symbols. Paths start at `folder`.

        `tokenizer` is the JSON text of the one that cut the data, if a file did.
        Raises: SourceError; DataError, also where it has none at all.
        """
        import numpy as np

        file = plain(existing(folder, self.file), LARGEST)
        if self.is_numbered:
            text = tokenizer if self.tokenizer is None else read_text(existing(folder, self.tokenizer))
            assert text is not None, "the check asks for a tokenizer"
            found = numbered.read(file, symbols, size, FromFile(text), self.matrix)
        else:
            found = (archived if file.suffix == ".npz" else written).read(file, symbols, size)
        if not len(found.rows):
            few = ", ".join(f"`{symbol}`" for symbol in [*symbols][-3:])
            raise DataError(f"`{file.name}` has a vector for none of the {len(symbols):,} symbols, such as {few}", "name another file")
        if not np.isfinite(found.vectors).all():
            raise DataError(f"`{file.name}` holds numbers that are not finite", "name another file, or mend this one")
        return found
