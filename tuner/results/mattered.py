"""How much each parameter mattered for the objective."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tuner.spec import Objective

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

MIN_TRIALS = 10
"""Fewer complete trials than this say more about chance than about parameters."""


def what_mattered(complete: Sequence[FrozenTrial], objective: Objective) -> dict[str, float]:
    """Returns the share of each parameter, largest first; empty where nothing can be said.

    The shares sum to 1. They are PED-ANOVA's: how much a parameter decides whether a trial is
    among the best tenth (Watanabe et al. 2023, https://arxiv.org/abs/2304.10255; parameters that
    are not always there: https://arxiv.org/abs/2601.20800).

    Args:
        complete: The complete trials of a study.
        objective: What the study improves; of several objectives the first.
    """
    if len(complete) < MIN_TRIALS or len({trial.values[0] for trial in complete}) < 2:
        return {}
    import optuna

    # Optuna takes trials only from a study; the stored one may have the wrong direction.
    storage = optuna.storages.InMemoryStorage()
    direction = optuna.study.StudyDirection[objective.direction.upper()]
    study_id = storage.create_new_study([direction], study_name="complete trials")
    for trial in complete:
        first = trial if len(trial.values) == 1 else _with_first_value(trial)
        storage.create_new_trial(study_id, template_trial=first)
    study = optuna.load_study(study_name="complete trials", storage=storage)
    evaluator = optuna.importance.PedAnovaImportanceEvaluator()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Optuna marks the way it calls itself as experimental
        shares = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return dict(sorted(shares.items(), key=lambda item: -item[1]))


def _with_first_value(trial: FrozenTrial) -> FrozenTrial:
    """Returns a complete trial as if its study had the first objective only."""
    from optuna.trial import create_trial

    params, distributions = trial.params, trial.distributions
    return create_trial(value=trial.values[0], params=params, distributions=distributions)
