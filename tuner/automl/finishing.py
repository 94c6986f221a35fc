"""From the trials of a study to the bundle: candidates, ensemble, leaderboard, facts.

Candidates are complete trials that have left out-of-fold predictions, the best few of each learner.
The probabilities of each are calibrated before they are compared and averaged.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.trial import FrozenTrial, TrialState
from threadpoolctl import threadpool_limits

from tuner.automl.automl_request import AutoMLRequest
from tuner.automl.calibration import fit_calibration, with_temperature
from tuner.automl.clock import Clock
from tuner.automl.ensemble import Ensemble, Judge, bootstrap, choose
from tuner.automl.facts import BY, WHY, facts
from tuner.automl.leaderboard import Row
from tuner.bundle.load import Bundle
from tuner.bundle.members import Members
from tuner.bundle.write_members import Member, write_members
from tuner.data import SealedData
from tuner.errors import BundleError, StudyError
from tuner.learners.combined import plain_model
from tuner.spec import StudySpec
from tuner.storage.attributes import StoredOutputs
from tuner.storage.openings import Opening, digest
from tuner.studies.unsealing import Ledger
from tuner.trials.folding import folds_for
from tuner.trials.trial_outputs import (
    outputs_of,
    read_models,
    read_out_of_fold,
    remove_outputs,
)
from tuner.units import duration

_MOST_OF_A_LEARNER = 5
_BOOTSTRAPS = 50
_LATE = 0.02
"""Share of the time that must be left for members to be looked for."""
_SHARE_OF_IMPORTANCE, _LEAST_SECONDS_LEFT = 0.5, 0.3


@dataclass(frozen=True, eq=False)
class Candidate:
    """A complete trial.

    Attributes:
        trial: As it is stored.
        learner: What fitted it.
        params: Its parameters, as the learner names them.
        out_of_fold: Its predictions for all development rows, NaN where none is held out.
        predictions: Those of the rows that are held out, calibrated.
        temperature: By which they were calibrated; 1 for quantities.
        shift: See `tuner.bundle.members.Voter`.
        outputs: Seconds and sizes.
    """

    trial: FrozenTrial
    learner: str
    params: dict[str, Any]
    out_of_fold: NDArray[np.floating]
    predictions: NDArray[np.floating]
    temperature: float
    shift: float
    outputs: StoredOutputs

    @property
    def value(self) -> float:
        """The objective's metric."""
        return float(self.trial.values[0])


def finish(
    study: optuna.Study,
    spec: StudySpec,
    data: SealedData,
    location: str,
    request: AutoMLRequest,
    clock: Clock,
    ledger: Ledger,
) -> Bundle:
    """Chooses the ensemble and writes the bundle.

    Args:
        study: As it is stored.
        spec: What it was stored with.
        data: Its data.
        location: Where its trials have left their outputs.
        request: Where the bundle is written, and whether it holds one model.
        clock: How much time is left; what can be left out is.
        ledger: Where the opening of the test split is recorded.

    Raises:
        StudyError: No trial has left a model.
        BundleError: The bundle cannot be written.
    """
    development = data.development
    folds = folds_for(development, spec.validation, spec.sampler.seed)
    held = [held_out for _, held_out in folds.positions]
    rows = np.unique(np.concatenate(held))
    y = folds.rows.y[rows]
    judge = Judge(development.task, spec.objective)
    found = candidates(study, spec, location, rows, y, judge)
    if not found:
        raise StudyError(
            f"no model was fitted within {duration(clock.total)}; give the study more time: "
            f"--more {2 * clock.total:.0f}s"
        )
    ensemble = chosen(found, y, judge, spec.sampler.seed, request, clock)
    board = leaderboard(study, spec, found, ensemble, y, judge)
    average = ensemble.average([one.predictions for one in found])
    whole = np.full((len(folds.rows), *average.shape[1:]), np.nan)
    whole[rows] = average
    validation = spec.validation
    about = {
        "study": study.study_name,
        "metric": spec.objective.metric,
        "direction": spec.objective.direction,
        "value": judge.value(y, average),
        "dataset": spec.dataset if isinstance(spec.dataset, str) else spec.dataset.to_table(),
        "model": spec.model,
        "seed": spec.sampler.seed,
        "validation": {
            "folds": validation.folds if validation else 1,
            "repeats": validation.repeats if validation else 1,
        },
        "leaderboard": [row.to_dict() for row in board],
    }

    opening = _opening(study.study_name, data, found, ensemble)
    unsealing = ledger.announce(opening, spec.objective.metric)

    def describe(members: Members) -> dict[str, Any]:
        seconds = _SHARE_OF_IMPORTANCE * clock.left - _LEAST_SECONDS_LEFT
        known = (members, data, held, whole, judge)
        described = facts(*known, seed=spec.sampler.seed, seconds=seconds, unseal=unsealing.open)
        unsealing.score(described["scores"]["test"])
        return {**described, "test_opening": unsealing.to_dict()}

    # Threads of boosted trees that wait for a core cost more than they save.
    with tempfile.TemporaryDirectory() as folder, threadpool_limits(1):
        members = [
            _member(found[position], weight, location, Path(folder) / str(position))
            for position, weight in ensemble.weights.items()
        ]
        bundle = write_members(
            request.folder, members, data, held, about, describe, force=request.force
        )
    remove_others(study, {one.trial.number for one in found}, location, clock)
    return bundle


