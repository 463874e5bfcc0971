"""What a run's figures depend on beside spec and data: versions, processor, threads, seeds. Plain values, so that they can be compared."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from nnrun.runner.compiler.loops.execution import compiler
from nnrun.runner.compiler.plan import Plan
from nnrun.runner.launch.place import Place

PACKAGES = ("nnrun", "torch", "numpy", "mlflow", "torchmetrics", "pydantic", "safetensors", "scikit-learn")

CPUINFO = Path("/proc/cpuinfo")


def environment(plan: Plan, device: torch.device) -> dict[str, Any]:
    """What the training of a plan depends on here, while it goes on."""
    train, data = plan.spec.train, plan.spec.data
    assert train is not None
    assert data is not None
    on_gpu = device.type == "cuda"
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        **{name: version(name) for name in PACKAGES},
        "torch_build": {"git": torch.version.git_version, "cuda": torch.version.cuda},
        "processor": processor(CPUINFO),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "threads": torch.get_num_threads(),
        "processes": Place.here().size,
        "device": torch.cuda.get_device_name(device) if on_gpu else "cpu",
        "precision": train.precision,
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "compiler": " ".join(compiler() or ()) or None,
        "seeds": {"train": train.seed, "split": data.split.seed},
    }


def processor(cpuinfo: Path) -> str:
    """The processor's model, as Linux names it; elsewhere its kind."""
    lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines() if cpuinfo.is_file() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith(("model name", "Model", "Hardware")))
    return next(named, platform.processor() or platform.machine())
