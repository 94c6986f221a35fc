"""The curves of a trial, all epochs of all logs, packed into one row of a table or one attribute.

Attributes are loaded with every trial and shown by the dashboard, so only a proxy, which knows no
tables but Optuna's own, gets the curves as one; see :mod:`tuner.storage.sql.curve_table`.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Curves = dict[str, NDArray[np.float32]]
"""Log name ("loss", "val_loss", …) → its values, shape (epochs,); NaN where it was not logged."""

Logs = Mapping[str, float]
"""What one epoch logged, by name."""

ATTR = "tuner:curves"
"""System attribute of a trial that was run through a proxy: its row, the bytes in base 64."""

_LONGEST = 60_000  # characters of an attribute; MySQL keeps 65,535 bytes


def pack(logged: Sequence[Logs]) -> dict[str, Any]:
    """The row, without ``trial_id``, of what each epoch logged, the first epoch first."""
    names = list(dict.fromkeys(name for logs in logged for name in logs))
    values = [[_number(logs.get(name)) for logs in logged] for name in names]
    with np.errstate(over="ignore"):  # what float32 cannot hold is infinite
        table = np.array(values, dtype="<f4")
    return {
        "names": json.dumps(names),
        "epochs": len(logged),
        "packed": zlib.compress(table.tobytes()),
    }


def unpack(names: str, epochs: int, packed: bytes) -> Curves:
    """The curves of a row."""
    keys = json.loads(names)
    table = np.frombuffer(zlib.decompress(packed), dtype="<f4").reshape(len(keys), epochs)
    return {key: table[i].astype(np.float32) for i, key in enumerate(keys)}


def to_attr(logged: Sequence[Logs]) -> dict[str, Any] | None:
    """The row as JSON can hold it; None if it is longer than an attribute may be."""
    row = pack(logged)
    row["packed"] = base64.b64encode(row["packed"]).decode("ascii")
    return row if len(json.dumps(row)) <= _LONGEST else None


def from_attr(row: Mapping[str, Any]) -> Curves:
    """The curves of what :func:`to_attr` made."""
    return unpack(row["names"], row["epochs"], base64.b64decode(row["packed"]))


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)
