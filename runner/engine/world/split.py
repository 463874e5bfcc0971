"""A network of which each process holds a share: of its weights, their gradients, and what an optimizer remembers of them."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from nnrun.runner.engine.world.world import CPU


class Split:
    """Divides the weights of a module among all processes, by torch's `fully_shard`.

    Some of the modules that it runs are units: their weights are whole only while they are computed, forward and on the way back. All
    others are whole as long as a step of the module lasts, so that anybody may read them. Source: Zhao et al. 2023, PyTorch FSDP.
    """

    def __init__(self, module: nn.Module, runs: dict[str, nn.Module], units: Iterable[str], device: torch.device) -> None:
        """`runs` are modules by the name under which they are called; `units` of them hold weights of their own."""
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import fully_shard

        self.module, self.runs = module, runs
        self.strides = {name: parameter.stride() for name, parameter in module.named_parameters()}
        for parameter in module.parameters():
            parameter.data = parameter.data.contiguous()  # all that can be cut
        warnings.filterwarnings("ignore", "FSDP2-wrapped module .* returned a view")  # which nobody changes in its place
        mesh = init_device_mesh(device.type, (dist.get_world_size(),))
        self.plain = {name: runs[name] for name in units}
        self.units = {name: _Called(one) for name, one in self.plain.items()}
        for unit in self.units.values():
            fully_shard(unit, mesh=mesh)
        theirs = {parameter for unit in self.units.values() for parameter in unit.parameters()}
        self.root = _Called(module, self.units.values())
        fully_shard(self.root, mesh=mesh, ignored_params=theirs)
        self.parts: list[Any] = [*self.units.values(), self.root]
        runs.update(self.units)

    @contextmanager
    def gathered(self) -> Iterator[None]:
        """Within it all weights are whole in all processes, and each may compute what it likes. All enter at once."""
        for part in self.parts:
            part.unshard()
        self.runs.update(self.plain)
        try:
            yield
        finally:
            self.runs.update(self.units)
            self.close()

    def close(self) -> None:
        """Each process has its share alone."""
        for part in self.parts:
            part.reshard()

    def join(self) -> None:
        """Make the module what it was before it was divided, with the weights that it has now. All do it at once."""
        self.runs.update(self.plain)
        for path, part in self.module.named_modules():
            part._load_state_dict_post_hooks.clear()  # those of `fully_shard`, the only ones: they would look for its shares, and hold them
            for name, parameter in part._parameters.items():
                if parameter is not None:
                    full = whole(parameter.detach())
                    own = full.new_empty_strided(full.shape, self.strides[f"{path}.{name}".lstrip(".")]).copy_(full)
                    part._parameters[name] = nn.Parameter(own, parameter.requires_grad)


class _Called(nn.Module):
    """Calls a module. What `fully_shard` changes is this one: the module stays as it is, but for its weights."""

    def __init__(self, module: nn.Module, units: Iterable[nn.Module] = ()) -> None:
        super().__init__()
        self.module, self.units = module, nn.ModuleList(units)

    def forward(self, *inputs: Any, **named: Any) -> Any:
        return self.module(*inputs, **named)


def local(tensor: Tensor) -> Tensor:
    """What this process has of a tensor."""
    return tensor.to_local() if is_divided(tensor) else tensor  # type: ignore[attr-defined]


def whole(tensor: Tensor) -> Tensor:
    """A tensor of which each process has a share. All ask for it at once."""
    return tensor.full_tensor() if is_divided(tensor) else tensor  # type: ignore[attr-defined]


def is_divided(tensor: Tensor) -> bool:
    return hasattr(tensor, "full_tensor")  # to know the class would load it: a second


def is_whole(module: nn.Module) -> bool:
    """Whether this process has all of its weights."""
    return not any(map(is_divided, module.parameters()))


def kept(value: Any, keeps: bool = True) -> Any:
    """The same mappings, lists and tuples with tensors that are whole, on the CPU; without them where it `keeps` none."""
    match value:
        case torch.Tensor() if is_divided(value):
            full = whole(value)
            return full.to(CPU) if keeps else torch.empty(0)
        case Mapping():
            return {key: kept(item, keeps) for key, item in value.items()}
        case list() | tuple():
            return type(value)(kept(item, keeps) for item in value)
    return value


def divided(value: Tensor, like: Tensor) -> Tensor:
    """What this process has of a whole tensor, where another of its sizes is divided."""
    if not is_divided(like) or is_divided(value) or value.shape != like.shape:
        return value
    from torch.distributed.tensor import distribute_tensor

    return distribute_tensor(value.to(like.device), like.device_mesh, like.placements, src_data_rank=None)  # type: ignore[attr-defined]


def joined(own: Tensor, like: Tensor) -> Tensor:
    """A tensor of which each process has its own share, as that of another one of its sizes is divided."""
    if not is_divided(like):
        return own
    from torch.distributed.tensor import DTensor

    return DTensor.from_local(own, like.device_mesh, like.placements, run_check=False, shape=like.shape, stride=like.stride())  # type: ignore[attr-defined]


def load(module: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Give a module weights, which may be whole where its own are divided."""
    own = module.state_dict()
    module.load_state_dict({name: divided(weight, own[name]) for name, weight in weights.items()})