def _opening(
    study: str, data: SealedData, found: Sequence[Candidate], ensemble: Ensemble
) -> Opening:
    """Returns what is recorded when the ensemble is scored on the test split."""
    members = [
        [found[position].learner, found[position].params, found[position].trial.number, weight]
        for position, weight in ensemble.weights.items()
    ]
    single = found[next(iter(ensemble.weights))].trial.number if len(members) == 1 else None
    return Opening(
        study=study,
        data_fingerprint=data.fingerprint,
        trial=single,
        configuration=digest({"members": members}),
        by=BY,
        why=WHY,
    )


def remove_others(study: optuna.Study, kept: Set[int], location: str, clock: Clock) -> None:
    """Removes what the trials have left that are no candidates, and never will be.

    What there is no time to remove is removed by the next run.

    Args:
        study: As it is stored.
        kept: Numbers of the candidates' trials.
        location: Where trials have left their outputs.
        clock: How much time is left.
    """
    for trial in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        if clock.is_over:
            return
        if trial.number not in kept:
            remove_outputs(location, [trial])


def candidates(
    study: optuna.Study,
    spec: StudySpec,
    location: str,
    rows: NDArray[np.intp],
    y: NDArray[Any],
    judge: Judge,
) -> list[Candidate]:
    """Returns the best trials of each learner that have left predictions, best first.

    Args:
        study: As it is stored.
        spec: What it was stored with.
        location: Where its trials have left their outputs.
        rows: Positions of the development rows that are held out.
        y: Their targets.
        judge: What trials are compared by.
    """
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    ordered = sorted(complete, key=lambda one: judge.objective.loss(one.values[0]))
    found: list[Candidate] = []
    for trial in ordered:
        learner, params = plain_model(spec.model, {**spec.fixed, **trial.params})
        outputs = outputs_of(trial)
        if outputs is None or sum(c.learner == learner for c in found) >= _MOST_OF_A_LEARNER:
            continue
        try:
            out_of_fold = read_out_of_fold(location, trial)
        except BundleError:  # its file is gone, or damaged; the other trials are as good as before
            continue
        predictions, calibration = out_of_fold[rows], (1.0, 0.0)
        if judge.task != "regression":
            predictions = _two_columns(predictions)
            calibration = fit_calibration(y.astype(np.intp), predictions)
            predictions = with_temperature(predictions, *calibration)
        found.append(
            Candidate(trial, learner, params, out_of_fold, predictions, *calibration, outputs)
        )
    return found


def _two_columns(probabilities: NDArray[np.floating]) -> NDArray[np.floating]:
    """Returns a probability for each class where there is only that of the second of two."""
    if probabilities.ndim == 1:
        return np.stack([1 - probabilities, probabilities], axis=1)
    return probabilities


def chosen(
    found: Sequence[Candidate],
    y: NDArray[Any],
    judge: Judge,
    seed: int,
    request: AutoMLRequest,
    clock: Clock,
) -> Ensemble:
    """Returns the ensemble, or the single model that the request asks for.

    Raises:
        MetricError: The metric is not defined for the held-out rows.
    """
    if request.single:
        return Ensemble({0: 1.0})
    if request.fast:
        error = bootstrap(y, found[0].predictions, judge, seed, _BOOTSTRAPS).error
        bound = judge.objective.loss(found[0].value) + (error if np.isfinite(error) else 0.0)
        close = [n for n, one in enumerate(found) if judge.objective.loss(one.value) <= bound]
        fastest = min(close, key=lambda n: (found[n].outputs.predict_s, n))
        return Ensemble({fastest: 1.0})
    predictions = [one.predictions for one in found]
    return choose(y, predictions, judge, seed, is_late=lambda: clock.left < _LATE * clock.total)


def leaderboard(
    study: optuna.Study,
    spec: StudySpec,
    found: Sequence[Candidate],
    ensemble: Ensemble,
    y: NDArray[Any],
    judge: Judge,
) -> list[Row]:
    """Returns the best trial of each learner, best first."""
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    counts = dict[str, int]()
    for trial in complete:
        learner, _ = plain_model(spec.model, trial.params)
        counts[learner] = counts.get(learner, 0) + 1
    rows = []
    for learner in dict.fromkeys(one.learner for one in found):
        best = next(one for one in found if one.learner == learner)
        error = bootstrap(y, best.predictions, judge, spec.sampler.seed, _BOOTSTRAPS).error
        share = sum(weight for n, weight in ensemble.weights.items() if found[n].learner == learner)
        rows.append(
            Row(
                learner,
                best.trial.number,
                best.value,
                float(error) if np.isfinite(error) else None,
                best.outputs.fit_s,
                best.outputs.predict_s,
                min(share, 1.0),
                counts[learner],
            )
        )
    return rows


def _member(candidate: Candidate, weight: float, location: str, folder: Path) -> Member:
    read_models(location, candidate.trial, folder)
    return Member(
        learner=candidate.learner,
        params=candidate.params,
        trial=candidate.trial.number,
        models=folder,
        out_of_fold=candidate.out_of_fold,
        weight=weight,
        temperature=candidate.temperature,
        shift=candidate.shift,
        value=candidate.value,
    )
