"""Measures how many epochs a refit on more rows should take, and what averaging seeds gives.

    python benchmarks/refit.py                         # all tasks
    python benchmarks/refit.py pima wine/trees --repeats 3 --out refit.jsonl

The test split of a task stays closed. Instead a quarter of its development rows plays the test
rows; the others are divided into training and validation rows as the study's are. A search fits
five seeds on the training rows and knows each one's best epoch on the validation rows. Then five
seeds are fitted on training and validation rows together, and their predictions for the rows that
play the test rows are kept after every epoch, so that all rules are compared on the same fits:

    same epochs: as many epochs as the best epoch of a seed in the search.
    same steps: as many optimizer steps, so fewer epochs, where batches are smaller than the rows.
    median epochs: the median of the five seeds' best epochs, as a confirmed winner has it.
    mean epochs: their mean.
    median steps: the median, by steps.

"one" is the mean score of single fits: by the first two rules each seed's own best epoch counts.
"five" is the score of the mean of five seeds' predictions, all after as many epochs: by "same
epochs" each seed's best epoch counts for all five once. All this is repeated with other divisions.
The table, with differences from single fits by the same epochs and their standard errors, goes to
standard output as Markdown.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner import data as data_sets
from tuner import scoring
from tuner.data import Development
from tuner.learners.registry import load_runtime, open_learner
from tuner.learners.setup import Setup
from tuner.learners.watch import Watch
from tuner.search import derive_seed
from tuner.studies.catalog import find_study

SEEDS = 5
RULES = ("same epochs", "same steps", "median epochs", "mean epochs", "median steps")
ADAM = {"n_layers": 2, "units_1": 64, "units_2": 64, "optimizer": "adam", "learning_rate": 0.003}
TREES = {"max_iter": 200, "learning_rate": 0.05, "max_features": 0.7, "min_samples_leaf": 5}

# Configuration → model, and its parameters or the name of a reference of the study.
CONFIGURATIONS: Mapping[str, tuple[str, Mapping[str, Any] | str]] = {
    "pima/document": ("mlp", "document"),
    "pima/adam": ("mlp", {**ADAM, "epochs": 100}),
    "pima/trees": ("hist_gradient_boosting", TREES),
    "wine/document": ("mlp", "document"),
    "wine/adam": ("mlp", {**ADAM, "epochs": 60}),
    "wine/trees": ("hist_gradient_boosting", TREES),
    "elderly/document": ("mlp", "document"),
    "birth-life/batch-10": ("linear", "batch-10"),
    "birth-life/adam": ("mlp", {**ADAM, "epochs": 100}),
    "birth-life/trees": ("hist_gradient_boosting", TREES),
    "mnist/dropout-adam": ("mlp", "dropout-adam"),
    "mnist/adam": ("mlp", {**ADAM, "batch_size": 100, "epochs": 30}),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs what the command line asks for."""
    options = _options(arguments)
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    known = _read(options.out)
    for name in options.names:
        for repeat in range(options.repeats):
            if (name, repeat) in known:
                continue
            found = measured(name, repeat, options.epochs_scale)
            known[name, repeat] = found
            print(f"{name}, division {repeat + 1} of {options.repeats}", file=sys.stderr)
            if options.out:
                with options.out.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(found) + "\n")
    print(table([one for (name, _), one in known.items() if name in options.names]))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="TASK[/CONFIGURATION]", help="all if none")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="divisions of the rows")
    parser.add_argument(
        "--epochs-scale", type=float, default=1.0, metavar="F", help="0.05 to see that it works"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="JSON lines; what is there is not fitted again"
    )
    options = parser.parse_args(arguments)
    asked = options.names or list(CONFIGURATIONS)
    options.names = [n for n in CONFIGURATIONS if {n, n.partition("/")[0]} & set(asked)]
    if not options.names:
        parser.error(f"there is no such configuration; there are: {', '.join(CONFIGURATIONS)}")
    return options


def measured(name: str, repeat: int, epochs_scale: float = 1.0) -> dict[str, Any]:
    """Fits one configuration with one division of the rows.

    Args:
        name: A key of `CONFIGURATIONS`.
        repeat: Number of the division.
        epochs_scale: By what to multiply its epochs.

    Returns:
        ``best``: the seeds' best epochs in the search; ``fewer``: by how much an epoch of the
        search has fewer steps; metric → scores after each epoch, ``one``: a list for each seed,
        ``five``: of their mean.
    """
    task = name.partition("/")[0]
    model, params = CONFIGURATIONS[name]
    spec = find_study(task)
    if isinstance(params, str):
        params = next(one.params for one in spec.references if one.name == params)
    load_runtime(model, spec.base)
    learner = open_learner(model, Setup(spec.base, keep=True, metric=spec.objective.metric))
    learner.prepare_worker()
    params = {**(spec.fixed if model in ("mlp", "linear") else {}), **params}
    params[str(learner.steps_setting)] = max(1, round(learner.steps(params) * epochs_scale))
    development = data_sets.load(spec.dataset, spec.base).development
    search, final = _divided(development, derive_seed(0, repeat))
    metrics = [spec.objective.metric]
    metrics += [other for other in ("log_loss",) if development.task != "regression"]
    seeds = [derive_seed(repeat, number) for number in range(SEEDS)]
    in_search = [_curve(learner, params, search, seed) for seed in seeds]
    refits = [_curve(learner, params, final, seed) for seed in seeds]
    best = [_best(_scores(metrics[0], search, one), spec.objective.direction) for one in in_search]
    batch_size = int(params.get("batch_size", 32)) if model in ("mlp", "linear") else 0
    means = [np.mean(some, axis=0) for some in zip(*refits, strict=True)]
    n_steps = [
        math.ceil(len(data.train) / batch_size) if batch_size else 1 for data in (search, final)
    ]
    rows = {"train": len(search.train), "refit": len(final.train), "scored": len(final.validation)}
    return {
        "name": name,
        "repeat": repeat,
        "rows": rows,
        "best": best,
        "fewer": n_steps[0] / n_steps[1],  # 1 for boosting: an iteration looks at all rows
        "one": {metric: [_scores(metric, final, one) for one in refits] for metric in metrics},
        "five": {metric: _scores(metric, final, means) for metric in metrics},
    }


