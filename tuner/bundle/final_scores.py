"""The scores of a final model on the test split, beside those of the trivial predictor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tuner import scoring
from tuner.data import Development
from tuner.data.trivial import trivial
from tuner.errors import MetricError
from tuner.learners.base import Fitted, Learner
from tuner.space import Value


def final_scores(
    learner: Learner,
    fitted: Fitted,
    params: Mapping[str, Value],
    metric: str,
    data: Development,
) -> tuple[dict[str, float], dict[str, Any]]:
    """Scores a model by its learner's own metrics, those of the task, and the objective's.

    Args:
        learner: What fitted it.
        fitted: The model.
        params: What it was fitted with.
        metric: The objective's metric.
        data: The rows that it was fitted on; the test rows stand where the validation rows do.

    Returns:
        Metric to value, NaN where it is not defined for these rows; and the trivial predictor:
        ``predicts`` (in words), ``test`` (metric to value, of those that it has), and
        ``predicts_for`` (metric to words, where they are others).
    """
    rows = data.validation
    logged = {name: float(value) for name, value in fitted.evaluate(rows).items()}
    others = [
        name
        for name in dict.fromkeys((*scoring.reported_names(data.task), metric))
        if name not in logged and scoring.is_computable(name, data.task)
    ]
    scores = dict(logged)
    trivials = {name: learner.baseline(name, data, params, ()) for name in logged}
    if others:
        predictions = fitted.predict(rows.x)
        for name in others:
            try:
                scores |= scoring.score([name], data.task, rows.y, predictions)
                trivials[name] = trivial(data, name)
            except MetricError:  # such as a class that no test row has
                scores[name] = float("nan")
    return scores, _baseline(data, trivials)


def _baseline(data: Development, trivials: Mapping[str, dict[str, Any] | None]) -> dict[str, Any]:
    usual = trivial(data, scoring.reported_names(data.task)[0])
    predicts = usual["predicts"] if usual else ""
    found = {name: one for name, one in trivials.items() if one is not None}
    other = {name: one["predicts"] for name, one in found.items() if one["predicts"] != predicts}
    return {
        "predicts": predicts,
        "test": {name: one["value"] for name, one in found.items()},
        **({"predicts_for": other} if other else {}),
    }
