"""Fewer failed trials where failures teach the sampler: a simulation, no training.

    python benchmarks/failures.py [--seeds 20] [--trials 60] [--samplers tpe,cmaes,gp]

The loss is that of an imagined network: the learning rate has an optimum for each optimizer, and
with sgd above 0.2 the loss becomes NaN, close to where sgd is best. CMA-ES, which takes numbers
only, searches with sgd. Each search ends when so many trials are finished: they have not failed.
Prints for each sampler, with failures hidden from it, as Optuna does it, and shown: failed trials;
regret (the distance of the best loss from the least one) after so many trials that were begun, and
after so many that were finished. All are means over the seeds, regret with its standard error.
"""

from __future__ import annotations

import argparse
import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import optuna
from optuna.trial import TrialState

from tuner.search import FAILED, make_sampler
from tuner.space import SearchSpace
from tuner.spec import StudySpec

SPACE = {
    "optimizer": {"type": "categorical", "choices": ["adam", "rmsprop", "sgd"]},
    "learning_rate": {"type": "float", "low": 1e-4, "high": 1.0, "log": True},
    "units": {"type": "int", "low": 4, "high": 512, "log": True},
    "dropout": {"type": "float", "low": 0.0, "high": 0.6},
}
BEST_RATE = {"adam": 3e-3, "rmsprop": 1e-3, "sgd": 0.15}
OFFSET = {"adam": 0.02, "rmsprop": 0.05, "sgd": 0.0}


def loss(params: Mapping[str, Any]) -> float:
    """Returns the loss, 0 at its least; NaN where training fails."""
    optimizer, rate = params.get("optimizer", "sgd"), params["learning_rate"]
    if optimizer == "sgd" and rate > 0.2:
        return math.nan
    return (
        OFFSET[optimizer]
        + 0.1 * math.log10(rate / BEST_RATE[optimizer]) ** 2
        + 0.05 * math.log2(params["units"] / 128) ** 2 / 4
        + 0.5 * (params["dropout"] - 0.2) ** 2
    )


def spec_of(sampler: str, seed: int) -> StudySpec:
    """Returns a study of this space; it is never trained."""
    space = dict(SPACE)
    if sampler == "cmaes":
        del space["optimizer"]
    table = {
        "dataset": "wine",
        "model": "mlp",
        "search_space": space,
        "objective": {"metric": "loss", "direction": "minimize"},
        "sampler": {"name": sampler, "seed": seed},
    }

    def no_file(name: str, _base: Path) -> SearchSpace:
        raise AssertionError(name)

    return StudySpec.from_table(
        table, name="failures", base=Path.cwd(), where="simulation", load_space=no_file
    )


def search(sampler: str, seed: int, n_trials: int, *, teaches: bool) -> tuple[int, float, float]:
    """Searches until so many trials are finished.

    Returns:
        How many failed on the way, the regret after so many trials that were begun, and at the end.
    """
    spec = spec_of(sampler, seed)
    study = optuna.create_study(sampler=make_sampler(spec), study_name=f"failures {seed}")
    failed, losses, of_begun = 0, [], math.inf
    while len(losses) < n_trials:
        if failed + len(losses) == n_trials:
            of_begun = min(losses)
        trial = study.ask()
        value = loss(spec.search_space.suggest(trial))
        if math.isnan(value):
            failed += 1
            if teaches:
                trial.set_constraint(FAILED, 1.0)
            study.tell(trial, state=TrialState.FAIL)
        else:
            losses.append(value)
            study.tell(trial, value)
    return failed, min(losses) if not failed else of_begun, min(losses)


def with_error(values: Sequence[float]) -> str:
    """Returns the mean and its standard error."""
    return f"{mean(values):.4f} ± {statistics.stdev(values) / len(values) ** 0.5:.4f}"


def main() -> None:
    """Runs the comparison."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--samplers", default="tpe,cmaes,gp")
    args = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    print(f"{args.seeds} seeds, {args.trials} finished trials each")
    for sampler in args.samplers.split(","):
        for teaches in (False, True):
            found = [search(sampler, s, args.trials, teaches=teaches) for s in range(args.seeds)]
            failed, begun, finished = zip(*found, strict=True)
            print(
                f"{sampler:<6} {'shown' if teaches else 'hidden':<6}  {mean(failed):5.1f} failed"
                f"   regret {with_error(begun)} begun, {with_error(finished)} finished",
                flush=True,
            )


if __name__ == "__main__":
    main()
