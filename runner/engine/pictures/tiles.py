"""Pictures of what an energy network has learned, dreams and remembers, as PNG bytes."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import torch
from PIL import Image
from torch import Tensor

from nnrun.runner.compiler.energy.net import Units
from nnrun.runner.engine.energy.judging.judge import Judge
from nnrun.runner.engine.energy.machine import Machine

TILES = 100
"""Most pictures in one."""

SIDE = 640
"""About the width of a picture, in pixels."""


def pictures(machine: Machine, judge: Judge, chains: Mapping[str, Tensor]) -> dict[str, bytes]:
    """By key: filters of each coupling of a group of pixels, samples of the chains, and reconstructions beside the data."""
    found = {}
    for name in machine.net.fed:
        frame = framing(machine.net.groups[name])
        if frame is None:
            continue
        for edge in machine.net.couplings:
            if name in (edge.first, edge.second) and not edge.lateral:
                weight = machine.couplings[edge.name].weight.detach()
                filters = weight.T if edge.first == name else weight
                strength = float(filters.abs().max()) or 1.0
                found[f"filters/{edge.name}"] = tiles(0.5 + 0.5 * filters[:TILES] / strength, frame)
        found[f"samples/{name}"] = tiles(chains[name][:TILES], frame)
        found[f"reconstructions/{name}"] = _reconstructions(machine, judge, name, frame)
    return found


def _reconstructions(machine: Machine, judge: Judge, name: str, frame: tuple[int, int, int]) -> bytes:
    """Above the data, below what the hidden means make of it."""
    given = {group: state[:10] for group, state in judge.parts["train"].items()}
    with torch.no_grad():
        held = machine.mean_field(given)
        again = machine.groups[name].mean(machine.field(name, held))
    return tiles(torch.cat([given[name], again]), frame, columns=len(again))


def recollections(steps: Sequence[Tensor], frame: tuple[int, int, int]) -> bytes:
    """One cue a row: the pattern, the cue, the states after the sweeps. Each step is (cues, N)."""
    return tiles(torch.stack(list(steps), 1).flatten(0, 1), frame, columns=len(steps))


def framing(units: Units) -> tuple[int, int, int] | None:
    """Channels, height and width of a group of pixels; None where its units are no picture."""
    sizes = [size for size in units.axes if isinstance(size, int)]
    return (sizes[0], sizes[1], sizes[2]) if len(units.axes) == len(sizes) == 3 and sizes[0] in (1, 3) else None


def tiles(rows: Tensor, frame: tuple[int, int, int], columns: int | None = None) -> bytes:
    """Rows of pixels (n, C * H * W) side by side, as many in a line as `columns`; values below 0 and above 1 are cut off, -1 is black."""
    channels, height, width = frame
    count = len(rows)
    across = columns or max(1, round(count**0.5))
    down = -(-count // across)
    sheet = torch.full((channels, down * (height + 1) + 1, across * (width + 1) + 1), 0.35)
    for index, row in enumerate(rows.detach().float().cpu()):
        top, left = (index // across) * (height + 1) + 1, (index % across) * (width + 1) + 1
        sheet[:, top : top + height, left : left + width] = row.view(channels, height, width).clamp(0, 1)
    pixels = (sheet * 255).round().byte().permute(1, 2, 0).numpy()
    image = Image.fromarray(pixels[:, :, 0] if channels == 1 else pixels)
    scale = max(1, SIDE // image.width)
    stream = io.BytesIO()
    image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST).save(stream, "png")
    return stream.getvalue()
