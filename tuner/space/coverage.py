"""Which configurations of a finite search space have been tried, and how many are left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tuner.space.combinations import Combinations
from tuner.space.space import SearchSpace

Key = frozenset[tuple[str, int]]
"""A configuration: its parameters and the positions of their values."""

_UNFINISHED = ("running", "waiting")


@dataclass(frozen=True)
class Tried:
    """One trial as far as it matters here.

    Attributes:
        number: Its number.
        state: Optuna's name of its state, in lower case.
        params: Its parameters; before it has any, those that it was enqueued with.
    """

    number: int
    state: str
    params: Mapping[str, Any]


@dataclass(frozen=True)
class Left:
    """What is left of a space.

    Attributes:
        untried: Configurations that no trial has tried, tries or waits to try.
        waiting: Trials in the queue.
        running: Trials under way.
        total: All configurations of the space.
    """

    untried: int
    waiting: int
    running: int
    total: int

    @property
    def may_begin(self) -> int:
        """How many trials may begin."""
        return self.untried + self.waiting

    @property
    def is_used_up(self) -> bool:
        """Whether there is nothing to begin and nothing that may come back to the queue."""
        return not (self.untried or self.waiting or self.running)

    def words(self) -> str:
        """Returns that nothing is left, as people read it."""
        return f"every combination of the search space has been tried, {self.total:,} in all"


class Coverage:
    """The configurations that the trials of one study have tried; reads a finished trial once."""

    def __init__(self, space: SearchSpace) -> None:
        self._space = space
        self._finished: dict[int, Key | None] = {}
        self._total = Combinations(space).size

    def key(self, params: Mapping[str, Any]) -> Key | None:
        """Returns what identifies a configuration; None if it is not one of the space."""
        params = self._space.as_stored(params)
        if self._space.violations(params):
            return None
        return frozenset(
            (name, self._space.parameter(name).position(value)) for name, value in params.items()
        )

    def keys(self, trials: Iterable[Tried]) -> dict[int, Key | None]:
        """Returns the configuration of each trial by its number, None for what is not known."""
        found = {}
        for trial in trials:
            if trial.number not in self._finished:
                key = self.key(trial.params)
                if trial.state in _UNFINISHED:
                    found[trial.number] = key
                    continue
                self._finished[trial.number] = key
            found[trial.number] = self._finished[trial.number]
        return found

    def will_choose(self, trial: Tried) -> bool:
        """Whether the sampler will choose what a trial without a configuration has not yet.

        Behind a proxy its parameters are stored one after another.
        """
        known = self._space.names()
        return trial.state in _UNFINISHED and all(
            name in known and self._space.parameter(name).fault(value) is None
            for name, value in trial.params.items()
        )

    def left(self, trials: Iterable[Tried]) -> Left:
        """Counts what is left; a failed trial has tried its configuration, too, as for Optuna."""
        trials = list(trials)
        keys = self.keys(trials)
        known = {key for key in keys.values() if key is not None}
        # Each of them will get a configuration that no other trial has.
        undecided = sum(keys[trial.number] is None and self.will_choose(trial) for trial in trials)
        states = [trial.state for trial in trials]
        return Left(
            untried=max(0, self._total - len(known) - undecided),
            waiting=states.count("waiting"),
            running=states.count("running"),
            total=self._total,
        )
