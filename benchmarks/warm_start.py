"""Measures what --warm-start gains on related tasks, and what it costs on unrelated ones.

    python benchmarks/warm_start.py --out results.jsonl            # all pairs, twenty seeds
    python benchmarks/warm_start.py wine-half-wine --seeds 5 --out results.jsonl
    python benchmarks/warm_start.py --out results.jsonl --table    # only the table

A pair is a source and a target. The source is searched; the target is searched twice with the same
seed: as it is ("cold") and with --warm-start ("warm"). Every search is a line of ``--out``, and one
that stands there is not run again, so an interrupted run can be resumed. Values are losses on the
validation rows, so they do not depend on how busy the machine is. The two tasks named "bowl" are no
fits but functions with a known optimum.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from scipy.stats import wilcoxon

from tuner import data, scoring, search
from tuner.data import Development, Split
from tuner.learners.registry import open_learner
from tuner.learners.setup import Setup
from tuner.learners.watch import Watch
from tuner.space import SearchSpace
from tuner.space.mapping import distance
from tuner.spec import StudySpec
from tuner.storage.database import Database
from tuner.studies import lifecycle, warm_start
from tuner.studies.catalog import find_space

PAIRS = {  # name: model, source, target, whether they are related
    "pima-noisy-pima": ("lightgbm", "pima-noisy", "pima", True),
    "wine-half-wine": ("lightgbm", "wine-half", "wine", True),
    "digits-even-odd": ("k_neighbors", "digits-even", "digits-odd", True),
    "bowl-near": ("bowl", "bowl-source", "bowl-near", True),
    "wine-pima": ("lightgbm", "wine", "pima", False),
    "pima-wine": ("lightgbm", "pima", "wine", False),
    "pima-digits": ("k_neighbors", "pima", "digits-odd", False),
    "bowl-far": ("bowl", "bowl-source", "bowl-far", False),
}
N_SOURCE, N_TARGET = 20, 25
AT = (4, 8, 15, 25)
OBJECTIVE = {"metric": "log_loss", "direction": "minimize"}
Loss = Callable[[dict[str, Any], int], float]


@dataclass(frozen=True)
class Task:
    """A search space and the loss of a configuration in it, given a seed."""

    spec: StudySpec
    loss: Loss


def main() -> None:
    """Runs what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pairs", nargs="*", help="names; all if none is given")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--most", type=int, default=warm_start.MOST, help="configurations taken")
    parser.add_argument("--share", type=float, default=warm_start.SHARE, help="of the best trials")
    parser.add_argument("--out", type=Path, required=True, help="file of JSON lines")
    parser.add_argument("--table", action="store_true", help="only print the table of --out")
    asked = parser.parse_args()
    warm_start.MOST, warm_start.SHARE = asked.most, asked.share
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    known = read(asked.out)
    for pair in () if asked.table else asked.pairs or PAIRS:
        for seed in range(asked.seeds):
            with tempfile.TemporaryDirectory() as folder:
                for line in searches(pair, seed, Path(folder), known):
                    known[line["pair"], line["seed"], line["kind"]] = line["values"]
                    with asked.out.open("a", encoding="utf-8") as lines:
                        lines.write(json.dumps(line) + "\n")
        print(table(known, [pair]), flush=True)
    print(table(known, list(PAIRS)))


Known = dict[tuple[str, int, str], list[float]]


def read(out: Path) -> Known:
    """Returns the losses of earlier searches by pair, seed and kind."""
    if not out.exists():
        return {}
    lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    return {(line["pair"], line["seed"], line["kind"]): line["values"] for line in lines}


def searches(pair: str, seed: int, folder: Path, known: Known) -> Iterator[dict[str, Any]]:
    """Runs the searches of a pair with one seed that are not known yet; yields their lines."""
    model, source, target, _ = PAIRS[pair]
    missing = [kind for kind in ("cold", "warm") if (pair, seed, kind) not in known]
    if not missing:
        return
    there, here = task(model, source, seed), task(model, target, seed)
    database = Database(f"sqlite:///{folder}/tuner.db")
    try:
        lifecycle.store(database, "source", there.spec).add_trials(
            run(there, seed + 1000, N_SOURCE).trials
        )
        start = warm_start.read_start("source", here.spec, "target", database, None)
    finally:
        database.close()
    for kind in missing:
        study = run(here, seed, N_TARGET, start if kind == "warm" else None)
        values = [trial.value for trial in study.trials]
        yield {"pair": pair, "seed": seed, "kind": kind, "values": values}


def run(
    of: Task, seed: int, n_trials: int, start: warm_start.WarmStart | None = None
) -> optuna.Study:
    """Searches a task as tuner does, but in this process and in memory."""
    sampler = of.spec.sampler.model_copy(update={"seed": seed})
    spec = of.spec.model_copy(update={"sampler": sampler})
    study = optuna.create_study(sampler=search.make_sampler(spec), direction="minimize")
    for params in start.configurations.values() if start else ():
        study.enqueue_trial(dict(params))
    for _ in range(n_trials):
        trial = study.ask()
        params = spec.search_space.suggest(trial)
        study.tell(trial, of.loss(params, search.derive_seed(seed, trial.number)))
    return study


