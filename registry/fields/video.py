"""Films."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from nnrun.registry.catalog import register
from nnrun.registry.data.columns import by_pieces, check_rows, in_row, pad, real, unpadded
from nnrun.registry.data.pixels import extent, frames, in_bits, is_array, levels
from nnrun.registry.data.samples import in_ticks
from nnrun.registry.data.scales import Scale, at_scale, scale_of
from nnrun.registry.field import Encoded, Facts
from nnrun.registry.fields.image import Pictures
from nnrun.registry.shape import Shape

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


@register
class Video(Pictures):
    """A film in each row: an array of frames, a list of pictures (arrays or paths of files), or the path of an animated file.

    An array is (T, H, W), (T, H, W, C) or (T, C, H, W). Pixels are those of an `image`. Films may differ in length: frames of NaN at
    the end are none. `augment` changes all frames of a film alike.

    Shape: (C, H, W) at each frame; the frames are the ticks of a time axis that has the field's name.
    Raises: DataError if a film is missing, cannot be read, or has frames of another size and `size` is not given.
    """

    timed = True

    type: Literal["video"]

    def shape(self, name: str, facts: Facts | None = None) -> Shape:
        return replace(super().shape(name, facts), time=name)

    def build_augment(self) -> Callable[[Tensor, Tensor], Tensor] | None:
        change = super().build_augment()
        if change is None:
            return None
        return lambda films, drawn: change(films.transpose(0, 1), drawn).transpose(0, 1)  # time comes first

    def fit(self, column: Sequence[Any]) -> dict[str, Any]:
        check_rows(column)
        known = self.size and self.channels
        size, channels = self._common(() if known else _extents(column))
        found = levels(column)
        own = {**found, "pixels": scale_of(_pictures(list(map(unpadded, column))), found), "exact": self._exact(column, size)}
        return self._facts(size, channels, by_pieces(column, lambda piece: real(self._read(piece, size, channels, found)))) | own

    def encode(self, column: Sequence[Any], facts: Facts) -> Encoded:
        height, width = facts["size"]
        return self._finished(self._read(column, (height, width), facts["channels"], facts), facts)

    def sample(self, count: int, rng: np.random.Generator) -> Sequence[Any]:
        picture = (*(self.size or (28, 28)), self.channels or 1)
        return in_ticks(lambda n: rng.integers(0, 256, (n, *picture), dtype="uint8"), count)

    def _at_scale(self, value: Any, scale: Scale) -> Any:
        value = unpadded(value)
        if isinstance(value, list | tuple) and any(hasattr(frame, "ndim") or not is_array(frame) for frame in value):
            return [at_scale(frame, scale) for frame in value]  # one by one: arrays and paths of files
        return at_scale(value, scale)

    def _extent(self, value: Any) -> tuple[int, int, int]:
        return _extent(value)

    def _read(self, column: Sequence[Any], size: tuple[int, int], channels: int, facts: Facts) -> Encoded:
        films = []
        for row, value in enumerate(column):
            with in_row(row):
                shot = in_bits(value, facts.get("bits")) if isinstance(value, list | tuple) else value
                film = frames(unpadded(shot), self.size, channels, facts.get("binary", False))
            self._check(film, size, row)
            films.append(film)
        return pad(films)


def _extents(column: Sequence[Any]) -> Iterator[tuple[int, int, int]]:
    for row, value in enumerate(column):
        with in_row(row):
            yield _extent(value)


def _extent(film: Any) -> tuple[int, int, int]:
    """Channels, height and width of a film, by its first frame."""
    return extent(film) if not is_array(film) or len(film) == 0 else extent(film[0])


def _pictures(column: Sequence[Any]) -> list[Any]:
    """The frames of films; of a film in a file, the file."""
    return [picture for film in column for picture in (film if is_array(film) else [film])]
