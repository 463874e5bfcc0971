"""The processes of one training on a Ray cluster, which finds room for all of them at once: the job of `nnrun submit --on ray`.

    python -m nnrun.runner.launch.gang --nodes 2 --processes 4 --cpus 1 --device auto --folder FOLDER -- COMMAND...

On each node an actor starts the processes, with torchrun's variables. Where Ray loses a node, all end, and begin again as soon as there is
room: the command goes on in its run. The exit code is that of the first process that failed.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from types import FrameType
from typing import Any

import ray
from ray.exceptions import RayActorError
from ray.util.placement_group import PlacementGroup, placement_group, remove_placement_group
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from nnrun.runner.launch.surroundings import Surroundings
from nnrun.runner.owner import signalled_at_its_end

ROOM = 15.0
"""Seconds between two words about the room that is waited for."""

GRACE = 60.0
"""Seconds in which all processes of a training end when one has; they themselves see that it has."""

TRIES = 5
"""How often a training begins again because a node is lost."""

SETTLED = 5.0
"""Seconds after which Ray knows that a node is lost whose processes have ended."""

ROUND = 0.2
"""Seconds between two looks at the processes."""


class Lost(Exception):
    """Ray has lost a node."""


@dataclass(frozen=True)
class Asked:
    """What a training takes, and runs."""

    nodes: int
    processes: int
    """Of each node."""
    each: Mapping[str, float]
    """CPUs and GPUs of a process."""
    command: Sequence[str]
    surroundings: Surroundings

    @property
    def node(self) -> dict[str, float]:
        """What it takes of a node."""
        return {name: amount * self.processes for name, amount in self.each.items() if amount}


class Member:
    """The actor on a node. It answers while it waits for its processes."""

    def __init__(self, surroundings: Surroundings) -> None:
        self.surroundings = surroundings
        self.started: list[subprocess.Popen[bytes]] = []

    def begin(self) -> tuple[str, int, str | None]:
        """The node's address, a port that is free there, and what it lacks."""
        missing = self.surroundings.missing()
        if missing is None:
            self.surroundings.enter()
        with socket.socket() as free:
            free.bind(("", 0))
            port = int(free.getsockname()[1])
        return ray.util.get_node_ip_address(), port, missing

    def run(self, command: Sequence[str], places: Sequence[Mapping[str, str]]) -> int:
        """Run the command at each place; the code of the first process that failed."""
        number = signal.SIGTERM
        self.started = [subprocess.Popen(command, env=os.environ | place, preexec_fn=signalled_at_its_end(number)) for place in places]
        failed, end = 0, float("inf")
        while any(process.poll() is None for process in self.started):
            if not failed and (failed := next((code for process in self.started if (code := process.poll())), 0)):
                end = time.monotonic() + GRACE
            if time.monotonic() > end:
                self.stop(signal.SIGKILL)
            time.sleep(ROUND)
        return failed or next((code for process in self.started if (code := process.poll())), 0)

    def stop(self, number: int) -> None:
        for process in self.started:
            if process.poll() is None:
                process.send_signal(number)


