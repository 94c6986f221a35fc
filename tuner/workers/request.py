"""What a run is asked for, as one value from the command line down to the engines."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tuner.errors import RequestError
from tuner.spec import StudySpec
from tuner.studies.catalog import find_study
from tuner.studies.companion import require_one_objective
from tuner.trials.checking import check_spec

EngineName = Literal["local", "ray"]


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """A request to create or resume a study and to run it.

    The attributes are the arguments of :func:`tuner.api.run`.

    Raises:
        RequestError: Two values do not go together, or one of them is out of range.
    """

    study: str
    n_trials: int | None = None
    more: int | None = None
    timeout: float | str | None = None
    workers: int | None = None
    storage: str | None = None
    study_name: str | None = None
    seed: int | None = None
    settings: Sequence[str] = ()
    warm_start: str | None = None
    checkpoints: str | None = None
    engine: EngineName = "local"
    address: str | None = None
    gpus_per_worker: float = 0.0
    confirm: bool | None = None

    def __post_init__(self) -> None:
        if self.n_trials is not None and self.more is not None:
            raise RequestError("--n-trials is the total wanted, --more what to add to it: give one")
        if self.more is not None and self.more < 1:
            raise RequestError(f"--more must be at least 1, but got {self.more}")
        if self.workers is not None and self.workers < 1:
            raise RequestError(f"--workers must be at least 1, but got {self.workers}")
        gpus = self.gpus_per_worker
        if self.engine == "ray":
            if gpus < 0 or (gpus > 1 and gpus % 1):
                raise RequestError(
                    "--gpus-per-worker must be a share of one GPU or a whole number of them, but "
                    f"got {gpus:g}"
                )
        elif self.address is not None or gpus:
            raise RequestError("--address and --gpus-per-worker are Ray's; add --engine ray")

    def read_spec(self) -> StudySpec:
        """Finds, reads and checks the study file, with this request's values in place of its own.

        Raises:
            TunerError: There is no such study, or it cannot be run as it is.
        """
        asked = {
            "budget.n_trials": self.n_trials,
            "budget.timeout": self.timeout,
            "sampler.seed": self.seed,
        }
        given = [f"{key}={value}" for key, value in asked.items() if value is not None]
        spec = find_study(self.study, [*self.settings, *given])
        check_spec(spec)
        if self.confirm or (self.confirm is None and spec.confirm is not None):
            instead = "leave out --confirm" if self.confirm else "remove [confirm]"
            require_one_objective(spec, spec.name, instead)
        return spec


def cores() -> int:
    """Returns how many processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
