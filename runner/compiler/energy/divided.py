"""Whether the weights of a training can be divided among its processes."""

from __future__ import annotations

from collections.abc import Sequence

from nnrun.registry.training import Learner, Optimizer
from nnrun.runner.compiler.energy.net import Net
from nnrun.runner.compiler.language.spec import Spec
from nnrun.runner.compiler.language.training import Train
from nnrun.runner.compiler.text.diagnostic import Report
from nnrun.runner.compiler.text.words import listed


def divisible(train: Train, nets: Sequence[Net]) -> str | None:
    """Why not, or None. An energy network reads its weights wherever it likes; who skips a step of 16 bits must see all gradients."""
    if nets:
        groups = listed(nets[0].groups)
        return f"{groups} {'are' if len(nets[0].groups) > 1 else 'is'} an energy network"
    if isinstance(train.optimizer, Optimizer) and train.optimizer.searches:
        return f"`{train.optimizer.type_name()}` looks at all gradients at once"
    return "`precision: fp16` looks at all gradients before a step" if train.precision == "fp16" else None


def check_divided(spec: Spec, nets: Sequence[Net], report: Report) -> None:
    """Report weights that are to be divided and cannot be."""
    train = spec.train
    if train is None or train.parallel != "fsdp" or (isinstance(train.learner, Learner) and "parallel" in train.learner.unused):
        return
    why = divisible(train, nets)
    if why is not None:
        help = "`auto` and `ddp` give each process all weights" + (", and `bf16` can be divided" if "`precision" in why else "")
        report.add("not-supported-yet", f"`parallel: fsdp` divides the weights, and {why}", at=("train", "parallel"), help=help)
