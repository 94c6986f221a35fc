"""Opens the test split of a study: warns before a second opening, and records each in a database.

Scores on the test split are honest once. Whoever trains several configurations and keeps the one
that scores best has chosen by test rows, and its score is as optimistic as that of the best trial.
Nothing is refused, but every opening is counted, and the model's card says which one it was.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tuner.data import SealedTest, Split
from tuner.errors import TunerError
from tuner.storage.database import Database
from tuner.storage.openings import Opening
from tuner.storage.url import file_of, masked, parse_url
from tuner.units import figure

_log = logging.getLogger("tuner")
Note = Callable[[str], None]
"""Is called with lines that people should see."""


@dataclass(frozen=True)
class Ledger:
    """Where the openings of test splits are recorded.

    Attributes:
        database: The open database of the study; None if there is none.
        why_not: Why there is none.
        note: See :data:`Note`.
    """

    database: Database | None = None
    why_not: str = "no database was named"
    note: Note = _log.warning

    def announce(self, opening: Opening, metric: str) -> Unsealing:
        """Warns if the test split that is to be opened was opened before.

        Args:
            opening: What is to be recorded of it.
            metric: Of the scores of earlier openings, the one to name.
        """
        if self.database is None:
            return Unsealing(self, opening, why_not=self.why_not)
        try:
            before = self.database.openings(opening.study, opening.data_fingerprint)
        except TunerError as error:
            return Unsealing(self, opening, why_not=str(error))
        if before:
            self.note(opened_before(before, opening, metric))
        return Unsealing(self, opening, before)


class Unsealing:
    """One opening of a test split.

    Attributes:
        before: The openings before it.
        why_not: Why it cannot be recorded; empty if it can.
    """

    def __init__(
        self,
        ledger: Ledger,
        opening: Opening,
        before: Sequence[Opening] = (),
        why_not: str = "",
    ) -> None:
        """Prepares; nothing is opened."""
        self._ledger = ledger
        self._opening = opening
        self.before = before
        self.why_not = why_not

    def open(self, sealed: SealedTest) -> Split:
        """Records the opening, then returns the test rows.

        It is recorded before anything is scored: a command that is killed has opened it, too.
        """
        database, opening = self._ledger.database, self._opening
        if database is not None and not self.why_not:
            try:
                database.upgrade()
                if opening.study not in database.study_names():
                    self._ledger.note(
                        f"note: study {opening.study} is not in {database}, where the opening of "
                        "the test split is recorded; name its own database with --storage"
                    )
                database.store_opening(opening)
            except TunerError as error:
                self.why_not = str(error)
        if self.why_not:
            self._ledger.note(
                f"note: the opening of the test split is not recorded: {self.why_not}"
            )
        return sealed.open(opening.by, opening.why)

    def score(self, scores: Mapping[str, float]) -> None:
        """Adds the scores to what is recorded."""
        if self._ledger.database is None or self.why_not:
            return
        try:
            self._ledger.database.store_opening(self._opening.scored(scores))
        except TunerError as error:
            self._ledger.note(f"note: the scores on the test split are not recorded: {error}")

    def to_dict(self) -> dict[str, Any]:
        """Returns what a bundle holds of it, see `tuner.bundle.info.Unsealed`."""
        if self.why_not:
            return {"recorded": False}
        same = sum(one.configuration == self._opening.configuration for one in self.before)
        return {"recorded": True, "before": len(self.before), "same_configuration": same}


@contextmanager
def open_ledger(url: str, note: Note | None = None) -> Iterator[Ledger]:
    """Opens the database in which the openings of a study are recorded, if it is there.

    Args:
        url: As of :class:`tuner.storage.database.Database`.
        note: See :data:`Note`; lines are logged if None.

    Raises:
        StorageError: The URL is none. That there is no such database is said by a note, when the
            test split is opened.
    """
    file = file_of(parse_url(url))
    note = note or _log.warning
    if file is not None and not file.exists():
        why = f"there is no database {masked(url)}; name that of the study with --storage"
        yield Ledger(None, why, note)
        return
    try:
        database = Database(url, must_exist=True)
    except TunerError as error:
        yield Ledger(None, str(error), note)
        return
    try:
        yield Ledger(database, note=note)
    finally:
        database.close()


def opened_before(before: Sequence[Opening], opening: Opening, metric: str) -> str:
    """Returns the warning before a test split is opened again.

    Args:
        before: The earlier openings, oldest first; at least one.
        opening: The one to come.
        metric: The metric to name.
    """
    others = [one for one in before if one.configuration != opening.configuration]
    last = (others or before)[-1]
    times = "once before, on" if len(before) == 1 else f"{len(before)} times before, last on"
    if others and last is not before[-1]:
        times = f"{len(before)} times before, for another configuration last on"
    when = f"{last.opened_at:%Y-%m-%d %H:%M} UTC"
    scored = last.scores.get(metric)
    score = "" if scored is None else f" ({metric} {figure(scored)})"
    if not others:
        return (
            f"note: the test split of {opening.study} was opened {times} {when}, by {last.by} "
            f"for this same configuration{score}: nothing is chosen by test scores"
        )
    for_trial = "" if last.trial is None else f" for trial {last.trial}"
    return (
        f"warning: the test split of {opening.study} was opened {times} {when}, by {last.by}"
        f"{for_trial}{score}: choosing by test scores makes them optimistic"
    )
