"""Reads, checks, builds, trains and records. Its name is `nnrun.runner`."""

if not __name__.startswith("nnrun."):
    from nnrun.names import stand_for

    stand_for(__name__)
