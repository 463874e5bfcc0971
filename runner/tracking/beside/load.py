"""What a run costs its machine, by MLflow's own monitors: figures of the page System metrics."""

from __future__ import annotations

import contextlib
import time

from mlflow.system_metrics.metrics.base_metrics_monitor import BaseMetricsMonitor
from mlflow.system_metrics.metrics.cpu_monitor import CPUMonitor
from mlflow.system_metrics.metrics.gpu_monitor import GPUMonitor

SHORTEST, LONGEST = 1.0, 60.0
"""Seconds between two measurements of a run: at its beginning, and after hours."""

SHARE = 0.02
"""Of the time that a run has taken so far: how long to wait for the next measurement."""


class Load:
    """Measures the machine now and then, a short run often, a long one seldom. `begun` is when the run did, in seconds since 1970."""

    def __init__(self, begun: float) -> None:
        self.begun = begun
        self.monitors: list[BaseMetricsMonitor] = [CPUMonitor()]  # type: ignore[no-untyped-call]
        with contextlib.suppress(ImportError, RuntimeError, OSError):  # no GPU, or no library that knows it
            self.monitors.append(GPUMonitor())  # type: ignore[no-untyped-call]
        self.started = time.monotonic()
        self.last = self.started - SHORTEST

    @property
    def seconds(self) -> int:
        """Since the run began: the step of a measurement. It grows on where a run goes on that was broken off."""
        return max(0, round(time.time() - self.begun))

    @property
    def is_due(self) -> bool:
        now = time.monotonic()
        return now - self.last >= min(max(SHORTEST, SHARE * (now - self.started)), LONGEST)

    def figures(self) -> dict[str, float]:
        """One measurement, by the names that MLflow gives them."""
        self.last = time.monotonic()
        found: dict[str, float] = {}
        for monitor in self.monitors:
            monitor.collect_metrics()  # type: ignore[no-untyped-call]
            figures = monitor.aggregate_metrics()  # type: ignore[no-untyped-call]
            found |= {f"system/{name}": figure for name, figure in figures.items()}
            monitor.clear_metrics()  # type: ignore[no-untyped-call]
        return found
