"""The confirmation of a study as plain values: its candidates, the best first, and the winner."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tuner.results.configuration_rules import ConfirmedScore
from tuner.results.confirming import chances_of_best, cheapest, half_width, mean, tied_with
from tuner.search.confirming_sampler import Repeat, race_of, repeats_of
from tuner.search.racing import Race
from tuner.spec.models import Objective
from tuner.storage.attributes import StoredCandidate, StoredConfirmation

if TYPE_CHECKING:
    import optuna


@dataclass(frozen=True)
class ConfirmedCandidate:
    """A candidate, trained again.

    Attributes:
        name: "trial 37", or the name of a reference.
        trial: Number of its trial in the study that is confirmed.
        params: Its parameters.
        is_reference: Whether it was known beforehand.
        search_value: What its trial gave.
        values: Repeat, from 0, → value; of the finished repeats.
        mean: Of these values; None before the first.
        half_width: Half the width of the mean's 95 % interval; None before the second.
        p_best: The probability that its mean is the best; None before the second.
        epochs: The median of the repeats' best epochs; None before the first.
        seconds: The median time that a repeat took; None before the first.
        n_params: Number of the model's parameters, if that is stored.
        stopped: Why it is not trained any more, although not all repeats are done; None if it is.
        fresh_splits: Whether each repeat divides the rows anew.
    """

    name: str
    trial: int
    params: Mapping[str, Any]
    is_reference: bool
    search_value: float
    values: Mapping[int, float]
    mean: float | None = None
    half_width: float | None = None
    p_best: float | None = None
    epochs: int | None = None
    seconds: float | None = None
    n_params: int | None = None
    stopped: str | None = None
    fresh_splits: bool = False

    @property
    def score(self) -> ConfirmedScore | None:
        """What is said of it where it is exported or trained; None before the first repeat."""
        if self.mean is None:
            return None
        return ConfirmedScore(
            mean=self.mean,
            half_width=self.half_width,
            seeds=len(self.values),
            fresh_splits=self.fresh_splits,
        )

    @property
    def optimism(self) -> float | None:
        """What the search found less what was confirmed."""
        return None if self.mean is None else self.search_value - self.mean

    def to_dict(self) -> dict[str, Any]:
        """Returns one element of the ``candidates`` of ``--json``."""
        return {
            "name": self.name,
            "trial": self.trial,
            "is_reference": self.is_reference,
            "search_value": self.search_value,
            "mean": self.mean,
            "half_width": self.half_width,
            "p_best": self.p_best,
            "optimism": self.optimism,
            "repeats": len(self.values),
            "values": [self.values[repeat] for repeat in sorted(self.values)],
            "stopped": self.stopped,
            "epochs": self.epochs,
            "seconds": None if self.seconds is None else round(self.seconds, 3),
            "n_params": self.n_params,
            "params": dict(self.params),
        }


@dataclass(frozen=True)
class Confirmation:
    """How the confirmation of a study stands.

    Attributes:
        study: Name of the companion study.
        confirms: Name of the study that it confirms.
        repeats: How often each candidate is to be trained.
        fresh_splits: Whether each repeat divides the rows anew.
        overlap: See :mod:`tuner.search.racing`.
        candidates: The best first; those without a finished repeat last.
        winner: Name of the candidate to take; None while the confirmation is not finished, or if
            no candidate has all its repeats.
        ties: Names of the candidates that cannot be distinguished from the most probable one, the
            winner among them if it is cheaper than that.
        trials: How many trainings are finished.
        wall_s: Seconds from the first to the last of them; None before the first.
        is_finished: Whether nothing is left to train.
    """

    study: str
    confirms: str
    repeats: int
    fresh_splits: bool
    overlap: float
    candidates: tuple[ConfirmedCandidate, ...]
    winner: str | None
    ties: tuple[str, ...]
    trials: int
    wall_s: float | None
    is_finished: bool

    def candidate(self, name: str) -> ConfirmedCandidate:
        """Returns the candidate of a name."""
        return next(one for one in self.candidates if one.name == name)

    @property
    def winning(self) -> ConfirmedCandidate | None:
        """The candidate to take; see ``winner``."""
        return None if self.winner is None else self.candidate(self.winner)

    def to_dict(self) -> dict[str, Any]:
        """Returns the ``confirmation`` of ``--json``."""
        return {
            "study": self.study,
            "confirms": self.confirms,
            "repeats": self.repeats,
            "fresh_splits": self.fresh_splits,
            "is_finished": self.is_finished,
            "winner": self.winner,
            "ties": list(self.ties),
            "trials": self.trials,
            "wall_s": None if self.wall_s is None else round(self.wall_s, 3),
            "candidates": [one.to_dict() for one in self.candidates],
        }


def read_confirmation(
    companion: optuna.Study, stored: StoredConfirmation, objective: Objective, seed: int
) -> Confirmation:
    """Reads the confirmation of a study.

    Args:
        companion: The companion study.
        stored: What it confirms, and how.
        objective: Of the study.
        seed: Of the study; the probabilities are drawn by it.
    """
    trials = companion.get_trials(deepcopy=False)
    repeats = repeats_of(trials, stored)
    race = race_of(repeats, stored, objective)
    done = [one for one in repeats if one.trial.state.name == "COMPLETE"]
    values = {
        one.name: {r.number: r.trial.values[0] for r in done if r.candidate == one.name}
        for one in stored.candidates
    }
    losses = {
        name: {number: objective.loss(value) for number, value in own.items()}
        for name, own in values.items()
        if own
    }
    chances = chances_of_best(losses, stored.overlap, seed)
    rows = [
        _row(one, [r for r in repeats if r.candidate == one.name], race, stored, chances)
        for one in stored.candidates
    ]
    is_finished = bool(done) and not any(len(values[name]) < stored.repeats for name in race.racing)
    able = {name: losses[name] for name in race.racing} if is_finished else {}
    winner, ties = _winner(able, stored.overlap, {row.name: row for row in rows})
    rows.sort(key=lambda row: mean(losses[row.name]) if row.name in losses else float("inf"))
    starts = [one.trial.datetime_start for one in done if one.trial.datetime_start]
    ends = [one.trial.datetime_complete for one in done if one.trial.datetime_complete]
    return Confirmation(
        study=companion.study_name,
        confirms=stored.study,
        repeats=stored.repeats,
        fresh_splits=stored.fresh_splits,
        overlap=stored.overlap,
        candidates=tuple(rows),
        winner=winner,
        ties=ties,
        trials=len(done),
        wall_s=(max(ends) - min(starts)).total_seconds() if starts and ends else None,
        is_finished=is_finished,
    )


def _row(
    candidate: StoredCandidate,
    repeats: Sequence[Repeat],
    race: Race,
    stored: StoredConfirmation,
    chances: Mapping[str, float],
) -> ConfirmedCandidate:
    name = candidate.name
    done = sorted(
        (one for one in repeats if one.trial.state.name == "COMPLETE"), key=lambda one: one.number
    )
    failed = next((one for one in repeats if one.trial.state.name == "FAIL"), None)
    stopped = None
    if failed is not None:
        reason = str(failed.trial.user_attrs.get("reason", "")).partition("\n")[0]
        stopped = f"failed: {reason}" if reason else "failed"
    elif name in race.stopped:
        stopped = f"stopped after {race.stopped[name]}: cannot win"
    values = {one.number: one.trial.values[0] for one in done}
    attrs = [one.trial.user_attrs for one in done]
    epochs = [one["epoch"] for one in attrs if isinstance(one.get("epoch"), int)]
    sizes = [one["n_params"] for one in attrs if isinstance(one.get("n_params"), int)]
    seconds = [one.trial.duration.total_seconds() for one in done if one.trial.duration]
    return ConfirmedCandidate(
        name=name,
        trial=candidate.trial,
        params=candidate.params,
        is_reference=candidate.is_reference,
        search_value=candidate.value,
        values=values,
        mean=mean(values) if values else None,
        half_width=half_width(list(values.values()), stored.overlap),
        p_best=chances.get(name),
        epochs=max(1, round(statistics.median(epochs))) if epochs else None,
        seconds=statistics.median(seconds) if seconds else None,
        n_params=sizes[0] if sizes else None,
        stopped=stopped,
        fresh_splits=stored.fresh_splits,
    )


def _winner(
    losses: Mapping[str, Mapping[int, float]],
    overlap: float,
    rows: Mapping[str, ConfirmedCandidate],
) -> tuple[str | None, tuple[str, ...]]:
    """Returns the candidate to take, and those that cannot be distinguished from the best."""
    if not losses:
        return None, ()
    best = max(losses, key=lambda name: (rows[name].p_best or 0.0, -mean(losses[name])))
    ties = tied_with(best, losses, overlap)
    names = [best, *ties]
    sizes = {name: rows[name].n_params for name in names}
    seconds = {name: rows[name].seconds or 0.0 for name in names}
    return cheapest(names, sizes, seconds), tuple(names) if ties else ()
