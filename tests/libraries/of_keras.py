"""What the layers of Keras, with torch for its backend, have learned, under our names."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import torch
from torch import Tensor

from tests.libraries.pages import Weights


def disturbed(model: Any) -> Any:
    """Its weights not where they start; of a GRU's two biases one is nothing, as we have one."""
    for weight in model.weights:
        value = _tensor(weight)
        value += 0.3 * torch.rand_like(value)
        if "gru" in weight.path and weight.name == "bias":
            value[1] = 0
    return model


def _tensor(weight: Any) -> Tensor:
    found: Tensor = weight.value.detach()  # of the backend torch
    return found


def learned(model: Any) -> list[Weights]:
    """Of all layers that have weights, in their order."""
    found: list[Weights] = []
    flat: tuple[int, ...] | None = None
    for layer in model.layers:
        if type(layer).__name__ == "Flatten":
            flat = layer.input.shape[1:]
        elif layer.weights:
            held = _told(layer)
            if flat is not None:
                held["weight.0"], flat = _in_our_order(held["weight.0"], flat), None
            found.append(held)
    return found


def _told(layer: Any) -> dict[str, Tensor]:
    values = {weight.name: _tensor(weight) for weight in layer.weights}
    bias = {"bias": values["bias"]} if "bias" in values else {}
    match type(layer).__name__:
        case "TimeDistributed":
            return _told(layer.layer)
        case "Dense":
            return {"weight.0": values["kernel"].T, **bias}
        case "Conv2D" | "Conv2DTranspose":
            return {"weight": values["kernel"].permute(3, 2, 0, 1), **bias}
        case "DepthwiseConv2D":
            return {"weight": values["kernel"].permute(2, 3, 0, 1), **bias}
        case "Embedding":
            return {"weight": values["embeddings"]}
        case "LayerNormalization":
            return {"weight": values["gamma"], "bias": values["beta"]}
        case "BatchNormalization":
            names = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
            return {ours: values[theirs] for ours, theirs in names.items()}
        case "LSTM" | "GRU":
            return _cell(layer, "layer1")
        case "Bidirectional":
            return {**_cell(layer.forward_layer, "layer1"), **_cell(layer.backward_layer, "layer1_reverse")}
        case "MultiHeadAttention":
            return dict(_attention(layer))
    raise AssertionError(f"no rule for {layer}")


def _cell(layer: Any, name: str) -> dict[str, Tensor]:
    kernel, recurrent, bias = (_tensor(weight) for weight in layer.weights)
    parts = {"input": kernel.T, "recurrent": recurrent.T, "bias": bias if bias.dim() == 1 else bias[0]}
    return {f"{name}.{part}": _turned(weight) if type(layer).__name__ == "GRU" else weight for part, weight in parts.items()}


def _turned(weight: Tensor) -> Tensor:
    """Of a GRU: Keras has z before r, and z where we have 1 - z."""
    z, r, n = weight.chunk(3)
    return torch.cat([r, -z, n])


def _attention(layer: Any) -> Iterator[tuple[str, Tensor]]:
    """Keras keeps the heads apart."""
    ours = {"query": layer.query_dense, "key": layer.key_dense, "value": layer.value_dense, "output": layer.output_dense}
    for name, dense in ours.items():
        kernel, bias = (_tensor(weight) for weight in dense.weights)
        inputs = prod(kernel.shape[:-1]) if name == "output" else kernel.shape[0]
        yield f"{name}.weight", kernel.reshape(inputs, -1).T
        yield f"{name}.bias", bias.flatten()


def _in_our_order(weight: Tensor, image: tuple[int, ...]) -> Tensor:
    """Of what reads a flattened image (H, W, C): with us it is (C, H, W)."""
    return weight.reshape(-1, *image).permute(0, 3, 1, 2).flatten(1)
