"""A study of several objectives as pruners and TPE need it: with a single direction.

Optuna refuses ``Trial.report`` and ``Trial.should_prune`` in such a study, and TPE fails there on
pruned trials that have intermediate values, because ``Study.direction`` raises. Intermediate values
are always those of the first objective, so its direction is the answer.
"""

from __future__ import annotations

from typing import Any, cast

import optuna
from optuna.study import StudyDirection


class FirstDirection:
    """A study whose ``direction`` is that of its first objective; all else is the study's own."""

    def __init__(self, study: optuna.Study) -> None:
        """Wraps a study."""
        self.whole = study

    @property
    def direction(self) -> StudyDirection:
        """Of the first objective."""
        return self.whole.directions[0]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.whole, name)


def by_first(study: optuna.Study) -> optuna.Study:
    """Returns a study whose ``direction`` is that of its first objective."""
    if len(study.directions) == 1 or isinstance(study, FirstDirection):
        return study
    return cast(optuna.Study, FirstDirection(study))


def whole(study: optuna.Study) -> optuna.Study:
    """Returns the study that :func:`by_first` was given."""
    return study.whole if isinstance(study, FirstDirection) else study
