"""What a spec can name. Its name is `nnrun.registry`."""

if not __name__.startswith("nnrun."):
    from nnrun.names import stand_for

    stand_for(__name__)
