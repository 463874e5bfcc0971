"""What torch is told before a network is built."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

import numpy as np
import torch

from nnrun.registry.data.vectors.found import Found
from nnrun.registry.fault import Fault
from nnrun.registry.field import DataError
from nnrun.registry.node import Trainable
from nnrun.runner.allocator import keep_memory
from nnrun.runner.compiler.language.training import Train
from nnrun.runner.compiler.loops.execution import missing_compiler
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.engine.loops.cells import CellRunner
from nnrun.runner.engine.loops.native import say_once
from nnrun.runner.engine.loops.run import Runner
from nnrun.runner.engine.network.network import Network
from nnrun.runner.engine.threads import shared_by, threads_of
from nnrun.runner.launch.place import ALONE, Place
from nnrun.runner.tracking.store import Store


class DeviceError(Fault):
    """The device that the spec asks for is not there."""

    kind = "missing"
    id = "no-device"
    path = ("train", "device")


def choose_device(wanted: str, place: Place = ALONE) -> torch.device:
    """The device to train on; of the processes of a machine each takes a GPU of its own. Raises: DeviceError."""
    if wanted == "auto" and not torch.cuda.is_available():
        return torch.device("cpu")
    if place.is_alone:
        device = torch.device("cuda" if wanted == "auto" else wanted)
    elif wanted.startswith("cuda:"):
        what = f"`device: {wanted}` is one GPU, but {place.beside} processes of this machine train together"
        raise DeviceError(what, "`device: cuda` gives each a GPU of its own")
    else:
        device = torch.device("cpu" if wanted == "cpu" else f"cuda:{place.local}")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise DeviceError(
            f"`device: {wanted}` asks for a GPU, and torch sees {torch.cuda.device_count()}", "`device: auto` takes what is there"
        )
    return device


class NotCompiled(Fault):
    """The spec asks for compiled loops, and one cannot be compiled here."""

    kind = "missing"
    id = "not-compiled"
    path = ("train", "compile")


def check_compiled(network: Network, device: torch.device) -> None:
    """With `compile: on`, every loop and every cell has a fused kernel or generated code. Raises: NotCompiled. A compiler that the user
    wants and that is not there is said."""
    train = network.plan.spec.train
    runs: list[Runner | CellRunner] = [*network.loops.values(), *network.cells.values()]
    if runs and device.type == "cpu" and train is not None and train.compile != "off" and (missing := missing_compiler()):
        say_once(f"loops run without generated code: {missing}")
    for run in runs if train is not None and train.compile == "on" else ():
        execution = run.execution(device.type)
        if execution.kind not in ("fused", "native", "graphed"):
            raise NotCompiled(f"`compile: on`, but {run.title} runs as {execution}")


def claim_buffers() -> None:
    """Let numpy's OpenBLAS take its buffers while there is room: where it gets none later, it ends the process without an exception."""
    square = np.ones((256, 256))  # products of smaller ones take none
    square @ square  # the product is not wanted


def prepare_torch(train: Train, threads: int = 1) -> None:
    """Seed, threads, memory and determinism."""
    keep_memory()
    claim_buffers()
    torch.manual_seed(train.seed)
    torch.set_num_threads(threads)
    if train.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it the matrix products of a GPU refuse to run
    if train.deterministic != torch.are_deterministic_algorithms_enabled():  # the call loads torch's compiler: a second
        torch.use_deterministic_algorithms(train.deterministic)


def prepared(
    plan: Plan,
    store: Store,
    ticks: Mapping[str, int] | None = None,
    say: Callable[[str], None] = lambda text: None,
    vectors: Mapping[str, Found] | None = None,
) -> tuple[Network, torch.device]:
    """The network of a plan as its training begins, on its device. `ticks` are the most that the data has, by time axis; `vectors`
    what files have for its symbols, by node.

    Raises: DeviceError, NotCompiled, and what `load_weights` raises.
    """
    assert plan.spec.train is not None
    place = Place.here()
    device = choose_device(plan.spec.train.device, place)
    if not place.is_alone:
        shared_by(place.beside)
        if device.type == "cuda":
            torch.cuda.set_device(device)  # or each process would take a little of the first GPU, too
    threads, why = threads_of(plan, device, ticks)
    if why is not None:
        say(why)
    prepare_torch(plan.spec.train, threads)
    network = Network(plan)
    check_compiled(network, device)
    load_weights(network, store)
    load_vectors(network, vectors or {})
    return network.to(device), device


def load_weights(network: Network, store: Store) -> None:
    """Fetch the weights of nodes that start from another run's, `weights: run:ID/node`.

    Raises: RunNotFound, BrokenCheckpoint, DataError if that network has no such node or one of other sizes.
    """
    started = [op for op in network.plan.ops if isinstance(op.config, Trainable) and op.config.weights is not None]
    if not started:
        return
    from safetensors.torch import load_file

    from nnrun.runner.engine.checkpoint.model import WEIGHTS, understood, verify
    from nnrun.runner.tracking.runs import model_folder  # it loads MLflow

    for op in started:
        assert isinstance(op.config, Trainable)
        assert op.config.weights is not None
        run_id, _, node = op.config.weights.removeprefix("run:").partition("/")
        folder = model_folder(store, run_id)
        verify(folder)
        prefix = f"{node or op.name}."
        with understood(folder):
            tensors = {name.removeprefix(prefix): tensor for name, tensor in load_file(folder / WEIGHTS).items() if name.startswith(prefix)}
        own = {name: tuple(tensor.shape) for name, tensor in network.runs[op.name].state_dict().items()}
        given = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
        if own != given:
            what = f"`{op.name}` cannot start from `{op.config.weights}`: it has {_listed(own)}, that node {_listed(given)}"
            raise DataError(what, "both need the same type, options and inputs")
        network.runs[op.name].load_state_dict(tensors)


def load_vectors(network: Network, vectors: Mapping[str, Found]) -> None:
    """Put what files have for symbols in the place of what nodes started with."""
    with torch.no_grad():
        for name, found in vectors.items():
            network.runs[name].get_parameter("weight")[torch.from_numpy(found.rows)] = torch.from_numpy(found.vectors)


def _listed(sizes: dict[str, tuple[int, ...]]) -> str:
    return ", ".join(f"{name} {'x'.join(map(str, size)) or '1'}" for name, size in sizes.items()) or "no weights"
