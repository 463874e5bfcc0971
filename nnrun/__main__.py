"""The command `nnrun`, also as `python -m nnrun`."""


def command() -> None:
    """Run the command. From the first line on, Ctrl-C and SIGTERM end it with the code that a shell expects."""
    from nnrun.runner.signals import end_at_once

    end_at_once()
    from nnrun.runner.cli import main

    main(prog_name="nnrun")


if __name__ == "__main__":
    command()