def _divided(data: Development, seed: int) -> tuple[Development, Development]:
    """Returns what a search sees, and what a refit is fitted on and scored by."""
    rows = data.rows
    order = np.random.default_rng(seed).permutation(len(rows))
    n_scored = round(len(rows) / 4)
    scored, rest = order[:n_scored], order[n_scored:]
    n_validation = round(len(rest) * len(data.validation) / len(rows))
    search = data.fold(rest[n_validation:], rest[:n_validation])
    return search, data.fold(rest, scored)


def _curve(
    learner: Any, params: Mapping[str, Any], data: Development, seed: int
) -> list[NDArray[Any]]:
    """Returns the predictions for the held-out rows after each epoch."""
    kept: list[NDArray[Any]] = []

    def keep(predictions: NDArray[Any]) -> float:
        kept.append(np.array(predictions))
        return 0.0

    watch = Watch(learner.steps(params), "kept", score=keep, word=learner.step_word)
    with learner.restored():
        learner.fit(params, data, seed, watch)
        watch.result()
    return kept


def _scores(metric: str, data: Development, predictions: Sequence[NDArray[Any]]) -> list[float]:
    rows = data.validation
    return [scoring.score([metric], data.task, rows.y, one)[metric] for one in predictions]


def _best(values: Sequence[float], direction: str) -> int:
    """Returns the first best epoch, from 1."""
    return int(np.argmax(values) if direction == "maximize" else np.argmin(values)) + 1


def table(found: Sequence[Mapping[str, Any]]) -> str:
    """Returns the Markdown table: a row a configuration and metric."""
    head = ["configuration", "rows", "best epochs", "metric"]
    head += [f"one: {rule}" for rule in RULES] + ["five: same epochs", "five: median epochs"]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for name in dict.fromkeys(one["name"] for one in found):
        its = [one for one in found if one["name"] == name]
        rows = its[0]["rows"]
        spread = sorted(epoch for one in its for epoch in one["best"])
        for metric in its[0]["one"]:
            usual = _singles(its, metric, RULES[0])
            cells = [
                name,
                f"{rows['train']:,} → {rows['refit']:,}",
                f"{spread[0]} to {spread[-1]}",
                metric,
                f"{usual.mean():.4f}",
                *(_beside(_singles(its, metric, rule) - usual) for rule in RULES[1:]),
                *(
                    _beside(_averages(its, metric, rule) - usual)
                    for rule in ("same epochs", "median epochs")
                ),
            ]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _epochs(one: Mapping[str, Any], rule: str) -> list[int]:
    """Returns how many epochs each seed is fitted for by a rule."""
    best = one["best"]
    if rule.startswith("mean"):
        best = [np.mean(best)] * SEEDS
    elif rule.startswith("median"):
        best = [np.median(best)] * SEEDS
    fewer = one["fewer"] if rule.endswith("steps") else 1.0
    return [max(1, round(float(epochs) * fewer)) for epochs in best]


def _singles(its: Sequence[Mapping[str, Any]], metric: str, rule: str) -> NDArray[np.float64]:
    """Returns the mean score of single fits for each division."""
    return np.array(
        [
            np.mean(
                [
                    curve[epochs - 1]
                    for curve, epochs in zip(one["one"][metric], _epochs(one, rule), strict=True)
                ]
            )
            for one in its
        ]
    )


def _averages(its: Sequence[Mapping[str, Any]], metric: str, rule: str) -> NDArray[np.float64]:
    """Returns the score of the mean of five fits for each division."""
    return np.array(
        [np.mean([one["five"][metric][n - 1] for n in _epochs(one, rule)]) for one in its]
    )


def _beside(differences: NDArray[np.float64]) -> str:
    """Returns the mean difference and its standard error over the divisions."""
    error = differences.std(ddof=1) / math.sqrt(len(differences)) if len(differences) > 1 else 0.0
    return f"{differences.mean():+.4f} ± {error:.4f}"


def _read(file: Path | None) -> dict[tuple[str, int], dict[str, Any]]:
    if file is None or not file.exists():
        return {}
    found = _lines(file)
    return {(one["name"], one["repeat"]): one for one in found}


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    for line in file.read_text(encoding="utf-8").splitlines():
        yield json.loads(line)


if __name__ == "__main__":
    main()
