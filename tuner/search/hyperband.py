"""Optuna's Hyperband with the brackets of trials and the studies of brackets remembered."""

from __future__ import annotations

import optuna
from optuna.pruners import HyperbandPruner
from optuna.trial import FrozenTrial

from tuner.search.first_direction import by_first, whole


class RememberingHyperbandPruner(HyperbandPruner):
    """Hyperband with the same brackets and decisions.

    Optuna hashes the number of every trial for every decision, and makes a class and a study for
    the bracket, with a query, whenever a parameter is suggested.
    """

    def __init__(
        self,
        min_resource: int = 1,
        max_resource: str | int = "auto",
        reduction_factor: int = 3,
        bootstrap_count: int = 0,
    ) -> None:
        """Takes the arguments of :class:`optuna.pruners.HyperbandPruner`."""
        super().__init__(min_resource, max_resource, reduction_factor, bootstrap_count)
        self._study: optuna.Study | None = None
        self._bracket_studies: dict[int, optuna.Study] = {}
        self._asking: optuna.Study | None = None  # the study or the bracket that asked last
        self._brackets: dict[str, dict[int, int]] = {}  # study name → trial number → bracket
        self._known: dict[int, int] = {}  # those of the one that asked last

    def _get_bracket_id(self, study: optuna.Study, trial: FrozenTrial) -> int:
        study = whole(study)
        if study is not self._asking:
            self._asking = study
            self._known = self._brackets.setdefault(study.study_name, {})
        found = self._known.get(trial.number)
        if found is None:
            found = super()._get_bracket_id(study, trial)
            if self._pruners:  # else the brackets are not known yet, and it is the first one
                self._known[trial.number] = found
        return found

    def _create_bracket_study(self, study: optuna.Study, bracket_id: int) -> optuna.Study:
        study = whole(study)
        if study is not self._study:
            self._study, self._bracket_studies = study, {}
        if bracket_id not in self._bracket_studies:
            bracket = super()._create_bracket_study(study, bracket_id)
            # Optuna clears what it reads once a trial with each `ask` and `tell` of the study.
            bracket._thread_local = study._thread_local
            self._bracket_studies[bracket_id] = by_first(bracket)
        return self._bracket_studies[bracket_id]