class Gang:
    """The members, once Ray has found room for all; it is given back in the end."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.is_stopped = False
        self.group = _room(asked)
        self.members: list[Any] = [self._member(number) for number in range(asked.nodes)]

    def __enter__(self) -> Gang:
        return self

    def __exit__(self, *_: object) -> None:
        for member in self.members:
            ray.kill(member)
        remove_placement_group(self.group)

    def run(self) -> int:
        """The exit code. Raises: Lost, ValueError if a node lacks something."""
        began = [member.begin.remote() for member in self.members]
        hosts = [self._heard(one) for one in began]
        for address, _, missing in hosts:
            if missing is not None:
                raise ValueError(f"Ray's node {address} {missing}: every node needs the same nnrun, and the same files at the same paths")
        (address, port, _), *_ = hosts
        master = {"MASTER_ADDR": address, "MASTER_PORT": str(port), "OMP_NUM_THREADS": str(int(self.asked.each["CPU"]))}
        running = [
            member.run.remote(self.asked.command, [master | self._place(node, local) for local in range(self.asked.processes)])
            for node, member in enumerate(self.members)
        ]
        code, lost = 0, None
        while running:
            ended, running = ray.wait(running, num_returns=1, timeout=GRACE if code or lost else None)
            if not ended:
                break
            try:
                code = code or self._heard(ended[0])
            except Lost as error:
                lost = error
                self._tell(signal.SIGTERM)
        if self.is_stopped:
            return code
        if lost is not None:
            raise lost
        if code:
            self._look_for_the_lost(code)
        return code

    def stop(self, number: int) -> None:
        """End the processes, by a signal; they do not begin again."""
        self.is_stopped = True
        self._tell(number)

    def _tell(self, number: int) -> None:
        for member in self.members:
            member.stop.remote(number)

    def _look_for_the_lost(self, code: int) -> None:
        """A node that goes takes its processes with it, and these may tell first. Raises: Lost."""
        if code in (-signal.SIGTERM, 128 + signal.SIGTERM):
            raise Lost("its processes were told to end")
        time.sleep(SETTLED)
        for member in self.members:
            self._heard(member.begin.remote())

    def _heard(self, answer: Any) -> Any:
        """Raises: Lost."""
        try:
            return ray.get(answer)
        except RayActorError as error:
            raise Lost(" ".join(str(error).split("\n")[0].split())) from None

    def _place(self, node: int, local: int) -> dict[str, str]:
        each = self.asked.processes
        numbers = {"RANK": node * each + local, "WORLD_SIZE": self.asked.nodes * each, "LOCAL_RANK": local, "LOCAL_WORLD_SIZE": each}
        return {name: str(value) for name, value in numbers.items()}

    def _member(self, number: int) -> Any:
        there = PlacementGroupSchedulingStrategy(self.group, placement_group_bundle_index=number)
        takes = {"num_cpus": self.asked.node.get("CPU", 0), "num_gpus": self.asked.node.get("GPU", 0)}
        return ray.remote(Member).options(max_concurrency=2, scheduling_strategy=there, **takes).remote(self.asked.surroundings)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("nodes", "processes", "cpus"):
        parser.add_argument(f"--{name}", type=int, default=1)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--folder", default=os.getcwd())
    parser.add_argument("command", nargs="+")
    given = parser.parse_args()
    ray.init(logging_level=logging.ERROR)
    gpus = int(given.device.startswith(("cuda", "auto")) and ray.cluster_resources().get("GPU", 0) > 0)
    around = Surroundings(given.folder, version("nnrun"), Surroundings.here().environment)
    asked = Asked(given.nodes, given.processes, {"CPU": given.cpus, "GPU": gpus}, given.command, around)
    for _ in range(TRIES):
        try:
            with Gang(asked) as gang:
                _pass_on(gang)
                code = gang.run()
            return 128 - code if code < 0 else code
        except Lost as lost:
            print(f"a node is lost, and the training begins again: {lost}", flush=True)
        except ValueError as error:
            print(f"error: {error}", flush=True)
            return 4
    print(f"error: {TRIES} times a node was lost", flush=True)
    return 1


def _pass_on(gang: Gang) -> None:
    """SIGTERM, by which a job is ended, is for the processes."""

    def stop(number: int, frame: FrameType | None) -> None:
        gang.stop(number)

    signal.signal(signal.SIGTERM, stop)


def _room(asked: Asked) -> PlacementGroup:
    """Nodes of the cluster that have room, as soon as there are enough of them."""
    group: PlacementGroup = placement_group([asked.node] * asked.nodes, strategy="STRICT_SPREAD")
    while not group.wait(ROOM):
        each = " and ".join(f"{amount:.0f} {name}" for name, amount in asked.node.items())
        print(f"waiting for {asked.nodes} node(s) of the cluster with {each} that nobody uses", flush=True)
    return group


if __name__ == "__main__":
    sys.exit(main())
