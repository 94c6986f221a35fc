"""Reads trials with two queries: their own rows, then all their details in one union.

Optuna's storage makes an ORM object of each row of six tables: 10,000 trials take it seconds, and
a single one takes six queries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from optuna.distributions import BaseDistribution, CategoricalDistribution, json_to_distribution
from optuna.trial import FrozenTrial

from tuner.storage.attributes import parsed, readable_rows
from tuner.storage.optuna_private import TRIALS, models

_AT_ONCE = 500  # trials a query; SQLite takes 32,766 parameters, and each trial is five of them
_NOT_FINITE = {"INF_POS": float("inf"), "INF_NEG": float("-inf"), "NAN": float("nan")}

# Columns of the tables of details: name, step, number and text.
_PARAM = ("param_name", None, "param_value", "distribution_json")
_ATTR = ("key", None, None, "value_json")
_STEP = (None, "step", "intermediate_value", "intermediate_value_type")
_VALUE = (None, "objective", "value", "value_type")

# Parses each distinct distribution once: the trials of a study share a few.
_distribution: Callable[[str], BaseDistribution] = lru_cache(1000)(json_to_distribution)


def load_trial(connection: sa.Connection, trial_id: int) -> FrozenTrial:
    """Loads one trial.

    Raises:
        KeyError: There is no such trial.
        SpecError: A row of it was changed by hand and cannot be read.
    """
    found = _load(connection, _ONE, {"trial_id": trial_id})
    if not found:
        raise KeyError(f"Trial {trial_id} does not exist.")
    return found[0]


def load_trials(
    connection: sa.Connection, study_id: int, *, after: int = -1, among: Iterable[int] = ()
) -> list[FrozenTrial]:
    """Loads trials of a study in the order in which they were created.

    Args:
        connection: To Optuna's tables.
        study_id: The study.
        after: Those whose identifier is greater than this one,
        among: and those whose identifier is one of these.

    Raises:
        SpecError: A row of one was changed by hand and cannot be read.
    """
    ids = list(among)
    first = min([after + 1, *ids])
    wanted = {"study_id": study_id, "first": first, "after": after, "among": ids}
    return _load(connection, _SOME, wanted)


def require_study(connection: sa.Connection, study_id: int) -> None:
    """Makes sure that there is a study.

    Raises:
        KeyError: There is not.
    """
    study = models.StudyModel.study_id
    if connection.scalar(sa.select(study).where(study == study_id)) is None:
        raise KeyError(f"Study {study_id} does not exist.")


def stored_distribution(
    connection: sa.Connection, study_id: int, name: str
) -> BaseDistribution | None:
    """The distribution of a parameter in any trial of the study; None if none has it."""
    param, trial = models.TrialParamModel, models.TrialModel
    query = sa.select(param.distribution_json).join(trial, trial.trial_id == param.trial_id)
    query = query.where(trial.study_id == study_id, param.param_name == name).limit(1)
    found = connection.scalars(query).one_or_none()
    return None if found is None else _distribution(found)


@readable_rows()
def _load(
    connection: sa.Connection, query: sa.Select[Any], wanted: Mapping[str, Any]
) -> list[FrozenTrial]:
    # The states are read first: a trial that has ended by then has all its details stored.
    found = connection.execute(query, wanted).all()
    trials = {
        row.trial_id: FrozenTrial(
            number=row.number,
            state=row.state,
            value=None,
            datetime_start=_local(row.datetime_start),
            datetime_complete=_local(row.datetime_complete),
            params={},
            distributions={},
            user_attrs={},
            system_attrs={},
            intermediate_values={},
            trial_id=row.trial_id,
        )
        for row in found
    }
    trial_ids = list(trials)
    for start in range(0, len(trial_ids), _AT_ONCE):
        ids = trial_ids[start : start + _AT_ONCE]
        _add_details(trials, connection.execute(_DETAILS, {"ids": ids}))
    return list(trials.values())


def _add_details(trials: Mapping[int, FrozenTrial], rows: Iterable[Any]) -> None:
    params: list[tuple[int, FrozenTrial, str, float, str]] = []
    values: dict[int, dict[int, float]] = {}
    for kind, row_id, trial_id, name, step, number, text in rows:
        trial = trials[trial_id]
        if kind == "param":
            params.append((row_id, trial, name, number, text))
        elif kind == "user":
            trial.user_attrs[name] = parsed(text)
        elif kind == "system":
            trial.system_attrs[name] = parsed(text)
        elif kind == "step":
            trial.intermediate_values[step] = _number(text, number)
        else:
            values.setdefault(trial_id, {})[step] = _number(text, number)
    for trial_id, found in values.items():
        trials[trial_id].values = [found[objective] for objective in range(len(found))]
    params.sort(key=lambda param: param[0])  # in the order in which they were suggested
    for _, trial, name, number, text in params:
        distribution = _distribution(text)
        if isinstance(distribution, CategoricalDistribution) and number < 0:
            raise IndexError(f"{name} has no choice {number}")
        trial.params[name] = distribution.to_external_repr(number)
        trial.distributions[name] = distribution


def _number(kind: str, number: float) -> float:
    """A value as Optuna stores it: one that is not finite is named by its kind."""
    return _NOT_FINITE[kind] if kind in _NOT_FINITE else float(number)


def _details() -> sa.CompoundSelect[Any]:
    """What belongs to trials, from five tables: a parameter, attribute or value in each row."""
    branches = []
    for kind, model, row_id, name, step, number, text in (
        ("param", models.TrialParamModel, "param_id", *_PARAM),
        ("user", models.TrialUserAttributeModel, "trial_user_attribute_id", *_ATTR),
        ("system", models.TrialSystemAttributeModel, "trial_system_attribute_id", *_ATTR),
        ("step", models.TrialIntermediateValueModel, "trial_intermediate_value_id", *_STEP),
        ("value", models.TrialValueModel, "trial_value_id", *_VALUE),
    ):
        column: Any = model.__table__.c
        query = sa.select(
            sa.literal_column(f"'{kind}'", sa.String).label("kind"),
            column[row_id].label("row_id"),
            column.trial_id,
            (column[name] if name else sa.cast(sa.null(), sa.String)).label("name"),
            (column[step] if step else sa.cast(sa.null(), sa.Integer)).label("step"),
            (column[number] if number else sa.cast(sa.null(), sa.Float(53))).label("number"),
            (sa.cast(column[text], sa.String) if step else column[text]).label("text"),
        )
        branches.append(query.where(column.trial_id.in_(sa.bindparam("ids", expanding=True))))
    return sa.union_all(*branches)


def _query(wanted: sa.ColumnElement[bool]) -> sa.Select[Any]:
    trial = models.TrialModel
    query = sa.select(
        *(trial.trial_id, trial.number, trial.state),
        *(TRIALS.c.datetime_start, TRIALS.c.datetime_complete),
    )
    return query.where(wanted).order_by(trial.trial_id)


# Built once: to build a statement takes about as long as SQLite takes to run it.
_DETAILS = _details()
_ONE = _query(models.TrialModel.trial_id == sa.bindparam("trial_id"))
_SOME = _query(
    (models.TrialModel.study_id == sa.bindparam("study_id"))
    # No index helps with the alternative below: without this, all trials are scanned.
    & (models.TrialModel.trial_id >= sa.bindparam("first"))
    & (
        (models.TrialModel.trial_id > sa.bindparam("after"))
        | models.TrialModel.trial_id.in_(sa.bindparam("among", expanding=True))
    )
)


def _local(stored: datetime | None) -> datetime | None:
    """Optuna stores UTC and returns local time, both without a time zone."""
    return stored and stored.replace(tzinfo=UTC).astimezone().replace(tzinfo=None)
