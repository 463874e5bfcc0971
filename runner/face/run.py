"""A finished run."""

from __future__ import annotations

import html
import sys
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from nnrun.runner.face.printed import preformatted, printed
from nnrun.runner.job import Job
from nnrun.runner.record.result import Result
from nnrun.runner.record.table import links_text, result_table

if TYPE_CHECKING:
    from nnrun.runner.display import Display
    from nnrun.runner.face.model import Model
    from nnrun.runner.tracking.store import Store


class Run:
    """What a run gave; prints as `nnrun SPEC` does at its end."""

    def __init__(self, result: Result) -> None:
        assert result.delivered is not None
        self.result, self._delivered = result, result.delivered

    @staticmethod
    def of(job: Job, quiet: bool = False) -> Run:
        """Run a spec and record it. Raises: SpecErrors, Fault; KeyboardInterrupt where it was interrupted."""
        from nnrun.runner.compiler.check import SpecErrors
        from nnrun.runner.run import run

        if job.checked.plan is None:
            raise SpecErrors(job.checked)
        return _recorded(lambda store, display: run(job, store, display), quiet)

    @staticmethod
    def again(reference: str | None, epochs: int | None, quiet: bool = False) -> Run:
        """Go on with a run of this machine. Raises: NotResumable, and what `of` raises."""
        from nnrun.runner.going_on import go_on

        return _recorded(lambda store, display: go_on(reference, store, display, epochs)[1], quiet)

    @property
    def figures(self) -> Mapping[str, float]:
        """By the names under which they are logged: `test/accuracy`."""
        return self.result.figures

    @property
    def run_id(self) -> str | None:
        """The run's id in MLflow; None while MLflow could not be told of it."""
        return self._delivered.run_id

    @cached_property
    def model(self) -> Model:
        """The network, as it was recorded. Raises: RunNotFound where the spec keeps none."""
        from nnrun.runner.face.model import Model
        from nnrun.runner.tracking.store import StoreError

        if self.run_id is None:
            raise StoreError("MLflow could not be told of this run yet, so there is no model to load", "`nnrun sync` delivers it")
        return Model.load(self.run_id)

    def __str__(self) -> str:
        return printed(result_table(self.result)) + links_text(self._delivered) + (self._delivered.message or "")

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return preformatted(html.escape(str(self), quote=False))


def _recorded(what: Callable[[Store, Display], Result], quiet: bool) -> Run:
    """A run in the store of the environment, told of on standard error."""
    from rich.console import Console

    from nnrun.runner.display import Display
    from nnrun.runner.launch.place import NotAlone, Place
    from nnrun.runner.signals import Stopped
    from nnrun.runner.tracking.store import Store

    if not Place.here().is_alone:
        help = "let `torchrun -m nnrun SPEC`, or `nnrun SPEC --devices N`, share a training among processes"
        raise NotAlone(f"from Python one process trains, and {Place.here().size} were started", help)
    torch = sys.modules.get("torch")  # a notebook's own number of threads is given back
    threads = torch.get_num_threads() if torch is not None else None
    try:
        return Run(what(Store.from_environment(), Display(Console(stderr=True, highlight=False), quiet=quiet)))
    except Stopped as stop:
        raise KeyboardInterrupt(str(stop)) from None
    finally:
        if torch is not None:
            torch.set_num_threads(threads)
