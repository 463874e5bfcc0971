"""Values within values, with tensors among them, as JSON text and safetensors: what is read equals what was written. No pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from safetensors.torch import load, save
from torch import Tensor

Value = Any
"""None, bool, int, float, str, Tensor, or a mapping, list or tuple of such; keys of mappings are int or str."""


def packed(value: Value) -> tuple[bytes, bytes]:
    """The value as JSON, and its tensors. Raises: TypeError for anything else than a `Value`."""
    tensors: dict[str, Tensor] = {}
    text = json.dumps(_plain(value, tensors), separators=(",", ":"))
    return text.encode(), serialized(tensors)


def serialized(tensors: Mapping[str, Tensor]) -> bytes:
    """Tensors as safetensors. Raises: MemoryError."""
    size = sum(tensor.nbytes for tensor in tensors.values())
    np.empty(2 * size, np.uint8)  # asked for, not touched: where there is no such room, its Rust would write pages of its own
    try:
        return save(dict(tensors))
    except BaseException as panic:  # of Rust without memory, which is no Exception in Python
        if type(panic).__name__ == "PanicException":
            raise MemoryError(str(panic)) from None
        raise


def unpacked(text: bytes, tensors: bytes) -> Value:
    """The value that `packed` was given; its tensors are on the CPU."""
    return _value(json.loads(text), load(tensors))


def _plain(value: Value, tensors: dict[str, Tensor]) -> Any:
    """A value in which each container is an object of one key, its kind."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Tensor():
            name = str(len(tensors))
            # a copy of its own: safetensors takes no two tensors that share memory, such as views of one weight
            tensors[name] = torch.empty(value.shape, dtype=value.dtype).copy_(value.detach())
            return {"tensor": name}
        case Mapping():
            wrong = [key for key in value if not isinstance(key, int | str)]
            if wrong:
                raise TypeError(f"a key of a value that is kept is a number or a text, got {wrong[0]!r}")
            return {"mapping": [[key, _plain(item, tensors)] for key, item in value.items()]}
        case list():
            return {"list": [_plain(item, tensors) for item in value]}
        case tuple():
            return {"tuple": [_plain(item, tensors) for item in value]}
    raise TypeError(f"a value that is kept is made of numbers, texts, tensors, mappings, lists and tuples, got {type(value).__name__}")


def _value(plain: Any, tensors: Mapping[str, Tensor]) -> Value:
    if not isinstance(plain, dict):
        return plain
    ((kind, held),) = plain.items()
    match kind:
        case "tensor":
            return tensors[held]
        case "mapping":
            return {key: _value(item, tensors) for key, item in held}
        case "list":
            return [_value(item, tensors) for item in held]
    return tuple(_value(item, tensors) for item in held)
