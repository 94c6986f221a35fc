"""Trial events, read from the database instead of from a worker's messages."""

from __future__ import annotations

import optuna
from optuna.trial import FrozenTrial, TrialState

from tuner.storage.attributes import TrialAttrs, shown_attrs
from tuner.storage.constraints import violated_by
from tuner.studies.queue import FINISHED
from tuner.workers.observer import Observer


class StoredEvents:
    """Reports to an observer how the stored trials of a study change, wherever they run."""

    def __init__(self, study: optuna.Study, observer: Observer) -> None:
        """Remembers the states of the trials; changes from then on are reported."""
        self._study = study
        self._observer = observer
        self._states = {trial.number: trial.state for trial in self._trials()}

    def report(self) -> None:
        """Reports what has changed since the last call."""
        trials = self._trials()
        self._observer.counted(sum(trial.state in FINISHED for trial in trials))
        for trial in trials:
            before = self._states.get(trial.number)
            if trial.state is not before:
                self._states[trial.number] = trial.state
                self._report_change(trial, before)
        self._observer.tick()

    def _report_change(self, trial: FrozenTrial, before: TrialState | None) -> None:
        if trial.state is TrialState.RUNNING:
            epochs = self._attrs_of(trial).epochs_wanted or 0
            self._observer.trial_started(trial.number, epochs)
        elif trial.state is TrialState.WAITING and before is TrialState.RUNNING:
            self._observer.trial_returned(trial.number, "its worker is gone")
        elif trial.state.is_finished():
            state, values = trial.state.name.lower(), tuple(trial.values or ())
            reason = self._attrs_of(trial).reason
            if state == "complete" and (violated := violated_by(trial)):
                words = f"it violates the constraint on {', '.join(violated)}"
                self._observer.trial_violates(trial.number, words)
            self._observer.trial_finished(trial.number, state, values, reason)

    def _attrs_of(self, trial: FrozenTrial) -> TrialAttrs:
        where = f"stored study {self._study.study_name}: trial {trial.number}"
        return shown_attrs(trial.user_attrs, where)

    def _trials(self) -> list[FrozenTrial]:
        return self._study.get_trials(deepcopy=False)
