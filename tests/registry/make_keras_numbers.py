"""Ask Keras what images become, above all with `padding: same`, and write it to data/keras.json.

    pip install keras jax numpy
    KERAS_BACKEND=jax JAX_ENABLE_X64=1 python -m tests.registry.make_keras_numbers

Keras on jax pads as TensorFlow does. All in double precision. Our layout is channels first, that of Keras channels last;
inputs and weights are waves in our layout. The numbers in the file are of Keras 3.15.1 and jax 0.10.2.
"""

from __future__ import annotations

import json
import re
from itertools import product
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tests.registry.waves import Array, summary, wave

FILE = Path(__file__).parent / "data" / "keras.json"

ROWS, IMAGE, VOLUME = (1, 4, 11), (2, 4, 9, 6), (1, 2, 5, 6, 4)


def main() -> None:
    keras.config.set_floatx("float64")
    conv = [
        *({"kernel": kernel, "stride": stride} for kernel, stride in product((1, 2, 3, 4, 5), (1, 2, 3))),
        *({"kernel": kernel, "dilation": 2} for kernel in (2, 3)),
        {"kernel": [2, 3], "stride": [1, 2]},
        {"kernel": 4, "stride": 2, "groups": 2},
        {"kernel": 4, "stride": 2, "padding": "valid"},
    ]
    other = [{"kernel": kernel, "stride": stride} for kernel, stride in ((2, 1), (3, 2), (4, 2), (4, 3))]
    pool = [
        *({"size": size, "stride": stride} for size, stride in product((2, 3, 4), (1, 2, 3))),
        {"size": [2, 4], "stride": [3, 1]},
        {"size": 3, "stride": 2, "padding": "valid"},
    ]
    cases = [(IMAGE, options) for options in conv] + [(shape, options) for shape in (ROWS, VOLUME) for options in other]
    pools = [(IMAGE, options) for options in pool] + [
        (shape, options) for shape in (ROWS, VOLUME) for options in ({"size": 2, "stride": 1}, {"size": 4, "stride": 3})
    ]
    transposed = [
        *(
            {"kernel": kernel, "stride": stride, "padding": padding}
            for kernel, stride, padding in product((1, 2, 3, 4, 5), (1, 2, 3), ("same", "valid"))
            if padding == "same" or kernel >= stride
        ),
        *({"kernel": kernel, "dilation": 2, "padding": padding} for kernel, padding in product((2, 3), ("same", "valid"))),
        {"kernel": [2, 3], "stride": [3, 2], "padding": "same"},
    ]
    enlarged = [{"factor": factor, "method": method} for factor, method in product((1, 2, 3, [3, 2]), ("nearest", "bilinear"))]
    results = {
        "conv": [
            {"input": shape, "options": (full := {"padding": "same", **options}), "result": summary(convolve(shape, **full))}
            for shape, options in cases
        ],
        "pool": [
            {
                "input": shape,
                "options": (full := {"padding": "same", **options, "method": method}),
                "result": summary(pooled(shape, **full)),
            }
            for method in ("max", "mean")
            for shape, options in pools
        ],
        "conv_transpose": [
            {"input": shape, "options": options, "result": summary(transpose(shape, **options))}
            for shape, options in [(IMAGE, options) for options in transposed]
            + [(shape, {**options, "padding": "same"}) for shape in (ROWS, VOLUME) for options in other]
        ],
        "upsample": [
            {"input": shape, "options": options, "result": summary(upsampled(shape, **options))}
            for shape, options in [(IMAGE, options) for options in enlarged] + [(shape, {"factor": 3}) for shape in (ROWS, VOLUME)]
        ],
        "inception": {"result": summary(inception(wave((1, 3, 32, 32))))},
    }
    FILE.write_text(re.sub(r'{"input"|"(pool|conv_transpose|upsample|inception)": ', r"\n\g<0>", json.dumps(results)) + "\n")


def convolve(shape: tuple[int, ...], kernel: Any, stride: Any = 1, padding: str = "same", dilation: int = 1, groups: int = 1) -> Array:
    rank = len(shape) - 2
    make = (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)[rank - 1]
    layer = make(6, plain(kernel), strides=plain(stride), padding=padding, dilation_rate=dilation, groups=groups)
    layer.build(last(wave(shape)).shape)
    fill(layer, phase=1.0)
    return first(layer(last(wave(shape))))


def pooled(shape: tuple[int, ...], method: str, size: Any, stride: Any, padding: str) -> Array:
    name = f"{'Max' if method == 'max' else 'Average'}Pooling{len(shape) - 2}D"
    layer = getattr(keras.layers, name)(plain(size), strides=plain(stride), padding=padding)
    return first(layer(last(wave(shape))))


def transpose(shape: tuple[int, ...], kernel: Any, padding: str, stride: Any = 1, dilation: int = 1) -> Array:
    rank = len(shape) - 2
    make = (keras.layers.Conv1DTranspose, keras.layers.Conv2DTranspose, keras.layers.Conv3DTranspose)[rank - 1]
    layer = make(6, plain(kernel), strides=plain(stride), padding=padding, dilation_rate=dilation)
    layer.build(last(wave(shape)).shape)
    *sizes, filters, channels = layer.kernel.shape
    weight = 0.3 * wave((channels, filters, *sizes), 1.0)
    layer.set_weights([np.moveaxis(weight, (0, 1), (-1, -2)), 0.3 * wave((filters,), 1.5)])
    return first(layer(last(wave(shape))))


def upsampled(shape: tuple[int, ...], factor: Any, method: str = "nearest") -> Array:
    if len(shape) != 4:
        layer = (keras.layers.UpSampling1D if len(shape) == 3 else keras.layers.UpSampling3D)(factor)
    else:
        layer = keras.layers.UpSampling2D(plain(factor), interpolation=method)
    return first(layer(last(wave(shape))))


def inception(x: Array) -> Array:
    """Towers 1x1 - 3x3, 1x1 - 5x5 and pool - 1x1, of 64 filters each, joined on channels."""
    image = keras.Input((32, 32, 3))
    conv = [keras.layers.Conv2D(64, kernel, padding="same", activation="relu") for kernel in (1, 3, 1, 5, 1)]
    pool = keras.layers.MaxPooling2D(3, strides=1, padding="same")
    joined = keras.layers.Concatenate()([conv[1](conv[0](image)), conv[3](conv[2](image)), conv[4](pool(image))])
    network = keras.Model(image, joined)
    for number, layer in enumerate(conv):
        fill(layer, float(number))
    return first(network(last(x)))


def fill(layer: Any, phase: float) -> None:
    """Set the weights of a layer to waves in our layout, (filters, channels, *kernel)."""
    *kernel, channels, filters = layer.kernel.shape
    weight = 0.3 * wave((filters, channels, *kernel), phase)
    layer.set_weights([np.moveaxis(weight, (0, 1), (-1, -2)), 0.3 * wave((filters,), phase + 0.5)])


def last(x: Array) -> Array:
    """Channels from their place before the lengths to the last."""
    return np.moveaxis(x, 1, -1)


def first(y: Any) -> Array:
    """And back."""
    return np.moveaxis(np.asarray(y), -1, 1)


def plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


if __name__ == "__main__":
    main()
