"""Steps of training as a GPU would run them: torch's meta device holds no numbers, so whoever reads one, or mixes devices, is an error.

On a GPU a number that is read between two logs makes the processor wait for all that was asked of the GPU before.
"""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.optim.sgd import _multi_tensor_sgd

from nnrun.registry.learners.contrastive_divergence import ContrastiveDivergence
from nnrun.registry.modules.chance import Dice
from nnrun.runner.compiler.energy.learners import trained_nets
from nnrun.runner.engine.energy.contrast import Contrast
from nnrun.runner.engine.energy.restricted import Restricted
from nnrun.runner.engine.network.network import Network
from nnrun.runner.engine.training.stages import learner_of
from nnrun.runner.job import Job
from nnrun.runner.smoke import made_up
from tests.tracking.support import ROOT, skip_without_packages

META = torch.device("meta")

SUPPORTED = "_get_fused_kernels_supported_devices"

GALLERY = sorted((ROOT / "specs").glob("*.yaml"))
SPECS = [path for path in GALLERY if "<->" not in path.read_text()]
MACHINES = [path.stem for path in GALLERY if "contrastive_divergence" in path.read_text()]


@pytest.fixture(autouse=True)
def _fused(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch's fused optimizers know no meta device; on a GPU they are there."""
    for name in ("adam", "optimizer", "sgd", "adagrad"):
        module = import_module(f"torch.optim.{name}")
        if hasattr(module, SUPPORTED):
            monkeypatch.setattr(module, SUPPORTED, lambda: ["cpu", "cuda", "meta"])
    monkeypatch.setattr(import_module("torch.optim.sgd"), "_fused_sgd", _multi_tensor_sgd)  # torch has no fused step for meta


def _losses(log_p: Tensor, texts: Tensor, frames: Tensor, lengths: Tensor, *_: object) -> tuple[Tensor, Tensor]:
    """What torch's CTC gives: a loss for each example, and what it keeps for the way back. It reads the lengths where the processor is."""
    assert frames.device == lengths.device == torch.device("cpu")
    ticks, count = log_p.shape[:2]
    return log_p.new_empty(count), log_p.new_empty(count, ticks, 2 * texts.shape[1] + 1)


CTC = torch.library.Library("aten", "IMPL", "Meta")
"""torch's CTC knows no meta device either."""
CTC.impl("_ctc_loss.Tensor", _losses)
CTC.impl("_ctc_loss_backward.Tensor", lambda gradient, log_p, *_: torch.empty_like(log_p))


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_no_step_reads_a_number_between_two_logs(path: Path) -> None:
    skip_without_packages(path)
    checked, data = made_up(Job.read(path, ("train.compile=off",)).checked)
    assert checked.plan is not None
    for stage in (*checked.plan.stages, checked.plan):
        assert stage.spec.train is not None
        brief = replace(stage, spec=stage.spec.at_stage(stage.spec.train.model_copy(update={"batch_size": min(8, len(data.train))})))
        network = Network(brief).to(META)
        with learner_of(network, brief, data, META) as learner:
            batch = next(iter(learner.batches(1)))
            for number in (2, 3):
                assert learner.step(number, batch, due=False) is None
            assert all(parameter.is_meta for parameter in network.parameters())


@pytest.mark.parametrize("name", MACHINES)
def test_no_step_of_an_energy_network_reads_a_number(name: str) -> None:
    """Before the first one the data is looked at, once."""
    checked, _ = made_up(Job.read(ROOT / "specs" / f"{name}.yaml").checked)
    assert checked.plan is not None
    for stage in (*checked.plan.stages, checked.plan):
        assert stage.spec.train is not None
        rule = stage.spec.train.learner
        if not isinstance(rule, ContrastiveDivergence):
            continue
        (net,) = trained_nets(stage.spec.train, stage.nets)
        machine = Network(stage).to(META).machines[next(iter(net.groups))]
        given = {name: torch.zeros(8, machine.groups[name].size, device=META) for name in machine.net.fed}
        if Restricted.serves(machine, rule):
            restricted = Restricted(machine, rule, Dice(0, META), 8)
            restricted.descend(given, 0.1)
            restricted.write_gradient(given)
        else:
            contrast = Contrast(machine, rule, Dice(0, META), 8)
            contrast.write_gradient(given)
            contrast.write_gradient(given)


def test_a_number_that_is_read_is_an_error() -> None:
    checked, data = made_up(Job.read(ROOT / "specs" / "mlp_digits.yaml").checked)
    assert checked.plan is not None
    with learner_of(Network(checked.plan).to(META), checked.plan, data, META) as learner, pytest.raises(RuntimeError, match="meta"):
        learner.step(1, next(iter(learner.batches(1))), due=True)
