"""Fits the final model: for how many steps, and with how many seeds.

Nothing is held out to stop by, so the number of steps is known before. Several fits with seeds of
their own become one model that gives the mean of their predictions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tuner.bundle.info import MOST_SEEDS
from tuner.data import Development
from tuner.data.split import Inputs
from tuner.errors import ModelError, RequestError
from tuner.learners.base import Fitted, Learner
from tuner.learners.registry import amount, step_word
from tuner.learners.watch import Watch
from tuner.results.configuration import Configuration
from tuner.space import Value

Note = Callable[[str], None]

_COMPARED_ROWS = 1000
"""Rows whose predictions show whether the seed matters."""


def ignored(_line: str) -> None:
    """Shows a note to nobody."""


@dataclass(frozen=True)
class Refit:
    """A final model.

    Attributes:
        fitted: The model; the mean of several if there are several seeds.
        seeds: Of the fits that it consists of.
        seed_matters: False if a fit with another seed gave the same model.
    """

    fitted: Fitted
    seeds: tuple[int, ...]
    seed_matters: bool = True

    @property
    def info(self) -> dict[str, Any]:
        """Keys of ``bundle.json``; none for one seed."""
        if not self.seed_matters:
            return {"seed_matters": False}
        return {"seeds": list(self.seeds)} if len(self.seeds) > 1 else {}


def refit_steps(configuration: Configuration) -> int:
    """Returns how many steps a refit takes on more rows than those of the search.

    As many epochs as in the search, each of which has more optimizer steps. To run as many steps
    as there was nowhere better beyond its error (``benchmarks/refit.py``, ``docs/bundles.md``).
    """
    return configuration.epochs


def chosen_by(table: Mapping[str, Any]) -> str:
    """Returns how the number of steps was chosen, in words.

    Args:
        table: A configuration as a table, or a ``bundle.json``.
    """
    word = step_word(str(table["model"]))
    done = amount(str(table["model"]), table["params"], int(table["epochs"]))
    if not done:
        return ""  # it has no steps
    if table.get("trial") is None:
        return "as many as the configuration says"
    if word not in done:
        return "as many as were best in the search"  # of a forest, which is grown in parts
    if table.get("confirmed"):
        return f"the median of the best {word}s of its confirmation"
    if table.get("folds", 1) > 1:
        return f"the mean of the best {word}s of the trial's {table['folds']} folds"
    return f"the best {word} of the trial"


def check_seeds(seeds: int) -> None:
    """Makes sure that a number of seeds can be fitted.

    Raises:
        RequestError: It is less than 1, or more than anybody could mean.
    """
    if type(seeds) is not int or not 1 <= seeds <= MOST_SEEDS:
        raise RequestError(
            f"--seeds must be 1 to {MOST_SEEDS}, but got {seeds}; 5 is usual, 1 fits one model"
        )


def seeds_of(seed: int, n: int) -> tuple[int, ...]:
    """Returns the seeds of a refit: the configuration's own, then others derived from it."""
    from tuner.search import derive_seed  # here, because it imports Optuna

    return (seed, *(derive_seed(seed, number) for number in range(1, n)))


def refit(
    learner: Learner,
    configuration: Configuration,
    params: Mapping[str, Value],
    data: Development,
    n_seeds: int = 1,
    note: Note = ignored,
) -> Refit:
    """Fits the final model, one seed after another.

    If the second seed predicts exactly what the first did, the learner does not depend on its
    seed: then one model is kept, and no further one is fitted.

    Args:
        learner: What fits.
        configuration: What is fitted.
        params: Its parameters, see `tuner.bundle.write.fit_params`.
        data: All rows but the test rows as training rows.
        n_seeds: How many models to fit and average.
        note: Called with lines of progress if there are several seeds.

    Raises:
        ModelError: Models of this kind cannot be averaged; one has been fitted by then.
        TrialFailed: The training failed.
    """
    seeds = seeds_of(configuration.seed, n_seeds)
    models: list[Fitted] = []
    for number, seed in enumerate(seeds, start=1):
        if n_seeds > 1:
            note(f"seed {number} of {n_seeds}")
        watch = Watch(refit_steps(configuration), word=learner.step_word)
        models.append(learner.fit(params, data, seed, watch))
        watch.result()
        if n_seeds > 1 and number == 1:
            _averaged(learner, models)  # raises what can be known now, and not after the last
        if number == 2 and _agree_exactly(models[0], models[1], data.train.x[:_COMPARED_ROWS]):
            note(f"{learner.model} predicts the same with every seed: one model is kept")
            return Refit(models[0], seeds[:1], seed_matters=False)
    return Refit(models[0] if n_seeds == 1 else _averaged(learner, models), seeds)


def _averaged(learner: Learner, models: Sequence[Fitted]) -> Fitted:
    try:
        return learner.average(models)
    except ModelError as error:
        said = f'--seeds: "{learner.model}" cannot be averaged: {error}'
        raise ModelError(said) from error.__cause__


def _agree_exactly(first: Fitted, second: Fitted, rows: Inputs) -> bool:
    """Returns whether two models predict the same, and not only one value for all rows."""
    one, other = first.predict(rows), second.predict(rows)
    return np.array_equal(one, other) and bool(np.any(one != one[:1]))


def read_fitted(learner: Learner, folder: Path, info: Mapping[str, Any]) -> Fitted:
    """Reads the model of a bundle, one or the mean of several.

    Args:
        learner: What reads it.
        folder: The bundle's folder.
        info: Its ``bundle.json``.

    Raises:
        BundleError: A file is missing or broken.
    """
    n_models = len(info.get("seeds", ()))
    if n_models > 1:
        return learner.load_average(folder, info, n_models)
    return learner.load(folder, info)
