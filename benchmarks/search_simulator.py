"""Runs a search on a table: what it would have found by when, without training anything.

A worker takes the seconds that the table has stored; the sampler proposes when a worker is free,
and the pruner decides after an epoch, both with what had been known at that moment of simulated
time. Neither takes any time itself.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, Trial, TrialState, create_trial
from search_tables import Table

from tuner.search import Judging
from tuner.space import SearchSpace


@dataclass(frozen=True)
class Finished:
    """A trial that has ended.

    Attributes:
        at: Simulated seconds since the search began.
        loss: Its value; None unless it is complete.
        row: Its row in the table.
        epochs: How many it ran.
    """

    at: float
    loss: float | None
    row: int
    epochs: int


@dataclass(frozen=True)
class Search:
    """How a table is searched.

    Attributes:
        sampler: Proposes.
        pruner: Decides after an epoch; with ``factor``, nothing.
        judging: At which epochs it decides, and whether by all earlier ones.
        factor: Not None: trials pause after 1, factor, factor² … epochs, and a free worker
            continues the best of those that paused, if it is among the best ``1/factor`` of its
            rung, and else begins a new trial.
        workers: How many there are.
        seed: Decides what is observed of a table with repeats.
    """

    sampler: BaseSampler
    pruner: BasePruner
    judging: Judging
    factor: int | None = None
    workers: int = 1
    seed: int = 0


@dataclass
class _Running:
    trial: Trial
    row: int
    wanted: int  # epochs
    epoch: int = 0
    reported: int = 0
    rung: int = 0  # how often it has paused


class TableSampler(BaseSampler):
    """Gives each trial the row of the table that stands for what another sampler proposes.

    So that samplers learn from the configurations that were really measured.
    """

    def __init__(self, inner: BaseSampler, table: Table) -> None:
        """Prepares; no row has been tried."""
        self._inner = inner
        self._table = table
        self.tried: NDArray[np.bool_] = np.zeros(len(table), dtype=bool)
        self.row = -1
        self._given: dict[str, Any] = {}

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        self._inner.before_trial(study, trial)

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Decides the trial's parameters; here, because Hyperband shows its bracket's trials."""
        proposal = proposed(self._inner, self._table.spec.search_space, study, trial)
        self.row = self._table.find(proposal, self.tried)
        self.tried[self.row] = True
        self._given = dict(self._table.rows[self.row])
        if "epochs" in proposal:
            self._given["epochs"] = proposal["epochs"]
        return {}

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return {}

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        return self._given[param_name]

    def after_trial(
        self, study: optuna.Study, trial: FrozenTrial, state: TrialState, values: Any
    ) -> None:
        self._inner.after_trial(study, trial, state, values)


def proposed(
    sampler: BaseSampler, space: SearchSpace, study: optuna.Study, trial: FrozenTrial
) -> dict[str, Any]:
    """Returns what a sampler proposes for a trial, which is left without parameters."""
    together = sampler.infer_relative_search_space(study, trial)
    relative = sampler.sample_relative(study, trial, together)
    params: dict[str, Any] = {}
    for parameter in space.in_order():
        for name in parameter.active(params):
            if name in relative:
                params[name] = relative[name]
            else:
                distribution = parameter.distribution()
                params[name] = sampler.sample_independent(study, trial, name, distribution)
    return params


