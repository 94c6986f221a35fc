"""The rules of the ``bundle.json`` of several members, beside those of one model in `info`."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from tuner.bundle.info import Baseline, DataInfo, Scores, Unsealed
from tuner.learners.registry import LEARNERS
from tuner.results.configuration_rules import plain_params
from tuner.spec import AnyDataset
from tuner.spec.models import Direction, FilePath, Finite, Part, Text
from tuner.wording import toml

SCHEMA = 2
"""As `tuner.bundle.info.SCHEMA`."""

_MOST_MODELS = 10_000
Count = Annotated[int, Field(ge=0)]
Bounds = Annotated[list[Finite], Field(min_length=2, max_length=2)]
Share = Annotated[float, Field(ge=0, le=1)]


def _shipped(learner: str) -> str:
    if learner not in LEARNERS:
        raise ValueError(f"must be a learner that tuner ships, but got {toml(learner)}")
    return learner


class MemberInfo(Part):
    """A member.

    Attributes:
        learner: Name of the learner that fitted it.
        library: ``Learner.library``.
        trial: Number of its trial.
        params: What it was fitted with.
        weight: Its share in the prediction.
        temperature: See `tuner.bundle.members.Voter`.
        shift: See there.
        folds: How many models it has.
        value: The objective's metric on its out-of-fold predictions.
    """

    learner: Annotated[str, AfterValidator(_shipped)]
    library: str
    trial: int | None = Field(default=None, ge=0)
    params: Annotated[dict[str, Any], AfterValidator(plain_params)]
    weight: float = Field(gt=0, le=1)
    temperature: float = Field(default=1.0, gt=0, lt=1e6)
    shift: float = Field(default=0.0, ge=-1e3, le=1e3)
    folds: int = Field(ge=1, le=_MOST_MODELS)
    value: Finite | None = None


class Divided(Part):
    """How what is held out of the development rows was chosen.

    Attributes:
        folds: Number of folds; 1 for a hold-out.
        repeats: How often the rows were divided.
    """

    folds: int = Field(ge=1)
    repeats: int = Field(default=1, ge=1)


class MemberScores(Scores):
    """Scores of all members together.

    Attributes:
        validation: On the out-of-fold predictions.
        test: On the test rows.
        test_interval: Metric → lower and upper bound of its 95 % bootstrap interval on them.
    """

    test_interval: dict[str, Bounds] = Field(default={})


class LeaderboardRow(Part):
    """The best trial of a learner.

    Attributes:
        learner: Its name.
        trial: Number of the trial.
        value: The objective's metric on the out-of-fold predictions.
        error: Standard error of ``value``; None if it is not known.
        fit_s: Seconds of the fit, all folds.
        predict_s: Seconds of a prediction for 1,000 rows.
        share: Its share in the ensemble.
        trials: How many trials the learner had.
    """

    learner: str
    trial: int | None = None
    value: Finite | None = None
    error: Finite | None = None
    fit_s: Finite | None = None
    predict_s: Finite | None = None
    share: Share = 0.0
    trials: Count = 1


class Importance(Part):
    """How much worse the metric gets on held-out rows if one column is permuted.

    Attributes:
        column: The column.
        loss: Mean of that over the permutations; above 0 if the column helps.
        error: Its standard deviation over the permutations.
    """

    column: str
    loss: Finite
    error: Finite


class CalibrationBin(Part):
    """Out-of-fold probabilities in a range, and how often they were right.

    Attributes:
        predicted: Mean probability.
        observed: Share of the rows for which that was the class.
        rows: How many there are.
    """

    predicted: Share
    observed: Share
    rows: Count


class ResidualBin(Part):
    """Rows whose out-of-fold predictions are next to each other.

    Attributes:
        lower: Least prediction.
        upper: Greatest prediction.
        mean: Mean of target − prediction.
        mae: Mean of its absolute value.
        rows: How many there are.
    """

    lower: Finite
    upper: Finite
    mean: Finite
    mae: Finite
    rows: Count


class Interval(Part):
    """A split-conformal interval of a quantity: prediction ± ``half_width``.

    Attributes:
        level: Share of new rows whose target it is to contain.
        half_width: Quantile of the absolute out-of-fold errors.
        coverage: Share of the test rows whose target it contains.
        rows: How many test rows there are.
    """

    level: float = Field(gt=0, lt=1)
    half_width: Finite = Field(ge=0)
    coverage: Share | None = None
    rows: Count = 0


class MembersInfo(Part):
    """All of ``bundle.json``; keys with a default may be missing.

    Attributes:
        value: The objective's metric on the ensemble's out-of-fold predictions.
        confusion: Rows of the class (first index) predicted as the class (second index), out of
            fold.
        background: Column → values of a small sample of training rows, for ``--explain``.
    """

    tuner_bundle: int
    study: Text
    metric: Text
    direction: Direction
    value: Finite | None = None
    dataset: AnyDataset
    base: FilePath | None = None
    model: Text
    seed: int = Field(ge=0, lt=2**32)
    data: DataInfo
    data_fingerprint: Text | None = None
    members: list[MemberInfo] = Field(min_length=1)
    validation: Divided
    scores: MemberScores
    baseline: Baseline
    test_opening: Unsealed | None = None
    leaderboard: list[LeaderboardRow] = Field(default=[])
    importance: list[Importance] = Field(default=[])
    confusion: list[list[Count]] = Field(default=[])
    residuals: list[ResidualBin] = Field(default=[])
    calibration: list[CalibrationBin] = Field(default=[])
    intervals: list[Interval] = Field(default=[])
    warnings: list[str] = Field(default=[])
    background: dict[str, list[Any]] = Field(default={})
    versions: dict[str, str]
    search_versions: dict[str, str] = Field(default={})
    created: str

    @field_validator("members")
    @classmethod
    def _check_members(cls, members: list[MemberInfo]) -> list[MemberInfo]:
        total = sum(member.weight for member in members)
        if not math.isclose(total, 1.0, abs_tol=1e-6):
            raise ValueError(f"must have weights that sum to 1, but they sum to {total:g}")
        models = sum(member.folds for member in members)
        if models > _MOST_MODELS:
            raise ValueError(f"must have at most {_MOST_MODELS} models together, but has {models}")
        return members

    @field_validator("confusion")
    @classmethod
    def _check_confusion(cls, rows: list[list[int]], others: ValidationInfo) -> list[list[int]]:
        data = others.data.get("data")
        size = data.n_classes if data else len(rows)
        if rows and (len(rows) != size or any(len(row) != size for row in rows)):
            raise ValueError(f"must have {size} rows of {size} numbers")
        return rows

    @field_validator("background")
    @classmethod
    def _check_background(
        cls, columns: dict[str, list[Any]], others: ValidationInfo
    ) -> dict[str, list[Any]]:
        data = others.data.get("data")
        if columns and data and list(columns) != data.feature_names:
            raise ValueError("must have a list for each of data.feature_names, in their order")
        if len({len(values) for values in columns.values()}) > 1:
            raise ValueError("must have as many values in each column")
        return columns
