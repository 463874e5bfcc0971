"""What nnrun itself must know of a run in MLflow: one tag, so that the others are for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from nnrun.runner.tracking.owner import Owner

TAG = "nnrun"


@dataclass(frozen=True)
class Plumbing:
    """Who trains a run, where its journal lies, and when it was last known to live."""

    owner: Owner
    journal: str
    heartbeat: str = ""
    """Time of the last sign of life, by ISO 8601; empty before the first."""

    @classmethod
    def of(cls, tags: Mapping[str, str]) -> Plumbing | None:
        """That of a run by its tags; None for a run of somebody else, and where somebody else has written over the tag."""
        try:
            fields = json.loads(tags[TAG])
            owner, journal, heartbeat = Owner(**fields["owner"]), fields["journal"], fields["heartbeat"]
            if heartbeat:
                datetime.fromisoformat(heartbeat)
        except (ValueError, KeyError, TypeError, RecursionError):
            return None
        texts = (owner.host, owner.boot, owner.space, owner.started, journal, heartbeat)
        return cls(owner, journal, heartbeat) if all(isinstance(text, str) for text in texts) and type(owner.pid) is int else None

    @property
    def tags(self) -> dict[str, str]:
        return {TAG: json.dumps(asdict(self))}

    def last_sign(self, start: int) -> float:
        """When the run was last known to live, in seconds since 1970; `start` is its beginning in milliseconds."""
        return datetime.fromisoformat(self.heartbeat).timestamp() if self.heartbeat else start / 1000
