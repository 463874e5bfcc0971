"""What goes wrong when a spec runs and the user can mend."""

from __future__ import annotations

from typing import ClassVar, Literal


class Fault(Exception):
    """Something that is not as it should be outside our code. `message` says what was wanted and given, `help` is a repair.

    It is shown without a traceback; anything else that is raised is a mistake of ours.
    """

    kind: ClassVar[Literal["data", "missing", "failed"]]
    """`data`: it is not what the spec says; `missing`: a file, package, run or device is not there; `failed`: the training."""

    id: ClassVar[str]
    """The page of `runner/errors/run/` that explains it."""
    path: tuple[str | int, ...] | None = None
    """Way to the value of the spec that is to blame, if one is."""
    document: object = None
    """The spec that `path` leads through. Who has it fills it in."""

    def __init__(self, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.message, self.help = message, help
