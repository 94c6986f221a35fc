"""What is left to try in a study whose sampler may run out of it."""

from __future__ import annotations

from typing import Protocol

import optuna

from tuner.search.confirming_sampler import RaceCount
from tuner.search.exhaustive import CoverageCount
from tuner.space import Left
from tuner.spec import StudySpec
from tuner.spec.models import CONFIRMING


class LeftCount(Protocol):
    """Counts what is left; one that is kept may read a finished trial only once."""

    def left(self, study: optuna.Study) -> Left:
        """Returns what is left to try in the study."""


def left_counter(spec: StudySpec) -> LeftCount | None:
    """Returns what counts what is left; None if the study's sampler never runs out."""
    if spec.sampler.name == CONFIRMING:
        return RaceCount(spec.objective)
    coverage = spec.coverage()
    return None if coverage is None else CoverageCount(coverage)


def left_of(spec: StudySpec, study: optuna.Study) -> Left | None:
    """Returns what is left to try in a study; None if its sampler never runs out."""
    return count_left(left_counter(spec), study)


def count_left(counter: LeftCount | None, study: optuna.Study) -> Left | None:
    """As :func:`left_of`, with a counter that is kept."""
    return None if counter is None else counter.left(study)
