"""Vectors as a matrix whose rows a tokenizer numbers, among the weights of a network: safetensors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnrun.registry.data.tokens import FromFile
from nnrun.registry.data.vectors.found import Found, check_size
from nnrun.registry.field import DataError

if TYPE_CHECKING:
    from torch import Tensor

HELP = "name a file that `safetensors` has written, such as the `model.safetensors` of a language model"


def read(file: Path, wanted: Mapping[str, int], size: int, tokenizer: FromFile, matrix: str | None) -> Found:
    """What the file has for the wanted tokens, by the tokenizer's numbers of them. Raises: DataError."""
    import numpy as np
    from safetensors import SafetensorError, safe_open

    numbers = {row: number for token, row in wanted.items() if (number := tokenizer.number(token)) is not None}
    try:
        with safe_open(file, framework="pt") as weights:
            sizes = {name: tuple(weights.get_slice(name).get_shape()) for name in weights.keys()}  # noqa: SIM118 it is no mapping
            name = _chosen(file, sizes, tokenizer.size, matrix)
            check_size(file, sizes[name][1], size)
            vectors: Tensor = weights.get_tensor(name)[[*numbers.values()]].float()
    except SafetensorError as error:
        raise DataError(f"`{file.name}` cannot be read: {error}", HELP) from error
    return Found(np.array([*numbers], dtype=np.int64), vectors.numpy())


def _chosen(file: Path, sizes: Mapping[str, tuple[Any, ...]], rows: int, wanted: str | None) -> str:
    """The name of the matrix that is meant, with a row for each token. Raises: DataError."""
    fit = [name for name, size in sizes.items() if len(size) == 2 and size[0] >= rows]
    if wanted in fit:
        return str(wanted)
    listed = ", ".join(f"`{name}`" for name in fit)
    if wanted is not None:
        found = "none of that name" if wanted not in sizes else f"one of {' x '.join(map(str, sizes[wanted]))}"
        help = f"`matrix` may be {listed}" if fit else HELP
        raise DataError(f"`matrix: {wanted}` is to have a row for each of {rows:,} tokens, and `{file.name}` holds {found}", help)
    if len(fit) != 1:
        what = f"holds {len(fit)} matrices" if fit else "holds no matrix"
        help = f"`matrix: NAME` says which: {listed}" if fit else "name the file of vectors that belongs to the tokenizer"
        raise DataError(f"`{file.name}` {what} with a row for each of {rows:,} tokens", help)
    return fit[0]