class Simulation:
    """One search."""

    def __init__(self, table: Table, search: Search) -> None:
        """Prepares; nothing is running."""
        self._table = table
        self._search = search
        self._sampler = TableSampler(search.sampler, table)
        # Hyperband hashes the name of the study.
        self.study = optuna.create_study(
            study_name=f"seed-{search.seed}",
            direction="minimize",  # losses
            sampler=self._sampler,
            pruner=search.pruner,
        )
        rng = np.random.default_rng(search.seed)
        repeats = rng.integers(len(table.losses), size=len(table))
        self._losses = table.losses[repeats, np.arange(len(table))]
        self._due: list[tuple[float, int, _Running]] = []
        self._paused: list[_Running] = []
        self._rungs: dict[int, list[float]] = {}
        self._begun = 0
        self.finished: list[Finished] = []

    def run(self, n_trials: int, seconds: float, at_most: int = 10**9) -> list[Finished]:
        """Searches until there are so many trials and so much time has passed.

        Args:
            n_trials: Trials at least.
            seconds: Simulated seconds at least.
            at_most: Trials that end the search, whatever the time.
        """
        for _ in range(self._search.workers):
            self._begin(0.0)
        while self._due:
            now, _, running = heapq.heappop(self._due)
            if self._continues(running, now):
                continue
            over = self._begun >= n_trials and now >= seconds
            if not over and self._begun < at_most:
                self._begin(now)
        return self.finished

    def _begin(self, now: float) -> None:
        """Lets a free worker continue a paused trial, or begin one if a row is left."""
        running = self._promotable()
        if running is None and not self._table.is_exhaustive and self._sampler.tried.all():
            if not self._paused:
                return
            running = min(self._paused, key=lambda one: (-one.rung, self._value(one)))
        if running is not None:
            self._paused.remove(running)
        else:
            self._begun += 1
            trial = self.study.ask()
            params = self._table.spec.search_space.suggest(trial)
            wanted = int(params.get("epochs", self._table.epochs))
            running = _Running(trial, self._sampler.row, wanted)
        self._schedule(running, now + float(self._table.begin_s[running.row]))

    def _schedule(self, running: _Running, start: float) -> None:
        """Lets a trial run until the next epoch after which something is decided."""
        end = min(running.wanted, self._stop(running.row))
        epoch = running.epoch + 1
        while epoch < end and not self._decides(running, epoch):
            epoch += 1
        at = start + (epoch - running.epoch) * float(self._table.epoch_s[running.row])
        running.epoch = epoch
        heapq.heappush(self._due, (at, running.trial.number, running))

    def _stop(self, row: int) -> int:
        return int(self._table.ends[row])

    def _decides(self, running: _Running, epoch: int) -> bool:
        if self._search.factor:
            return epoch == int(self._search.factor**running.rung)
        return self._search.judging.at(epoch)

    def _continues(self, running: _Running, now: float) -> bool:
        """Decides on a trial at an epoch; returns whether its worker goes on with it."""
        row, epoch = running.row, running.epoch
        loss = float(self._losses[row, epoch - 1])
        if np.isnan(loss):
            self._end(running, TrialState.FAIL, now)
        elif epoch >= min(running.wanted, self._stop(row)):
            self._end(running, TrialState.COMPLETE, now)
        elif self._search.factor:
            return self._pauses(running, loss, now)
        else:
            first = running.reported if self._search.judging.by_all_epochs else epoch - 1
            for before in range(first, epoch):
                running.trial.report(float(self._losses[row, before]), before + 1)
            running.reported = epoch
            if not running.trial.should_prune():
                self._schedule(running, now)
                return True
            self._end(running, TrialState.PRUNED, now)
        return False

    def _pauses(self, running: _Running, loss: float, now: float) -> bool:
        """Lets a trial wait at its rung; returns whether it is the one that continues at once.

        For the sampler it is a pruned trial, and a new one if it is completed in the end.
        """
        if not running.rung:
            running.trial.report(loss, running.epoch)
            self.study.tell(running.trial, state=TrialState.PRUNED)
        self._rungs.setdefault(running.rung, []).append(self._value(running))
        running.rung += 1
        self._paused.append(running)
        if self._promotable() is not running:
            return False
        self._paused.remove(running)
        self._schedule(running, now)
        return True

    def _promotable(self) -> _Running | None:
        """Returns the paused trial that is to continue: of the highest rung that has one."""
        factor = self._search.factor
        if not factor:
            return None
        for running in sorted(self._paused, key=lambda one: (-one.rung, self._value(one))):
            values = sorted(self._rungs[running.rung - 1])
            if len(values) // factor and self._value(running) <= values[len(values) // factor - 1]:
                return running
        return None

    def _value(self, running: _Running) -> float:
        return float(self._losses[running.row, : running.epoch].min())

    def _end(self, running: _Running, state: TrialState, now: float) -> None:
        loss = self._value(running) if state is TrialState.COMPLETE else None
        if not running.rung:
            self.study.tell(running.trial, loss, state)
        elif loss is not None:
            told = running.trial
            self.study.add_trial(
                create_trial(value=loss, params=told.params, distributions=told.distributions)
            )
        self.finished.append(Finished(now, loss, running.row, running.epoch))


def regrets(
    table: Table, finished: list[Finished], trials: list[int], seconds: list[float]
) -> Mapping[str, list[float]]:
    """Returns the regret of the best complete trial after so many trials, and so many seconds.

    The search chooses by what it has observed. With an exhaustive table, what counts is the mean
    of the row's repeats; with curves, the loss of the epochs that the trial ran. See
    :meth:`Table.regret`; before the first complete trial it is 1.
    """
    course: list[tuple[float, float]] = []  # when each trial ended, and the regret from then on
    best, regret = np.inf, 1.0
    for one in sorted(finished, key=lambda each: each.at):
        if one.loss is not None and one.loss < best:
            best = one.loss
            worth = float(table.reached[one.row]) if table.is_exhaustive else one.loss
            regret = table.regret(worth)
        course.append((one.at, regret))
    ends = np.array([at for at, _ in course])
    values = [1.0, *(value for _, value in course)]
    return {
        "trials": [values[min(n, len(course))] for n in trials],
        "seconds": [values[int(np.searchsorted(ends, at, side="right"))] for at in seconds],
    }
