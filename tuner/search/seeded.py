"""Random streams that belong to trials, not to processes."""

from __future__ import annotations

import hashlib
import logging
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState

from tuner.errors import TunerError

_log = logging.getLogger(__name__)


def derive_seed(seed: int, number: int) -> int:
    """The seed of trial ``number`` in a study seeded with ``seed``: 32 bits, well mixed."""
    digest = hashlib.sha256(f"{seed}:{number}".encode()).digest()
    return int.from_bytes(digest[:4], "big")


class SeededSampler(BaseSampler):
    """Gives each trial a sampler whose random stream comes from the trial's number.

    A worker that was killed, or one on another machine, then draws what this one would have
    drawn: the state of a random generator is never lost, because none is kept.
    """

    def __init__(
        self,
        make: Callable[[int], BaseSampler],
        seed: int,
        seen: Callable[[optuna.Study], optuna.Study] = lambda study: study,
    ) -> None:
        """Prepares.

        Args:
            make: Returns a sampler with that seed.
            seed: The study's.
            seen: Returns the study as the sampler sees it.
        """
        self._make = make
        self._seed = seed
        self._seen = seen
        self._sampler = make(seed)

    def __str__(self) -> str:
        return str(self._sampler)

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        self._sampler = self._make(derive_seed(self._seed, trial.number))
        self._sampler.before_trial(self._seen(study), trial)

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return self._sampler.infer_relative_search_space(self._seen(study), trial)

    def sample_relative(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        search_space: dict[str, BaseDistribution],
    ) -> dict[str, Any]:
        return self._sampler.sample_relative(self._seen(study), trial, search_space)

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        return self._sampler.sample_independent(
            self._seen(study), trial, param_name, param_distribution
        )

    def after_trial(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        try:
            with warnings.catch_warnings():
                # CMA-ES warns of any constraint; it sees failed trials as the worst ones.
                warnings.filterwarnings("ignore", "Constraints have been set", UserWarning)
                self._sampler.after_trial(study, trial, state, values)
        except (TunerError, optuna.exceptions.OptunaError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the trial has ended well
            _log.warning("the sampler failed after trial %d: %r", trial.number, error)

    def reseed_rng(self) -> None:
        """Nothing to do: every trial is seeded by its number."""
