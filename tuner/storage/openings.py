"""Openings of test splits: who has opened that of which study, for which configuration.

They are stored in a table of our own; see :mod:`tuner.storage.sql.opening_table`. A proxy, which
knows no tables but Optuna's own, gets each as an attribute of its study.
"""

from __future__ import annotations

import hashlib
import json
import socket
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import Field

from tuner.spec.models import Finite, Text
from tuner.storage.attributes import Count, Stored, read

OPENING = "tuner:opening:"
"""Begins the system attribute of a study for each opening that was recorded through a proxy."""


def _new_id() -> str:
    return uuid.uuid4().hex


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


class Opening(Stored):
    """One opening of a test split.

    Attributes:
        id: Its own; to store an opening again replaces the first one.
        study: Name of the study in the database.
        data_fingerprint: `Splits.fingerprint` of the data, all three parts.
        trial: Number of the trial whose configuration is scored; None for one that no trial had,
            or for several together.
        configuration: :func:`digest` of what is scored.
        by: The command that opened it, such as ``"tuner train"``.
        why: What for.
        opened_at: When, in UTC.
        scores: Metric → value on the test split, None if it is not a number; empty if the command
            ended before it had scored.
        host: Name of the machine.
    """

    id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] = Field(default_factory=_new_id)
    study: Text
    data_fingerprint: Text
    trial: Count | None = None
    configuration: Text
    by: Text
    why: Text
    opened_at: Annotated[datetime, Field(strict=False)] = Field(default_factory=_now)
    scores: dict[str, Finite | None] = Field(default={})
    host: str = Field(default_factory=socket.gethostname)

    def scored(self, scores: Mapping[str, float]) -> Opening:
        """Returns the opening with its scores."""
        finite = {name: float(value) for name, value in scores.items()}
        known = {
            name: value if abs(value) < float("inf") else None for name, value in finite.items()
        }
        return self.model_copy(update={"scores": known})

    def to_dict(self) -> dict[str, Any]:
        """Returns the opening as JSON holds it."""
        return self.model_dump(mode="json")


def opening_of(value: object, study: str) -> Opening:
    """Returns the opening that :meth:`Opening.to_dict` made the attribute of.

    Raises:
        SpecError: The attribute is not what tuner stores there.
    """
    return read(Opening, value, f"stored study {study}", f"{OPENING}…")


def digest(what: Mapping[str, Any]) -> str:
    """Returns a SHA-256 that is the same for the same configuration.

    Args:
        what: All that decides what is trained, as JSON holds it; in any order.
    """
    text = json.dumps(what, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
