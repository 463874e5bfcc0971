"""What nodes take: checks that several shape rules share. Each raises an InputError that names a repair."""

from __future__ import annotations

from collections.abc import Iterable

from nnrun.registry.shape import Axis, InputError, Shape, may_equal


def check_number(x: Shape, wanted: str = "numbers", position: int = 0) -> None:
    """Raises: InputError if it is a category or a token."""
    if x.kind != "number":
        raise InputError(wanted, position=position, help=f"an `embedding` or `one_hot` node between them makes numbers of a {x.kind}")


def features(x: Shape, position: int = 0) -> Axis:
    """How many features a flat input has; a single number is one. Raises: InputError if it is not flat."""
    wanted = "a flat input (N)"
    check_number(x, wanted, position)
    if len(x.axes) > 1:
        raise InputError(wanted, position=position, help=f"a `flatten` node between them gives (N={x.size})")
    return x.size


def symbols(x: Shape) -> Axis:
    """How many classes a single category or token has. Raises: InputError if it is none."""
    wanted = "a category or a token"
    if x.kind == "number":
        help = "a `linear` node takes numbers; where they stand for classes, the field is `{type: category}`, without `normalize`"
        raise InputError(wanted, help=help)
    if x.axes:
        raise InputError(f"{wanted}, one for each example")
    if x.classes is None:
        raise InputError(f"{wanted} of which the number of classes is known")
    return x.classes


def image(x: Shape) -> tuple[Axis, tuple[Axis, ...]]:
    """Channels and lengths of an image of one to three spatial axes. Raises: InputError if it is none."""
    wanted = "a row (C, L), an image (C, H, W) or a volume (C, D, H, W)"
    check_number(x, wanted)
    if not x.axes:
        raise InputError(wanted, help="a single number has no axis to slide over; `linear` takes it")
    if len(x.axes) == 1:
        ticks = "`conv_time` in place of it slides over the ticks"
        raise InputError(wanted, help=f"a `reshape` node between them, `to: [1, {x.size}]`, makes one channel of it", over_time=ticks)
    if len(x.axes) > 4:
        raise InputError(wanted, help="a `reshape` node between them joins axes")
    return x.axes[0], x.axes[1:]


def known_lengths(lengths: Iterable[Axis]) -> tuple[int, ...]:
    """Lengths of an image as numbers. Raises: InputError if one is known only from the data."""
    numbers: list[int] = []
    for length in lengths:
        if isinstance(length, str):
            raise InputError("an image of known size", help=f"the size `{length}` is known only from the data: declare it in the field")
        numbers.append(length)
    return tuple(numbers)


def elementwise(inputs: tuple[Shape, ...]) -> tuple[Axis, ...]:
    """Axes of a combination of values, entry by entry. A single number goes with everything, an axis of size 1 is stretched.

    Raises: InputError at the first input that does not go with those before it.
    """
    joined: tuple[Axis, ...] = ()
    for position, x in enumerate(inputs):
        check_number(x, position=position)
        both = _stretch(joined, x.axes)
        if both is None:
            wanted = f"{Shape(joined)}, as the inputs before, or a single number"
            raise InputError(wanted, position=position, help=_between(x.axes, joined))
        joined = both
    return joined


def _between(given: tuple[Axis, ...], wanted: tuple[Axis, ...]) -> str:
    """The node that makes axes of others."""
    if len(given) == len(wanted) == 1:
        return f"a `linear` node between them, `{{type: linear, units: {wanted[0]}}}`, gives as many"
    if len(given) == len(wanted) and given[1:] == wanted[1:]:
        return f"a convolution of one pixel between them, `{{type: conv, filters: {wanted[0]}, kernel: 1}}`, gives as many channels"
    if len(given) == len(wanted):
        return "`padding: same` keeps the size of an image, `stride` or a `pool` node shrinks it, and an `upsample` node enlarges it"
    return "a `linear`, `flatten` or `reshape` node between them changes the size"


def outline(inputs: tuple[Shape | None, ...]) -> Shape | None:
    """What a combination of values is, as far as those that are known tell; None if none is.

    Raises: InputError at the first input that does not go with those before it.
    """
    told = [position for position, x in enumerate(inputs) if x is not None]
    try:
        return Shape(elementwise(tuple(x for x in inputs if x is not None))) if told else None
    except InputError as error:
        error.position = told[error.position]
        raise


def _stretch(a: tuple[Axis, ...], b: tuple[Axis, ...]) -> tuple[Axis, ...] | None:
    if not a or not b:
        return a or b
    if len(a) != len(b):
        return None
    axes: list[Axis] = []
    for one, other in zip(a, b, strict=True):
        if one == 1 or (isinstance(one, str) and isinstance(other, int) and other != 1):
            axes.append(other)
        elif other == 1 or may_equal(one, other):
            axes.append(one)
        else:
            return None
    return tuple(axes)
