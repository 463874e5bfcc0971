"""Verbs whose training several processes may share."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import click

from nnrun.registry.fault import Fault
from nnrun.runner.cli.complete import GIVEN
from nnrun.runner.cli.console import CODES, Exit, console, say
from nnrun.runner.launch.place import Place, ProcessLost
from nnrun.runner.signals import Stopped

FIRST = 10.0
"""Seconds in which the first process says what all have found wrong, better than the others would; whoever started them ends these then."""


class Devices(click.ParamType):  # type: ignore[type-arg]
    """A number of processes, or `auto`."""

    name = "devices"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value != "auto" and not (str(value).isdecimal() and 1 <= int(value) <= 1024):
            self.fail(f"`{value}` is neither a number of processes from 1 to 1024 nor `auto`, one a GPU", param, ctx)
        return str(value)


def shared(function: Callable[..., None]) -> Callable[..., None]:
    """A verb in as many processes as `--devices` says, or torchrun: the first of them does it, the others train with it."""

    @click.option("--devices", type=Devices(), metavar="N", help="Processes of this machine that share each batch; auto: one a GPU.")
    @wraps(function)
    def verb(devices: str | None, **given: Any) -> None:
        place = Place.here()
        if not place.is_first:
            _follow(place)
        elif place.is_alone and devices is not None and (count := _count(devices)) > 1:
            from nnrun.runner.launch.local import launch

            sys.exit(launch(_without(click.get_current_context().meta[GIVEN]), count, lambda text: say(text, err=True)))
        else:
            function(**given)

    return verb


def _count(devices: str) -> int:
    if devices != "auto":
        return int(devices)
    import torch

    return max(1, torch.cuda.device_count())


def _without(words: Sequence[str]) -> list[str]:
    """The words of a command without `--devices N`."""
    kept, skipped = [], False
    for word in words:
        if not skipped and word != "--devices" and not word.startswith("--devices="):
            kept.append(word)
        skipped = word == "--devices"
    return kept


def _follow(place: Place) -> None:
    from nnrun.runner.compiler.check import SpecErrors
    from nnrun.runner.display import Display
    from nnrun.runner.follow import follow

    try:
        follow(place, Display(console(stderr=True), quiet=True))
    except Stopped as stop:
        sys.exit(stop.exit_code)
    except SpecErrors:
        time.sleep(FIRST)
        sys.exit(Exit.SPEC)
    except Fault as fault:
        if not isinstance(fault, ProcessLost):
            time.sleep(FIRST)
        say(f"process {place.rank + 1} of {place.size}: {fault.message}", err=True)
        sys.exit(CODES[fault.kind])