def task(model: str, name: str, seed: int) -> Task:
    """Returns a task; the rows of those that have part of the rows are drawn by the seed."""
    if model == "bowl":
        space = find_space("mlp", Path())
        return Task(spec_of("mlp", space), bowl(space, name, seed))
    rows = rows_of(name, seed)
    table = find_space(model, Path()).to_dict()
    if model == "lightgbm":  # short fits
        table["n_estimators"] |= {"low": 10, "high": 30}
        table["learning_rate"] |= {"low": 0.03, "high": 0.5}
    spec = spec_of(model, SearchSpace.parse(table, model))
    learner = open_learner(model, Setup(metric="log_loss"))

    def loss(params: dict[str, Any], trial_seed: int) -> float:
        # One score at the end: one after each tree takes ten times as long as the trees.
        fitted = learner.fit(params, rows, trial_seed, Watch(learner.steps(params)))
        predictions = np.asarray(fitted.predict(rows.validation.x))
        return scoring.score(["log_loss"], rows.task, rows.validation.y, predictions)["log_loss"]

    return Task(spec, loss)


def spec_of(model: str, space: SearchSpace) -> StudySpec:
    """Returns a study of a model, with the defaults of a study file."""
    table = {
        "dataset": "pima",  # of which only the search space and the sampler are used
        "model": model,
        "search_space": space.to_dict(),
        "objective": OBJECTIVE,
    }
    return StudySpec.from_table(
        table, name=model, base=Path(), where=model, load_space=lambda *_: space
    )


@cache
def loaded(name: str) -> Development:
    """Returns the training and validation rows of a data set; of digits, every fourth pixel."""
    found = data.load(name, Path()).development
    if name != "mnist":
        return found
    return replace(
        found,
        **{
            part: Split(split.x.reshape(len(split.y), 28, 28)[:, ::4, ::4].reshape(-1, 49), split.y)
            for part, split in (("train", found.train), ("validation", found.validation))
        },
    )


def rows_of(name: str, seed: int) -> Development:
    """Returns the rows of a task."""
    rng = np.random.default_rng(seed)
    if name == "pima-noisy":
        rows = loaded("pima")
        noise = 0.3 * rows.train.x.std(axis=0)
        return replace(
            rows,
            train=Split(rows.train.x + rng.normal(0, noise, rows.train.x.shape), rows.train.y),
            validation=Split(
                rows.validation.x + rng.normal(0, noise, rows.validation.x.shape),
                rows.validation.y,
            ),
        )
    if name.startswith("wine"):
        rows = loaded("wine")
        own = rng.permutation(len(rows.train))[:800]
        return only(rows, own[:400] if name == "wine-half" else own, 400)
    if name.startswith("digits"):
        rows = loaded("mnist")
        return only(rows, np.arange(name == "digits-odd", 1000, 2), 200)
    return loaded(name)


def only(rows: Development, positions: Any, n_validation: int | None = None) -> Development:
    """Returns some of the training rows, and the first validation rows."""
    return replace(
        rows,
        train=Split(rows.train.x[positions], rows.train.y[positions]),
        validation=Split(rows.validation.x[:n_validation], rows.validation.y[:n_validation]),
    )


def bowl(space: SearchSpace, name: str, seed: int) -> Loss:
    """Returns the distance from an optimum: that of the source, one near it, or one far from it."""

    def drawn(number: int) -> dict[str, Any]:
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(number))
        return space.suggest(study.ask())

    optimum = drawn(seed)
    others = [drawn(1000 * (seed + 1) + i) for i in range(200)]
    ranked = sorted(others, key=lambda one: distance(space, one, optimum))
    if name != "bowl-source":
        optimum = ranked[0] if name == "bowl-near" else ranked[-1]
    return lambda params, _seed: distance(space, params, optimum)


def table(known: Known, pairs: Sequence[str]) -> str:
    """Returns for each pair the median of the best loss so far, cold and warm, in Markdown."""
    head = [f"{n} trials" for n in AT]
    lines = [
        f"| source → target | related | seeds | {' | '.join(head)} | better / worse at {AT[1]} |"
    ]
    lines.append("|---" * (len(AT) + 4) + "|")
    for pair in pairs:
        seeds = [s for s in range(1000) if all((pair, s, k) in known for k in ("cold", "warm"))]
        if not seeds:
            continue
        best = {
            kind: np.minimum.accumulate([known[pair, s, kind] for s in seeds], axis=1)
            for kind in ("cold", "warm")
        }
        cells = []
        for n in AT:
            cold, warm = (best[kind][:, n - 1] for kind in ("cold", "warm"))
            p = wilcoxon(cold, warm).pvalue if (cold != warm).any() else math.nan
            cells.append(f"{np.median(cold):.4f} → {np.median(warm):.4f} (p {p:.2g})")
        cold, warm = (best[kind][:, AT[1] - 1] for kind in ("cold", "warm"))
        won = f"{(warm < cold).sum()} / {(warm > cold).sum()}"
        related = "yes" if PAIRS[pair][3] else "no"
        _, source, target, _ = PAIRS[pair]
        lines.append(
            f"| {source} → {target} | {related} | {len(seeds)} | {' | '.join(cells)} | {won} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
