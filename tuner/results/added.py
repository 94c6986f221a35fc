"""Trials that were added by hand: what a run of tuner would have stored of them."""

from __future__ import annotations

import shlex
from dataclasses import replace

from tuner.errors import StudyError
from tuner.results.rows import TrialRow
from tuner.spec import StudySpec


def as_if_run(row: TrialRow, spec: StudySpec, study: str) -> TrialRow:
    """Returns the row as if tuner had run the trial.

    Its value is left out: it was not measured here. It is trained for all its epochs, because its
    best one is not known.

    Args:
        row: A complete trial without its best epoch.
        spec: Its study.
        study: The study's name in the database.

    Raises:
        StudyError: Its parameters are not in the search space, or a learner of the user's own
            would have to be imported.
    """
    from tuner.learners.registry import known_class  # here, because it imports NumPy
    from tuner.search import derive_seed  # here, because it imports Optuna

    params = spec.search_space.as_stored(row.params)
    if (fault := spec.search_space.fault(params)) is not None:
        raise StudyError(
            f"trial {row.number} of {study} was added by hand and is not in the search space, so "
            f"it cannot be trained: {fault} Choose another one from "
            f"`tuner trials {shlex.quote(study)}` with --trial N"
        )
    learner = known_class(spec.model, spec.base)
    if learner is None:
        raise StudyError(
            f"trial {row.number} of {study} was added by hand, and only the code of {spec.model} "
            "knows how many steps it takes, so it cannot be trained: enqueue it with optuna's "
            "Study.enqueue_trial and `tuner run`"
        )
    return replace(
        row,
        params=spec.search_space.read(params),
        values=(),
        epoch=learner.steps(params),
        seed=derive_seed(spec.sampler.seed, row.number) if row.seed is None else row.seed,
    )
