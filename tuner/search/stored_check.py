"""Checks that trials can be suggested in a study, given those that it has."""

from __future__ import annotations

import optuna
from optuna.distributions import check_distribution_compatibility

from tuner.errors import RequestError
from tuner.spec import StudySpec


def check_stored(spec: StudySpec, study: optuna.Study) -> None:
    """Makes sure that the stored trials have the search space's kinds of parameters.

    Optuna takes the distribution of the first trial that has a parameter, and refuses later ones of
    another kind or with other choices.

    Raises:
        RequestError: One was added by hand with another kind, or with other choices.
    """
    space = spec.search_space
    names = set(space.names())
    for trial in study.get_trials(deepcopy=False):
        for name in names.intersection(trial.distributions):
            names.remove(name)
            ours, its = space.parameter(name).distribution(), trial.distributions[name]
            try:
                check_distribution_compatibility(its, ours)
            except ValueError:
                raise RequestError(
                    f"study '{study.study_name}' cannot go on: its trial {trial.number}, which was "
                    f"added by hand, has {name} as {its}, but the search space has {ours}; start "
                    "another study with --study-name NAME"
                ) from None
        if not names:
            return
