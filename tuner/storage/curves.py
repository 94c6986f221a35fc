"""The curves of a trial, all epochs of all logs, in a table of our own: one row a trial.

As attributes of Optuna they would be loaded with every trial and shown by the dashboard.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from optuna.storages._rdb.models import TrialModel
from sqlalchemy import orm

Curves = dict[str, NDArray[np.float32]]
"""Log name ("loss", "val_loss", …) → its values, shape (epochs,); NaN where it was not logged."""

Logs = Mapping[str, float]
"""What one epoch logged, by name."""


class _Base(orm.DeclarativeBase):
    pass


class CurvesModel(_Base):
    """The curves of one trial that has ended.

    Attributes:
        trial_id: The trial; the row goes with it, whoever deletes it.
        names: The logs, as a JSON list.
        epochs: How many epochs were run.
        packed: Little-endian float32 of shape (logs, epochs), compressed with zlib.
    """

    __tablename__ = "tuner_curves"

    trial_id: orm.Mapped[int] = orm.mapped_column(
        sa.ForeignKey(TrialModel.trial_id, ondelete="CASCADE"), primary_key=True
    )
    names: orm.Mapped[str] = orm.mapped_column(sa.Text)
    epochs: orm.Mapped[int]
    packed: orm.Mapped[bytes]


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


def read_curves(connection: sa.Connection, trial_id: int) -> Curves:
    """The curves of a trial; empty if none are stored, or the table is not there yet."""
    if not sa.inspect(connection).has_table(CurvesModel.__tablename__):
        return {}
    columns = (CurvesModel.names, CurvesModel.epochs, CurvesModel.packed)
    query = sa.select(*columns).where(CurvesModel.trial_id == trial_id)
    row = connection.execute(query).one_or_none()
    return {} if row is None else unpack(*row)


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)
