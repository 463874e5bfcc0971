"""Workers of a Ray cluster. An actor keeps the process that trains, wherever Ray has room, and passes on what it and the owner say.

A node may go at any moment: Ray tells, and another actor takes the place of the one that was there.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
from collections.abc import Iterator, Mapping
from time import monotonic
from typing import Any

import ray
from ray.exceptions import ObjectLostError, RayActorError, RayError

from nnrun.runner.compiler.language.training import Train
from nnrun.runner.experiments.sweep.trials import Died, Said, Task
from nnrun.runner.experiments.sweep.workers.local import GRACE, Trainer, end
from nnrun.runner.experiments.sweep.workers.workers import Call, NoRay, Worker, Workers
from nnrun.runner.launch.surroundings import Surroundings
from nnrun.runner.signals import Stopped, held
from nnrun.runner.tracking.store import Store

KNOCK = 5.0
"""Seconds in which Ray's head must take a connection."""

ROOM = 15.0
"""Seconds for which Ray may look for room until people are told."""

TRIES = 3
"""How often each worker may die before it is there, one after the other."""


class Keeper:
    """The actor. It hears in one thread, and tells in another."""

    def __init__(self, owner: Surroundings, store: Store, sharers: int) -> None:
        self.owner, self.store, self.sharers = owner, store, sharers

    def begin(self) -> tuple[str, str | None]:
        """Start the process, unless something is missing; the address of the node, and what is."""
        missing = self.owner.missing()
        if missing is None:
            self.owner.enter()
            self.trainer = Trainer(self.store, self.sharers, "worker")
        return ray.util.get_node_ip_address(), missing

    def tell(self, what: Task | bool) -> None:
        self.trainer.tell(what)

    def hear(self) -> Said:
        return self.trainer.hear()

    def end(self) -> None:
        end([self.trainer])


class RayWorker(Worker):
    """An actor, and what Ray was asked for last: whether it is there, then the next that it says."""

    def __init__(self, number: int, actor: Any) -> None:
        super().__init__(number)
        self.actor = actor
        self.node: str | None = None
        """The address of its node, once it has one."""
        self.asked = actor.begin.remote()
        self.since = monotonic()

    @property
    def is_there(self) -> bool:
        return self.node is not None

    def tell(self, what: Task | bool) -> None:
        self.actor.tell.remote(what)


class RayWorkers(Workers):
    """As many actors as are wanted, or as Ray has room for; Ray is left, and ended if it was started here, when they stop.

    Raises: NoRay.
    """

    def __init__(self, call: Call, count: int | None = None, address: str | None = None) -> None:
        self.store, self.say = call.store, call.say
        self.all: list[RayWorker] = []
        self.unborn, self.is_told = 0, False
        if not call.most:
            return
        _join(address)
        try:
            self._refuse_others({node["NodeManagerAddress"] for node in ray.nodes() if node["Alive"]})
            self.needs = _needs(call.train)
            self.count = min(count or _places(self.needs), call.most)
            self.all = [self._called(number) for number in range(self.count)]
        except BaseException:
            ray.shutdown()
            raise

    def said(self, seconds: float) -> Iterator[tuple[Worker, Said]]:
        asked = {worker.asked: worker for worker in self.all}
        answered, _ = ray.wait(list(asked), timeout=seconds)
        for answer in answered:
            yield from self._said_by(asked[answer])
        self._tell_of_waiting()

    def stop(self) -> None:
        ends = [worker.actor.end.remote() for worker in self.all if worker.is_there]
        if ends:
            ray.wait(ends, num_returns=len(ends), timeout=GRACE)
        for worker in self.all:
            ray.kill(worker.actor)
        ray.shutdown()

    def _said_by(self, worker: RayWorker) -> Iterator[tuple[Worker, Said]]:
        try:
            answer = ray.get(worker.asked)
        except (RayActorError, ObjectLostError) as error:
            if not worker.is_there:
                self._count_unborn(error)
            answer = Died(f"as Ray lost it, on node {worker.node}")
        if isinstance(answer, tuple):
            self._welcome(worker, *answer)
        else:
            yield worker, answer
        if isinstance(answer, Died):
            ray.kill(worker.actor)  # it may only be out of reach
            self.all[worker.number] = self._called(worker.number)
        else:
            worker.asked = worker.actor.hear.remote()

    def _welcome(self, worker: RayWorker, node: str, missing: str | None) -> None:
        """A worker is there. Raises: NoRay if its node cannot do what is wanted."""
        if missing is not None:
            help = "every node needs the same nnrun, and the same files at the same paths, for example in a shared folder"
            raise NoRay(f"Ray's node {node} {missing}", help)
        self._refuse_others({node})
        worker.node, self.unborn = node, 0

    def _refuse_others(self, nodes: set[str]) -> None:
        """Raises: NoRay if some are other machines, and the store is reached from this one alone."""
        others = nodes - {ray.util.get_node_ip_address()}
        if others and self.store.is_of_this_machine:
            raise NoRay(
                f"Ray has nodes on other machines ({', '.join(sorted(others))}), which do not reach the store `{self.store.public}`",
                "let `MLFLOW_TRACKING_URI` name an MLflow server by an address that all nodes reach",
            )

    def _count_unborn(self, error: RayError) -> None:
        """Raises: NoRay if none comes up."""
        self.unborn += 1
        if self.unborn > TRIES * self.count:
            raise NoRay(f"no worker comes up on Ray: {str(error).strip().splitlines()[-1]}", "every node needs nnrun and its packages")

    def _tell_of_waiting(self) -> None:
        late = [worker for worker in self.all if not worker.is_there and monotonic() > worker.since + ROOM]
        if late and not self.is_told:
            self.is_told = True
            each = " and ".join(f"{amount} {name}" for name, amount in self.needs.items() if amount)
            self.say(f"Ray has room for {self.count - len(late)} of {self.count} workers so far; each takes {each}")

    def _called(self, number: int) -> RayWorker:
        actor = ray.remote(Keeper).options(max_concurrency=2, num_cpus=self.needs["CPU"], num_gpus=self.needs["GPU"])
        return RayWorker(number, actor.remote(Surroundings.here(), self.store, self.count))


