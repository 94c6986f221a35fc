"""The curves of a trial, all epochs of all logs, in a table of our own: one row a trial.

As attributes of Optuna they are loaded with every trial and shown by the dashboard, so that is what
they are only behind a proxy, which knows nothing but Optuna's own tables.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from optuna.storages._rdb.models import TrialModel, TrialSystemAttributeModel
from sqlalchemy import orm

Curves = dict[str, NDArray[np.float32]]
"""Log name ("loss", "val_loss", …) → its values, shape (epochs,); NaN where it was not logged."""

Logs = Mapping[str, float]
"""What one epoch logged, by name."""

ATTR = "tuner:curves"
"""System attribute of a trial that was run through a proxy: its row, the bytes in base 64."""

_LONGEST = 60_000  # characters of an attribute; MySQL keeps 65,535 bytes


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


def to_attr(logged: Sequence[Logs]) -> dict[str, Any] | None:
    """The row as JSON can hold it; None if it is longer than an attribute may be."""
    row = pack(logged)
    row["packed"] = base64.b64encode(row["packed"]).decode("ascii")
    return row if len(json.dumps(row)) <= _LONGEST else None


def from_attr(row: Mapping[str, Any]) -> Curves:
    """The curves of what :func:`to_attr` made."""
    return unpack(row["names"], row["epochs"], base64.b64decode(row["packed"]))


def read_curves(connection: sa.Connection, trial_id: int) -> Curves:
    """The curves of a trial; empty if none are stored."""
    if sa.inspect(connection).has_table(CurvesModel.__tablename__):
        columns = (CurvesModel.names, CurvesModel.epochs, CurvesModel.packed)
        query = sa.select(*columns).where(CurvesModel.trial_id == trial_id)
        row = connection.execute(query).one_or_none()
        if row is not None:
            return unpack(*row)
    attr = TrialSystemAttributeModel
    sent = sa.select(attr.value_json).where(attr.trial_id == trial_id, attr.key == ATTR)
    value_json = connection.scalar(sent)
    return {} if value_json is None else from_attr(json.loads(value_json))


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)
