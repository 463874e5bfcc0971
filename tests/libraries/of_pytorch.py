"""What the layers of PyTorch have learned, under our names."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from tests.libraries.pages import Weights


def disturbed(model: nn.Module) -> nn.Module:
    """Its weights not where they start; of a recurrent cell's two biases one is nothing, as we have one."""
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if tensor.is_floating_point():
                tensor.add_(0.3 * torch.rand_like(tensor))
            if ".bias_hh_" in name:
                tensor.zero_()
    return model.eval()


def learned(model: nn.Module) -> list[Weights]:
    """Of all layers that have weights, in their order."""
    return list(_told(model))


def _told(module: nn.Module) -> Iterator[Weights]:
    match module:
        case nn.Linear():
            yield {"weight.0": module.weight, "bias": module.bias}
        case nn.Conv1d() | nn.Conv2d() | nn.ConvTranspose2d() | nn.LayerNorm():
            yield {"weight": module.weight, "bias": module.bias}
        case nn.BatchNorm1d():
            yield {name: getattr(module, name) for name in ("weight", "bias", "running_mean", "running_var")}
        case nn.Embedding():
            yield {"weight": module.weight}
        case nn.LSTM() | nn.GRU():
            yield dict(_cells(module))
        case nn.MultiheadAttention():
            yield dict(_attention(module))
        case _:
            for child in module.children():
                yield from _told(child)


def _cells(module: nn.RNNBase) -> Iterator[tuple[str, Tensor]]:
    names = {"weight_ih": "input", "weight_hh": "recurrent", "bias_ih": "bias"}
    for name, weight in module.named_parameters():
        kind, _, place = name.rpartition("_l")
        if kind in names:
            number, _, reverse = place.partition("_")
            below = f"layer{int(number) + 1}" + "_reverse" * (reverse == "reverse")
            yield f"{below}.{names[kind]}", weight if isinstance(module, nn.LSTM) else _turned(weight)


def _turned(weight: Tensor) -> Tensor:
    """Of a GRU: where torch has z, we have 1 - z."""
    r, z, n = weight.chunk(3)
    return torch.cat([r, -z, n])


def _attention(module: nn.MultiheadAttention) -> Iterator[tuple[str, Tensor]]:
    for kind in ("weight", "bias"):
        yield from zip((f"{name}.{kind}" for name in ("query", "key", "value")), getattr(module, f"in_proj_{kind}").chunk(3), strict=True)
        yield f"output.{kind}", getattr(module.out_proj, kind)
