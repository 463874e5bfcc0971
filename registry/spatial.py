"""Windows that slide over an image, and the way back: where they lie, how much padding they need. Arithmetic only, no torch."""

from __future__ import annotations

from dataclasses import dataclass

from nnrun.registry.options import per_axis
from nnrun.registry.shape import Axis, InputError, ShapeError

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
    sizes, strides, dilations = each_axis(option, size, axes), each_axis("stride", stride, axes), each_axis("dilation", dilation, axes)
    spans = tuple((side - 1) * gap + 1 for side, gap in zip(sizes, dilations, strict=True))
    if padding == "same":
        pads = tuple(same_padding(*axis) for axis in zip(lengths, spans, strides, strict=True))
    else:
        pads = tuple((amount, amount) for amount in each_axis("padding", 0 if isinstance(padding, str) else padding, axes))
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


@dataclass(frozen=True, slots=True)
class Spread:
    """How the pixels of an image are spread over a larger one; one entry for each spatial axis."""

    size: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    crops: Pads
    """What is cut off before and after; below 0, so much is added."""
    lengths: tuple[int, ...]
    """Those of the larger image."""


def spread(
    lengths: tuple[int, ...],
    *,
    size: int | tuple[int, ...],
    stride: int | tuple[int, ...],
    padding: str | int | tuple[int, ...],
    dilation: int | tuple[int, ...],
) -> Spread:
    """Kernels of a size put at every pixel of axes of these lengths. Raises: ShapeError if the padding cuts off all."""
    axes = len(lengths)
    sizes, strides, dilations = each_axis("kernel", size, axes), each_axis("stride", stride, axes), each_axis("dilation", dilation, axes)
    spans = tuple((side - 1) * gap + 1 for side, gap in zip(sizes, dilations, strict=True))
    if padding == "same":
        crops = tuple(same_crop(*axis) for axis in zip(spans, strides, strict=True))
    else:
        crops = tuple((amount, amount) for amount in each_axis("padding", 0 if isinstance(padding, str) else padding, axes))
    whole = tuple((length - 1) * step + span for length, step, span in zip(lengths, strides, spans, strict=True))
    left = tuple(length - before - after for length, (before, after) in zip(whole, crops, strict=True))
    if min(left) < 1:
        raise ShapeError(
            f"`padding` cuts {_by(tuple(before for before, _ in crops))} off each side, and nothing is left of {_by(whole)}",
            field="padding",
            help="`padding: same` cuts off as much as leaves size * stride",
        )
    return Spread(sizes, strides, dilations, crops, left)


def same_crop(span: int, stride: int) -> tuple[int, int]:
    """What is cut off so that length * stride is left; what is odd comes after, as does what a kernel below the stride lacks.

    Source: Keras, `Conv2DTranspose`: the gradient of a convolution whose padding is `same`.
    """
    surplus = span - stride
    before = max(surplus // 2, 0)
    return before, surplus - before


def channels_of_a_group(channels: Axis, filters: int, groups: int, name: str, wanted: str) -> Axis:
    """Channels that a kernel of a group sees; `name` is what they are called, `wanted` an input in which they are counted.

    Raises: ShapeError if the groups do not divide channels and filters, InputError if the channels are not known yet.
    """
    if groups == 1:
        return channels
    if isinstance(channels, str):
        raise InputError(wanted, help=f"`{channels}` is known only from the data: declare it in the field")
    for count, what in ((channels, f"{name} that arrive"), (filters, "filters")):
        if count % groups:
            raise ShapeError(f"`groups` is {groups}, which does not divide the {count} {what}", field="groups")
    return channels // groups


def each_axis(option: str, value: int | tuple[int, ...], axes: int) -> tuple[int, ...]:
    """The number of each spatial axis. Raises: ShapeError, at that option, if a list has another length."""
    try:
        return per_axis(value, axes)
    except ValueError as error:
        raise ShapeError(f"`{option}` {error}", field=option) from None


def _by(lengths: tuple[int, ...]) -> str:
    return " x ".join(map(str, lengths))
