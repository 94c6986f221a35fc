"""All that is shown of a study, as plain values, and what can be trained of it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tuner.errors import StudyError, UnknownNameError
from tuner.learners.setup import BATCH_SIZE
from tuner.results.added import as_if_run
from tuner.results.configuration import Configuration
from tuner.results.mattered import what_mattered
from tuner.results.pick import example, pick
from tuner.results.rows import STATES, BestTrial, ReferenceRow, TrialRow, feasible, front_of
from tuner.space import Left
from tuner.spec import Goal, Objective, StudySpec
from tuner.spec.access import Access
from tuner.spec.study import scored_on
from tuner.storage.url import PROXY

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

    from tuner.results.confirmation import Confirmation, ConfirmedCandidate
    from tuner.workers.ending import Ending


@dataclass(frozen=True)
class StudyResult:
    """A study as it stood when it was read; it never touches the database again.

    A study that tuner did not create is shown as far as it goes: it has no references and cannot
    be exported. One that optimises several objectives has no best trial, but a :attr:`front`.

    Attributes:
        study: Its name in the database.
        storage: The database's URL, password masked.
        objectives: What is improved: trials have a value for each.
        trials: All trials, in order of their numbers.
        best: The best complete trial, the earliest among equals; None before the first, and if
            there are several objectives.
        winner: What `export` and `train` take by default: the winner of the study's finished
            confirmation, else ``best``.
        confirmation: The study's confirmation; None if it was never begun.
        confirms: The study that this one is the confirmation of; None if it is none.
        references: The study file's references, in its order.
        wall_s: Seconds that the run took; without a run, from the first start to the last end.
        title: The study file's title; empty if it has none.
        spec: What the study file said; None if tuner did not create the study.
        data: The stored description of the data set.
        versions: Package names and versions that the study was created with.
        left: What is left to try; None if the study's sampler never runs out of combinations.
        access: See :attr:`tuner.results.configuration.Configuration.access`.
        common: Parameters that all trials have beside those of the space.
        ending: Why the run ended; ``"done"`` without a run.
        n_workers: Worker processes that the run had; None if there was nothing to run.
        short: Why fewer trials are finished than the run wanted, in one line, although it was
            neither interrupted nor out of time; None if it has them.
        complete: The complete trials as Optuna has them, for :attr:`mattered`.
    """

    study: str
    storage: str
    objectives: tuple[Objective, ...]
    trials: tuple[TrialRow, ...]
    best: BestTrial | None
    references: tuple[ReferenceRow, ...]
    wall_s: float | None
    title: str = ""
    spec: StudySpec | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    left: Left | None = None
    access: Access | None = None
    common: Mapping[str, Any] = field(default_factory=dict)
    ending: Ending = "done"
    n_workers: int | None = None
    short: str | None = None
    winner: BestTrial | None = None
    confirmation: Confirmation | None = None
    confirms: str | None = None
    complete: tuple[FrozenTrial, ...] = field(default=(), repr=False, compare=False)

    @property
    def has_several_objectives(self) -> bool:
        """Whether no single trial can be the best."""
        return len(self.objectives) > 1

    @property
    def objective(self) -> Objective:
        """The only objective.

        Raises:
            StudyError: The study has several.
        """
        if self.has_several_objectives:
            raise StudyError(self._several())
        return self.objectives[0]

    def _several(self) -> str:
        """Returns why there is no best trial, and how to choose one."""
        has = (
            f"the study {self.study} has {len(self.objectives)} objectives ({self.metric}), so "
            "no single trial of it is the best"
        )
        if self.spec is None:
            return (
                f"{has}; see those that no other one beats in all objectives with: "
                f"{self.best_trials_command}"
            )
        name = shlex.quote(self.study)
        return (
            f'{has}; choose one with --pick "{example(self.objectives)}" or --trial NUMBER from '
            f"`tuner best {name}`"
        )

    @property
    def goals(self) -> tuple[Goal, ...]:
        """The further objectives of the study file: optimised, constrained or only stored."""
        of_file = self.spec is not None and len(self.spec.optimized) == len(self.objectives)
        return self.spec.goals if self.spec is not None and of_file else ()

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics of all objectives, those with a value of their own first."""
        beside = [goal.metric for goal in self.goals if goal.role != "optimize"]
        return (*(objective.metric for objective in self.objectives), *beside)

    @cached_property
    def front(self) -> tuple[BestTrial, ...]:
        """The Pareto front of several objectives, see :func:`tuner.results.rows.front_of`.

        Sorted by the first objective, the best first; empty if there is one objective.
        """
        if not self.has_several_objectives:
            return ()
        return tuple(self.as_best(row) for row in front_of(self.trials, self.objectives))

    def pick(self, sentence: str) -> BestTrial:
        """Returns the trial that a sentence chooses among the complete ones.

        Args:
            sentence: Such as ``"accuracy within 0.005, then n_params"``, see
                :mod:`tuner.results.pick`.

        Raises:
            RequestError: The sentence is malformed, or keeps no trial.
            UnknownNameError: It names a metric that the study does not have.
            StudyError: No trial is complete that violates no constraint.
        """
        rows = feasible(self.trials)
        if not rows:
            raise StudyError(self._none_complete())
        return self.as_best(pick(sentence, rows, self.objectives, self.goals))

    def violation(self, row: TrialRow | ReferenceRow) -> str:
        """Returns which constraints a complete trial violates; empty if it violates none."""
        if row.state != "complete":
            return ""
        of = {goal.metric: goal for goal in self.goals}
        each = [
            (goal.violation(row.measured[name]) if (goal := of.get(name)) else None)
            or f"the constraint {name} is violated"
            for name in row.violated
        ]
        return ", ".join(each)

    def as_best(self, row: TrialRow, *, is_winner: bool = False) -> BestTrial:
        """Returns a complete trial with what ``train`` needs of it.

        Args:
            row: One that has a value of the first objective.
            is_winner: Whether it is that of the study's confirmation, whose findings it then has.
        """
        try:
            configuration = self.configuration(None if is_winner else row.number)
        except StudyError:
            configuration = None
        value = row.values[0]
        assert value is not None
        return BestTrial(
            number=row.number,
            value=value,
            epoch=row.epoch,
            params=row.params,
            role=row.role,
            origin=row.origin,
            is_added=row.is_added,
            configuration=configuration,
            values=row.values,
            measured=row.measured,
            confirmed=None if configuration is None else configuration.confirmed,
        )

    @property
    def best_trials_command(self) -> str:
        """The command that shows the best trials of a study of several objectives."""
        if self.storage.startswith(f"{PROXY}://"):  # which Optuna's own command cannot read
            return shlex.join(["tuner", "dashboard", "--storage", self.storage])
        command = ["optuna", "best-trials", "--study-name", self.study, "--storage", self.storage]
        return shlex.join(command)

    @property
    def metric(self) -> str:
        """The objective's metric; the names of several with commas between them."""
        return ", ".join(objective.metric for objective in self.objectives)

    @property
    def direction(self) -> str:
        """``"minimize"`` or ``"maximize"``; those of several objectives with commas."""
        return ", ".join(objective.direction for objective in self.objectives)

    @property
    def step_word(self) -> str:
        """What a step of the study's learner is called: ``"epoch"`` if the learner is not known."""
        from tuner.learners.registry import step_word  # here, because it imports NumPy

        return step_word(self.spec.model) if self.spec else "epoch"

    @property
    def n_folds(self) -> int:
        """How many models each trial fits; 1 without folds."""
        return self.spec.n_folds if self.spec else 1

    @property
    def scored_on(self) -> str:
        """What the values of trials are measured on: "on validation" or "over 5 folds"."""
        return scored_on(self.n_folds)

    @property
    def trial_step_word(self) -> str:
        """What a step of a trial is called: ``step_word``, or "fold" if it fits several models."""
        return "fold" if self.n_folds > 1 else self.step_word

    @property
    def counts(self) -> dict[str, int]:
        """Number of trials in each state: complete, pruned, fail, running, waiting."""
        return {state: sum(row.state == state for row in self.trials) for state in STATES}

    @property
    def baseline(self) -> dict[str, Any] | None:
        """The trivial predictor: ``predicts`` in words and its ``value``; None if not known."""
        return self.data.get("baseline")

    @property
    def beats_baseline(self) -> bool | None:
        """Whether the best trial is better than the trivial predictor; None if not known."""
        if self.baseline is None or self.best is None:
            return None
        return self.objective.better(self.best.value, float(self.baseline["value"]))

    @cached_property
    def mattered(self) -> dict[str, float]:
        """The share of each parameter in what makes a trial good, largest first.

        Of several objectives the first one decides. Empty where nothing can be said. It is
        computed when it is first used, which takes seconds in a study of thousands of trials.
        """
        if self.has_several_objectives and self.spec is None:
            return {}
        return what_mattered(self.complete, self.objectives[0])

    def configuration(self, number: int | None = None) -> Configuration:
        """Returns what to train: the winner's configuration, or that of trial ``number``.

        Raises:
            StudyError: There is nothing to train yet, tuner did not create the study, or it has
                several objectives and ``number`` is None.
            UnknownNameError: There is no trial of that number.
        """
        from tuner.learners.combined import plain_model  # here, because it imports NumPy

        if self.spec is None and self.has_several_objectives:
            raise StudyError(self._several())
        row, objective = self._row(number), self.objectives[0]
        confirmed = self._confirmed(row.number) if number is None else None
        if self.spec is None:
            raise StudyError(
                f"the study {self.study} was not created by tuner: it does not say which data set "
                "and model its parameters belong to; run a study file with `tuner run`"
            )
        if row.state == "complete" and row.epoch is None:
            row = as_if_run(row, self.spec, self.study)
        if row.state != "complete" or row.epoch is None or row.seed is None:
            raise StudyError(
                f"trial {row.number} of {self.study} is {row.state}, so its best epoch is not "
                f"known; choose a complete one from `tuner trials {shlex.quote(self.study)}`"
            )
        model, params = plain_model(self.spec.model, {**self.common, **row.params})
        return Configuration(
            study=self.study,
            trial=row.number,
            metric=objective.metric,
            direction=objective.direction,
            value=row.values[0] if row.values else None,
            dataset=self.spec.dataset,
            model=model,
            params=params,
            epochs=row.epoch if confirmed is None else confirmed.epochs or row.epoch,
            confirmed=confirmed.score if confirmed else None,
            folds=self.n_folds,
            batch_size=_batch_size(params),
            seed=row.seed,
            data_fingerprint=self.data.get("fingerprint"),
            versions=self.versions,
            base=self.spec.base,
            access=self.access,
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns the document of ``tuner run``, ``best`` and ``show`` with ``--json``.

        ``is_used_up`` is there if the sampler tries every combination once, ``objectives`` if
        there are several, ``front`` if several are optimised, ``winner`` and ``confirmation`` if
        the study was confirmed.
        """
        single = not self.has_several_objectives
        table: dict[str, Any] = {
            "study": self.study,
            "storage": self.storage,
            "metric": self.metric if single else None,
            "direction": self.direction if single else None,
            "trials": self.counts,
            "best": None if self.best is None else self.best.to_dict(),
            "references": [reference.to_dict() for reference in self.references],
            "baseline": self.baseline,
            "wall_s": None if self.wall_s is None else round(self.wall_s, 3),
        }
        if not single or self.goals:
            each = (self.objectives[0], *self.goals) if self.goals else self.objectives
            table["objectives"] = [one.model_dump(exclude_none=True) for one in each]
        if not single:
            table["front"] = [self._on_front(one) for one in self.front]
        if self.left is not None:
            table["is_used_up"] = self.left.is_used_up
        if self.confirmation is not None:
            table["winner"] = None if self.winner is None else self.winner.to_dict()
            table["confirmation"] = self.confirmation.to_dict()
        return table

    def _on_front(self, one: BestTrial) -> dict[str, Any]:
        """Returns one element of the ``front`` of ``--json``; ``values`` are by metric."""
        table = one.to_dict()
        del table["value"]
        named = zip(self.objectives, one.values, strict=True)
        values = {objective.metric: value for objective, value in named}
        return {"number": table.pop("number"), "values": values, **table}

    def _none_complete(self) -> str:
        """Returns why no trial can be the best."""
        name = shlex.quote(self.study)
        more = f"`tuner run {name}` goes on, " if self.spec is not None else ""
        shows = f"{more}`tuner trials {name}` shows what there is"
        if any(row.state == "complete" for row in self.trials):
            wanted = " and ".join(goal.words() for goal in self.goals if goal.role == "constrain")
            return f"no complete trial of {self.study} has {wanted or 'no violation'}; {shows}"
        return f"no trial of {self.study} is complete yet; {shows}"

    def _confirmed(self, number: int) -> ConfirmedCandidate | None:
        """Returns the winner of the confirmation if it is the trial of this number."""
        winning = self.confirmation and self.confirmation.winning
        return winning if winning and winning.trial == number else None

    def _taken(self) -> int | None:
        """Returns the number of the trial that is taken by default.

        Raises:
            StudyError: The study is a confirmation, whose best trial only had the luckiest seed.
        """
        if self.confirms is not None:
            raise StudyError(
                f"the study {self.study} is the confirmation of {self.confirms}, and none of its "
                f"trials is taken; the winner is that of: tuner best {shlex.quote(self.confirms)}"
            )
        if self.confirmation is not None and self.confirmation.winning is not None:
            return self.confirmation.winning.trial
        return None if self.best is None else self.best.number

    def _row(self, number: int | None) -> TrialRow:
        if number is None:
            if self.has_several_objectives and self.front:
                raise StudyError(self._several())
            number = self._taken()
            if number is None:
                raise StudyError(self._none_complete())
        found = next((row for row in self.trials if row.number == number), None)
        if found is None:
            last = f"0 to {self.trials[-1].number}" if self.trials else "none yet"
            raise UnknownNameError(f"{self.study} has no trial {number}; its trials: {last}")
        return found


def _batch_size(params: Mapping[str, Any]) -> int:
    return int(params.get("batch_size", BATCH_SIZE))
