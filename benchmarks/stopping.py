"""What it saves, and costs, to stop a study when an improvement is unlikely.

    python benchmarks/stopping.py [--seeds 10] [--trials 60] [--data pima,wine]

Boosted trees on the development rows of a data set, divided anew for each seed: half of them to fit
on, a quarter to search by, a quarter that the search never sees. TPE searches eight parameters for
so many trials; the rule to stop is asked after each. Prints for each data set how many trials it
saves, and how the configuration that was best then differs from the best of all trials, on the rows
of the search and on those that it has not seen: means over the seeds with their standard errors.
The test split is never opened.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import optuna
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import train_test_split

from tuner import data
from tuner.search import make_sampler
from tuner.search.unlikely import outlook
from tuner.space import SearchSpace
from tuner.spec import StudySpec
from tuner.spec.models import StopRule
from tuner.trials.estimation_error import standard_error

SPACE = {
    "learning_rate": {"type": "float", "low": 0.01, "high": 0.5, "log": True},
    "max_iter": {"type": "int", "low": 10, "high": 100, "log": True},
    "max_leaf_nodes": {"type": "int", "low": 3, "high": 63, "log": True},
    "min_samples_leaf": {"type": "int", "low": 2, "high": 60, "log": True},
    "l2_regularization": {"type": "float", "low": 1e-6, "high": 10.0, "log": True},
    "max_features": {"type": "float", "low": 0.3, "high": 1.0},
    "max_bins": {"type": "int", "low": 15, "high": 255, "log": True},
    "class_weight": {"type": "categorical", "choices": ["none", "balanced"]},
}
RULE = StopRule(when="unlikely")


class Saved(NamedTuple):
    """One search: trials saved, and what the accuracy is lower by for it."""

    trials: int
    searched: float
    unseen: float


def spec_of(seed: int) -> StudySpec:
    """Returns the study."""
    table = {
        "dataset": "pima",
        "model": "hist_gradient_boosting",
        "search_space": SPACE,
        "objective": {"metric": "accuracy", "direction": "maximize"},
        "sampler": {"seed": seed},
    }

    def no_file(name: str, _base: Path) -> SearchSpace:
        raise AssertionError(name)

    return StudySpec.from_table(
        table, name="stopping", base=Path.cwd(), where="simulation", load_space=no_file
    )


def search(x: Any, y: Any, seed: int, n_trials: int) -> Saved:
    """Searches once, and asks the rule after each trial."""
    spec = spec_of(seed)
    study = optuna.create_study(
        direction="maximize", sampler=make_sampler(spec), study_name=f"stopping {seed}"
    )
    fit_x, rest_x, fit_y, rest_y = train_test_split(
        x, y, train_size=0.5, stratify=y, random_state=seed
    )
    parts = train_test_split(rest_x, rest_y, train_size=0.5, stratify=rest_y, random_state=seed)
    search_x, unseen_x, search_y, unseen_y = parts
    unseen: list[float] = []
    stopped_at: int | None = None
    while len(unseen) < n_trials:
        trial = study.ask()
        model = HistGradientBoostingClassifier(
            **_arguments(spec.search_space.suggest(trial)), early_stopping=False, random_state=seed
        ).fit(fit_x, fit_y)
        predicted = model.predict(search_x).astype(float)
        trial.set_user_attr("role", "search")
        error = standard_error("accuracy", "binary", search_y, predicted)
        trial.set_user_attr("standard_error", error)
        study.tell(trial, float(np.mean(predicted == search_y)))
        unseen.append(float(np.mean(model.predict(unseen_x) == unseen_y)))
        found = outlook(study.trials, RULE, spec.objective, n_trials)
        if stopped_at is None and found is not None and found.is_unlikely:
            stopped_at = len(unseen)
    end = stopped_at or n_trials
    values = [one.values[0] for one in study.trials]
    early, late = int(np.argmax(values[:end])), int(np.argmax(values))
    return Saved(n_trials - end, values[late] - values[early], unseen[late] - unseen[early])


def _arguments(params: Mapping[str, Any]) -> dict[str, Any]:
    weight = params["class_weight"]
    return {**params, "class_weight": None if weight == "none" else weight}


def with_error(values: Sequence[float]) -> str:
    """Returns the mean and its standard error."""
    error = statistics.stdev(values) / len(values) ** 0.5
    return f"{statistics.mean(values):+.4f} ± {error:.4f}"


def main() -> None:
    """Runs the comparison."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--data", default="pima,wine")
    args = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    print(f"{args.seeds} seeds, {args.trials} trials wanted")
    for name in args.data.split(","):
        rows = data.load(name, Path.cwd()).development.rows
        x, y = np.asarray(rows.x), np.asarray(rows.y).ravel()
        found = [search(x, y, seed, args.trials) for seed in range(args.seeds)]
        saved = statistics.mean(one.trials for one in found)
        print(
            f"{name:<6} {saved:4.1f} trials saved; accuracy lost where searched "
            f"{with_error([one.searched for one in found])}, unseen "
            f"{with_error([one.unseen for one in found])}",
            flush=True,
        )


if __name__ == "__main__":
    main()
