"""Several processes of this machine train one network: torchrun's agent starts them, watches them, and ends all when one ends."""

from __future__ import annotations

import logging
import os
import signal
import sys
import uuid
from collections.abc import Callable, Sequence

SHARED_STORE = "TORCH_DISABLE_SHARE_RDZV_TCP_STORE"
"""Set, so that processes meet at an address of their own: at that of the agent, a restart may find the peers of before, and hang."""


def launch(words: Sequence[str], count: int, say: Callable[[str], None]) -> int:
    """Run `nnrun` with these words in so many processes. Returns the exit code of the command: that of the first that failed."""
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    os.environ[SHARED_STORE] = "1"
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # as torchrun does
    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)  # what happens is said below
    config = LaunchConfig(1, 1, count, run_id=str(uuid.uuid4()), rdzv_backend="c10d", rdzv_endpoint="localhost:0", max_restarts=0)
    try:
        elastic_launch(config, sys.executable)("-m", "nnrun", *words)
    except ChildFailedError as error:
        rank, failure = min(error.failures.items(), key=lambda item: item[1].timestamp)
        if failure.exitcode < 0:
            say(f"process {rank + 1} of {count} was ended by {signal.Signals(-failure.exitcode).name}, and the others with it")
            return 128 - failure.exitcode
        return int(failure.exitcode)
    except SignalException as error:
        return 128 + int(error.sigval)
    return 0
