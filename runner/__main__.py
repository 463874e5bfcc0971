"""`python -m runner` is `nnrun`."""

from runner.cli import main

main(prog_name="nnrun")
