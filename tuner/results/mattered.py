"""How much each parameter mattered for the objective."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import optuna

MIN_TRIALS = 10
"""Fewer complete trials than this say more about chance than about parameters."""


def what_mattered(complete: Sequence[optuna.trial.FrozenTrial], direction: str) -> dict[str, float]:
    """Returns the share of each parameter, largest first; empty where nothing can be said.

    Args:
        complete: The complete trials of a study.
        direction: ``"minimize"`` or ``"maximize"``.

    The shares sum to 1. They are PED-ANOVA's: how much a parameter decides whether a trial is
    among the best tenth (Watanabe et al. 2023, https://arxiv.org/abs/2304.10255; parameters that
    are not always there: https://arxiv.org/abs/2601.20800).
    """
    if len(complete) < MIN_TRIALS or len({trial.value for trial in complete}) < 2:
        return {}
    import optuna

    study = optuna.create_study(direction=optuna.study.StudyDirection[direction.upper()])
    study.add_trials(complete)
    evaluator = optuna.importance.PedAnovaImportanceEvaluator()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Optuna marks the way it calls itself as experimental
        shares = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return dict(sorted(shares.items(), key=lambda item: -item[1]))
