"""`python -m nnrun` is `nnrun`."""

from nnrun.runner.cli import main

main(prog_name="nnrun")
