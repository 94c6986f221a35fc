"""From a table and a request to a study: how trials are compared, what is tried, what is searched.

- Metric: ROC AUC for two classes, log loss for more, RMSE for a quantity, unless another is asked
  for.
- Validation: eight folds, of small tables twice; three of images and texts; a hold-out of many
  rows. No more folds than the rarest class has rows, or than there are groups.
- Trials: the portfolio's defaults, then the search over the learners that suit the table. The
  median pruner ends trials between folds once all defaults have been tried.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tuner import scoring
from tuner.automl.automl_request import AutoMLRequest
from tuner.automl.portfolio import Extent, learners_of, portfolio, restricted
from tuner.data import Development
from tuner.errors import DataError, MetricError, RequestError
from tuner.learners.combined import LEARNER, NAME, owner
from tuner.learners.registry import runtime_of
from tuner.spec import StudySpec
from tuner.spec.models import PORTFOLIO
from tuner.studies.catalog import find_space
from tuner.units import count, format_bytes
from tuner.wording import nearest

METRICS: Mapping[str, str] = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "rmse"}
"""Task to the metric that people expect."""
BESIDE: Mapping[str, str] = {"binary": "accuracy", "multiclass": "accuracy", "regression": "r2"}
"""Task to the metric that is shown beside it."""

_FOLDS, _FOLDS_OF_NETWORKS = 8, 3
_MOST_ROWS_OF_FOLDS = 20_000
_FEW_ROWS, _REPEATS, _LEAST_SECONDS_OF_REPEATS = 500, 2, 60
_SEARCH_TRIALS = 200
_PATIENCE = 50
_LEAST_MEMORY = 256 * 2**20
_MEMORY_OF_NETWORKS = 2**30
"""Bytes of a worker that has loaded TensorFlow and fits a network to a table."""
_COLUMNS_A_TEXT = 100
_FIXED: Mapping[str, int] = {"hist_gradient_boosting_score_every": 10}
"""Parameters of all trials: a score after each iteration takes as long as a small tree."""


def plan(
    data: Development,
    request: AutoMLRequest,
    seconds: float,
    n_workers: int,
    space_file: str = NAME,
) -> StudySpec:
    """Returns the study for a table.

    Args:
        data: The table's training and validation rows.
        request: What is asked for.
        seconds: Time for all trials.
        n_workers: Processes that share the memory.
        space_file: Name of the combined search space.

    Raises:
        MetricError: The metric does not suit the task.
        DataError: No shipped learner reads such data.
        RequestError: The memory is too little for as many workers.
    """
    metric = request.metric or METRICS[data.task]
    check_metric(metric, data)
    folds, repeats = validation(data, seconds)
    extent = extent_of(data, seconds, folds * repeats)
    defaults = portfolio(extent)
    if not defaults:
        raise DataError(
            f"no learner of tuner reads {data.name}, whose rows are of kind {data.kind}"
        )
    space = restricted(
        find_space(space_file, Path()).to_dict(),
        defaults,
        lambda learner: find_space(learner, Path()).to_dict(),
    )
    trial = {} if request.memory_bytes is None else {"memory": memory_a_trial(request, n_workers)}
    table = {
        "title": f"{metric} of {data.name}",
        "dataset": request.dataset.to_table(),
        "model": NAME,
        "search_space": space,
        "fixed": {
            name: value for name, value in _FIXED.items() if owner(name) in learners_of(defaults)
        },
        "objective": {"metric": metric, "direction": scoring.direction(metric) or "maximize"},
        "budget": {
            "n_trials": len(defaults) + _SEARCH_TRIALS,
            "timeout": seconds,
            **({"trial": trial} if trial else {}),
        },
        "sampler": {"name": PORTFOLIO, "seed": request.seed},
        "pruner": {"name": "median", "n_startup_trials": len(defaults) + 1}
        if folds > 1
        else {"name": "nop"},
        "early_stopping": {"patience": _PATIENCE},
        "validation": {"folds": folds, "repeats": repeats, "keep": True},
    }
    spec = _read(table, request)
    references = [one.reference(spec.search_space) for one in defaults]
    return _read({**table, "reference": references}, request)


def _read(table: Mapping[str, Any], request: AutoMLRequest) -> StudySpec:
    return StudySpec.from_table(
        table,
        name=request.name,
        base=request.base,
        where="tuner automl",
        load_space=find_space,
    )


def check_metric(metric: str, data: Development) -> None:
    """Refuses a metric that cannot be computed from predictions for the task.

    Raises:
        MetricError: It lists those that can.
    """
    fault = scoring.fault(metric, data.task)
    if fault is None:
        return
    names = scoring.common_names(data.task)
    near = nearest(metric, names) if not scoring.is_known(metric) else None
    asked = f"; did you mean {near}?" if near else "."
    raise MetricError(
        f"--metric {metric}: {fault}{asked} The target of {data.name} is {_words(data)}, for which "
        f"there are: {', '.join(names)}, and {scoring.MORE_NAMES}"
    )


def _words(data: Development) -> str:
    return "a quantity" if data.task == "regression" else f"{data.n_classes} classes"


def validation(data: Development, seconds: float) -> tuple[int, int]:
    """Returns the number of folds, 1 for a hold-out, and how often they are drawn."""
    rows = data.rows
    if len(rows) > _MOST_ROWS_OF_FOLDS:
        return 1, 1
    is_costly = data.kind in ("image", "text")  # networks of their own, fitted fold after fold
    most = _FOLDS_OF_NETWORKS if is_costly else _FOLDS
    if data.task != "regression":
        most = min(most, int(np.unique(rows.y, return_counts=True)[1].min()))
    if rows.group is not None:
        most = min(most, len(np.unique(rows.group)))
    if rows.time is not None:
        most = min(most, len(np.unique(rows.time)) - 1)
    if most < 2:
        return 1, 1
    is_few = len(rows) < _FEW_ROWS and rows.time is None and not is_costly
    return most, _REPEATS if is_few and seconds >= _LEAST_SECONDS_OF_REPEATS else 1


def extent_of(data: Development, seconds: float, folds: int) -> Extent:
    """Returns what costs depend on."""
    rows = len(data.rows) * (folds - 1) // folds if folds > 1 else len(data.train)
    columns = int(np.prod(data.input_shape)) if data.kind != "text" else _COLUMNS_A_TEXT
    for column in data.schema.columns if data.schema and data.kind == "mixed" else ():
        columns += {"text": _COLUMNS_A_TEXT, "date": 4, "category": 2}.get(column.treatment, 0)
    return Extent(
        kind=data.kind,
        task=data.task,
        rows=max(rows, 1),
        columns=max(columns, 1),
        classes=max(data.n_classes, 1),
        folds=folds,
        seconds=seconds,
    )


def memory_notice(spec: StudySpec) -> str | None:
    """Returns what people should know if workers have too little memory for networks."""
    memory = spec.budget.trial.memory
    learners = (str(one.params[LEARNER]) for one in spec.references)
    networks = [name for name in dict.fromkeys(learners) if runtime_of(name, spec.base)[1]]
    if memory is None or memory >= _MEMORY_OF_NETWORKS or not networks:
        return None
    return (
        f"--memory leaves {format_bytes(memory)} to a worker, but networks need about "
        f"{format_bytes(_MEMORY_OF_NETWORKS)}: trials of {' and '.join(networks)} may fail; give "
        "more, or fewer --workers"
    )


def memory_a_trial(request: AutoMLRequest, n_workers: int) -> int:
    """Returns the bytes that each worker may use.

    Raises:
        RequestError: They are too few.
    """
    assert request.memory_bytes is not None
    each = request.memory_bytes // (n_workers + 1)  # one part for the process that supervises
    if each < _LEAST_MEMORY:
        least = format_bytes(_LEAST_MEMORY * (n_workers + 1))
        raise RequestError(
            f"--memory must be at least {least} for {count(n_workers, 'worker')}, but got "
            f"{format_bytes(request.memory_bytes)}; give more, or fewer --workers"
        )
    return each
