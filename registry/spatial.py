"""Windows that slide over an image: where they lie and how much padding they need. Arithmetic only, no torch."""

from __future__ import annotations

from dataclasses import dataclass

from nnrun.registry.options import per_axis
from nnrun.registry.shape import ShapeError

Pads = tuple[tuple[int, int], ...]
"""Padding before and after, for each spatial axis."""


@dataclass(frozen=True, slots=True)
class Windows:
    """How windows lie; one entry for each spatial axis."""

    size: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    pads: Pads
    positions: tuple[int, ...]
    """How many windows there are."""


def windows(
    lengths: tuple[int, ...],
    *,
    option: str,
    size: int | tuple[int, ...],
    stride: int | tuple[int, ...],
    padding: str | int | tuple[int, ...],
    dilation: int | tuple[int, ...] = 1,
) -> Windows:
    """Windows of a size over axes of these lengths. Raises: ShapeError if one does not fit; `option` is what the spec calls the size."""
    axes = len(lengths)
    sizes, strides, dilations = _each(option, size, axes), _each("stride", stride, axes), _each("dilation", dilation, axes)
    spans = tuple((side - 1) * gap + 1 for side, gap in zip(sizes, dilations, strict=True))
    if padding == "same":
        pads = tuple(same_padding(*axis) for axis in zip(lengths, spans, strides, strict=True))
    else:
        pads = tuple((amount, amount) for amount in _each("padding", 0 if isinstance(padding, str) else padding, axes))
    padded = tuple(length + before + after for length, (before, after) in zip(lengths, pads, strict=True))
    if any(span > room for span, room in zip(spans, padded, strict=True)):
        spread = "" if spans == sizes else f", {_by(spans)} with its dilation,"
        around = "" if padded == lengths else f", {_by(padded)} with its padding"
        raise ShapeError(
            f"`{option}` is {_by(sizes)}{spread} and does not fit an input of {_by(lengths)}{around}",
            field=option,
            help="`padding: same` lets it reach over the border",
            id="kernel-too-large",
        )
    positions = tuple((room - span) // step + 1 for room, span, step in zip(padded, spans, strides, strict=True))
    return Windows(sizes, strides, dilations, pads, positions)


def same_padding(length: int, span: int, stride: int) -> tuple[int, int]:
    """Padding that leaves ceil(length / stride) positions; what is odd comes after, hence right and below.

    Source: TensorFlow, `tf.nn.convolution`, section "Padding"; `span` is the kernel with its dilation.
    """
    missing = max((-(-length // stride) - 1) * stride + span - length, 0)
    return missing // 2, missing - missing // 2


def _each(option: str, value: int | tuple[int, ...], axes: int) -> tuple[int, ...]:
    try:
        return per_axis(value, axes)
    except ValueError as error:
        raise ShapeError(f"`{option}` {error}", field=option) from None


def _by(lengths: tuple[int, ...]) -> str:
    return " x ".join(map(str, lengths))