HELP = "`ray status` tells whether it runs; a sweep is started on a machine of the cluster, with the address of its head: `10.0.0.1:6379`"


def _join(address: str | None) -> None:
    """Connect with the Ray of an address; without one as Ray itself does, which may start one here. Raises: NoRay, Stopped."""
    wanted = address or os.environ.get("RAY_ADDRESS")
    called = f"Ray at `{wanted}`" if wanted else "Ray"
    _knock(wanted, called)
    ray._private.worker._worker_logs_enabled = False  # else Ray prints of nodes that it lost, on standard output
    before = signal.getsignal(signal.SIGTERM)
    try:
        with held():
            ray.init(address=address, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    except (RayError, RuntimeError, OSError, ValueError) as error:
        raise NoRay(f"{called} cannot be used: {' '.join(str(error).split())}", HELP) from None
    except SystemExit:  # by Ray's own handler of signals
        raise Stopped(signal.SIGTERM) from None
    finally:
        signal.signal(signal.SIGTERM, before)


def _knock(address: str | None, called: str) -> None:
    """Raises: NoRay where nobody is at an address; Ray itself would try for long."""
    host, colon, port = (address or "").rpartition(":")
    if "://" in host:
        raise NoRay(f"{called} is the way of Ray's clients, from outside of the cluster", HELP)
    if not colon or not port.isdecimal():  # `auto`, `local`
        return
    host = ray.util.get_node_ip_address() if host in ("localhost", "127.0.0.1", "[::1]") else host.strip("[]")  # as Ray takes it
    try:
        socket.create_connection((host, int(port)), KNOCK).close()
    except OSError as error:
        raise NoRay(f"{called} does not answer: {(error.strerror or str(error)).lower()}", HELP) from None


def _needs(train: Train) -> dict[str, int]:
    """What each worker takes of a node: as many CPUs as it has threads, and a GPU where it may use one, and there are any."""
    wants_gpu = train.device.startswith(("cuda", "auto")) and ray.cluster_resources().get("GPU", 0) > 0
    return {"CPU": 1 if train.threads == "auto" else int(train.threads), "GPU": int(wants_gpu)}


def _places(needs: Mapping[str, int]) -> int:
    """How many workers Ray has room for; at least one, for which room may come."""
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    return max(1, sum(min(int(node.get(name, 0) // amount) for name, amount in needs.items() if amount) for node in nodes))
