"""What torch is told before a network is built."""

from __future__ import annotations

import os

import torch

from registry.field import DataError
from registry.node import Trainable
from runner.compiler.spec import Train
from runner.engine.network import Network
from runner.tracking.store import Store


class DeviceError(Exception):
    """The device that the spec asks for is not there."""


def choose_device(wanted: str) -> torch.device:
    """The device to train on. Raises: DeviceError."""
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = torch.device(wanted)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise DeviceError(f"`device: {wanted}` asks for a GPU, and torch sees {torch.cuda.device_count()}")
    return device


def prepare_torch(train: Train) -> None:
    """Seed, threads and determinism."""
    torch.manual_seed(train.seed)
    torch.set_num_threads(train.threads)
    if train.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it the matrix products of a GPU refuse to run
    if train.deterministic != torch.are_deterministic_algorithms_enabled():  # the call loads torch's compiler: a second
        torch.use_deterministic_algorithms(train.deterministic)


def load_weights(network: Network, store: Store) -> None:
    """Fetch the weights of nodes that start from another run's, `weights: run:ID/node`.

    Raises: RunNotFound, BrokenCheckpoint, DataError if that network has no such node or one of other sizes.
    """
    from safetensors.torch import load_file

    from runner.engine.checkpoint import WEIGHTS, verify
    from runner.tracking.runs import model_folder

    for op in network.plan.ops:
        if not isinstance(op.config, Trainable) or op.config.weights is None:
            continue
        run_id, _, node = op.config.weights.removeprefix("run:").partition("/")
        folder = model_folder(store, run_id)
        verify(folder)
        prefix = f"{node or op.name}."
        tensors = {name.removeprefix(prefix): tensor for name, tensor in load_file(folder / WEIGHTS).items() if name.startswith(prefix)}
        own = {name: tuple(tensor.shape) for name, tensor in network.runs[op.name].state_dict().items()}
        given = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
        if own != given:
            what = f"`{op.name}` cannot start from `{op.config.weights}`: it has {_listed(own)}, that node {_listed(given)}"
            raise DataError(what, "both need the same type, options and inputs")
        network.runs[op.name].load_state_dict(tensors)


def _listed(sizes: dict[str, tuple[int, ...]]) -> str:
    return ", ".join(f"{name} {'x'.join(map(str, size)) or '1'}" for name, size in sizes.items()) or "no weights"
