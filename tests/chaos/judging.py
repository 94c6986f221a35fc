"""What must be true after a fault: which trials are finished, and that the run can be resumed."""

from __future__ import annotations

import pytest
from commands import Answer, Command
from faulted import WANTED, WORDS, storage
from laboratory import Laboratory
from optuna.trial import FrozenTrial, TrialState

from tuner.storage.database import Database


class Judge:
    """Checks the trials after a fault: none is lost, and none has attempts that others caused.

    Attributes:
        calm: The values of an undisturbed run, by number.
    """

    def __init__(self, command: Command, calm: dict[int, float]) -> None:
        self._command = command
        self._calm = calm

    def check_left(
        self, laboratory: Laboratory, reported: set[int], *, running: bool = False
    ) -> None:
        """Checks the trials that an ended run has left in the database.

        Args:
            laboratory: Whose study it was.
            reported: Trials that were reported as complete.
            running: Whether trials may be left running, as no process could requeue them.
        """
        trials = _stored(laboratory)
        states = [trial.state for trial in trials]
        complete = {trial.number for trial in trials if trial.state is TrialState.COMPLETE}
        assert [trial.number for trial in trials] == list(range(len(trials)))
        assert reported <= complete
        assert TrialState.FAIL not in states
        assert running or TrialState.RUNNING not in states
        assert [trial.user_attrs.get("attempts", 0) for trial in trials] == [0] * len(trials)

    def check_resumed(self, laboratory: Laboratory, reported: set[int]) -> Answer:
        """Runs the same command again and checks that it reaches the target.

        Args:
            laboratory: Whose study it was.
            reported: Trials that were reported as complete.
        """
        answer = self._command(*WORDS, *storage(laboratory))
        assert answer.status == 0, answer.err
        assert "Traceback" not in answer.err, answer.err
        self.check_reached(laboratory, reported)
        return answer

    def check_reached(
        self, laboratory: Laboratory, reported: set[int], *, failed: bool = False
    ) -> None:
        """Checks a study whose target was reached.

        Args:
            laboratory: Whose study it is.
            reported: Trials that were reported as complete.
            failed: Whether the trials that caused the fault may have failed.
        """
        trials = _stored(laboratory)
        complete = {t.number: t.value for t in trials if t.state is TrialState.COMPLETE}
        assert [trial.number for trial in trials] == list(range(len(trials)))
        assert len(complete) == WANTED
        assert reported <= complete.keys()
        assert complete == {n: pytest.approx(self._calm[n], rel=1e-6) for n in complete}
        others = [trial for trial in trials if trial.number not in complete]
        assert {trial.state for trial in others} <= ({TrialState.FAIL} if failed else set())
        blamed = [t.number for t in trials if t.number in complete and t.user_attrs.get("attempts")]
        assert blamed == []


def _stored(laboratory: Laboratory) -> list[FrozenTrial]:
    database = Database(laboratory.url)
    try:
        return database.study("scripted").get_trials()
    finally:
        database.close()
