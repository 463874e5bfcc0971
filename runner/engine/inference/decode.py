"""A network generates: its nodes run symbol by symbol, and a search chooses the symbols."""

from __future__ import annotations

from contextlib import nullcontext

import torch
from torch import Generator, Tensor

from nnrun.registry.field import DataError
from nnrun.runner.compiler.language.decoding import Decode
from nnrun.runner.engine.data.batch import Batch
from nnrun.runner.engine.inference.search import Hypothesis, search
from nnrun.runner.engine.inference.transcribe import transcribe
from nnrun.runner.engine.network.network import Network
from nnrun.runner.engine.network.stepping import known, stepper


@torch.inference_mode()
def generate(network: Network, batch: Batch, settings: Decode, *, seed: int = 0, forced: Tensor | None = None) -> list[list[Hypothesis]]:
    """Sequences for each example, the best first. `forced` (P,) are symbols that all of them begin with."""
    decoding = network.plan.decoding
    assert decoding is not None
    network.eval()
    if decoding.spelled:
        return _transcribed(network, batch, settings, seed, forced)
    if forced is not None:  # the greatest length counts what is written, not what was given
        settings = settings.model_copy(update={"max_length": settings.max_length + len(forced)})
    device = next(network.parameters()).device
    generator = Generator(device).manual_seed(seed)
    found = search(settings, batch.count, device, generator, forced)
    with network.memory.elsewhere() if network.memory is not None else nullcontext():  # streams of the training are others
        steps = stepper(network, batch, settings.max_length)
    for tick in range(settings.max_length):
        now = steps.tick(tick)
        symbols, rows = found.advance(now[decoding.scores])
        over = found.over
        if bool(over.all()):
            break
        steps.remember(now)
        if tick == 0:  # until now the hypotheses of an example were one
            steps.widen(found.rows)
        if int(over.sum()) * 8 >= len(over):  # so many examples are done that it pays to go on with the others alone
            left = torch.nonzero(~over).squeeze(1)
            stay = (left.unsqueeze(1) * found.rows + torch.arange(found.rows, device=device)).flatten()
            rows, symbols = rows[stay], symbols[stay]
            steps.leave(left)
            found.leave(left)
        steps.go_on(rows, {decoding.choice: symbols})
    return found.found()


def _transcribed(network: Network, batch: Batch, settings: Decode, seed: int, forced: Tensor | None) -> list[list[Hypothesis]]:
    """What frames spell. Raises: DataError if it is to begin with something else."""
    decoding = network.plan.decoding
    assert decoding is not None
    if forced is not None:
        raise DataError("a prompt says how a text begins, and this one is read from its frames", "leave out the prompt")
    scores, time = known(network, batch)[decoding.scores], network.plan.values[decoding.scores].time
    assert time is not None
    return transcribe(scores, batch.lengths[time], settings, Generator(scores.device).manual_seed(seed))
