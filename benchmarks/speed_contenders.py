"""What a user would run instead of tuner: `speed.py` starts it, and it prints its times.

    python benchmarks/speed_contenders.py plain wine trials.json

Each trains the networks of the file's parameters on the same rows, and prints one JSON document:
`began_s` from the start of the process to the first trial, `trials` with the `seconds` and
`epochs` of each. The networks are built by tuner's own function, so that they are the same ones;
everything around them is the peer's.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

Params = dict[str, Any]


class Bench:
    """The data, the networks and the clock that all contenders share."""

    def __init__(self, study: str, trials: list[Params]) -> None:
        """Loads TensorFlow and the data of a study."""
        from tuner import data
        from tuner.quiet import load_tensorflow
        from tuner.studies.catalog import find_study

        load_tensorflow()
        spec = find_study(study)
        self.trials = trials
        self.splits = data.load_splits(spec.dataset, spec.base)
        self.metric = f"val_{spec.objective.metric}"
        self.direction = spec.objective.direction
        self.began = time.time() - psutil.Process().create_time()
        self.times: list[dict[str, float]] = []

    def build(self, params: Params) -> Any:
        """Returns the compiled network of these parameters."""
        from tuner.learners.keras.networks.families import Mlp
        from tuner.learners.setup import Setup

        return Mlp("mlp", Setup()).build(params, self.splits)

    def fit(self, model: Any, params: Params, **options: Any) -> float:
        """Fits as a user would, with all that `fit` does by itself; returns the last metric."""
        train, held = self.splits.train, self.splits.validation
        history = model.fit(
            train.x,
            train.y,
            batch_size=params["batch_size"],
            epochs=params["epochs"],
            validation_data=(held.x, held.y),
            verbose=0,
            **options,
        )
        return float(history.history[self.metric][-1])

    @contextmanager
    def timed(self, epochs: int) -> Iterator[None]:
        """Notes how long a trial takes."""
        since = time.monotonic()
        yield
        self.times.append({"seconds": time.monotonic() - since, "epochs": epochs})


def bare(bench: Bench) -> None:
    """`model.fit`, one network after another; no search at all."""
    import keras

    for params in bench.trials:
        with bench.timed(params["epochs"]):
            keras.utils.clear_session()
            bench.fit(bench.build(params), params)


def plain(bench: Bench) -> None:
    """Optuna's own example for Keras: an objective, `KerasPruningCallback`, a SQLite file.

    The parameters are enqueued and nothing is pruned, so that the trials are the same.
    """
    import keras
    import optuna
    from optuna_integration import KerasPruningCallback

    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def objective(trial: optuna.Trial) -> float:
        keras.utils.clear_session()
        params = {
            name: trial.suggest_categorical(name, sorted({str(p[name]) for p in bench.trials}))
            if isinstance(value, str)
            else trial.suggest_float(name, 1e-6, 1.0)
            if isinstance(value, float)
            else trial.suggest_int(name, 1, 5000)
            for name, value in bench.trials[trial.number].items()
        }
        callback = KerasPruningCallback(trial, bench.metric)
        return bench.fit(bench.build(params), params, callbacks=[callback])

    with tempfile.TemporaryDirectory() as folder:
        study = optuna.create_study(
            storage=f"sqlite:///{folder}/plain.db",
            study_name="plain",
            direction=bench.direction,
            pruner=optuna.pruners.NopPruner(),
        )
        for params in bench.trials:
            study.enqueue_trial(params)
        for params in bench.trials:
            with bench.timed(params["epochs"]):
                study.optimize(objective, n_trials=1)


def keras_tuner(bench: Bench, kind: str) -> None:
    """KerasTuner's search over the values that the trials have, with as many trials or epochs."""
    import keras
    import keras_tuner as kt

    values = {name: sorted({trial[name] for trial in bench.trials}) for name in bench.trials[0]}
    epochs = max(values.pop("epochs"))

    class Network(kt.HyperModel):  # type: ignore[misc]
        def build(self, hp: Any) -> Any:
            return bench.build({"epochs": epochs, **self.chosen(hp)})

        def chosen(self, hp: Any) -> Params:
            return {name: hp.Choice(name, found) for name, found in values.items()}

        def fit(self, hp: Any, model: Any, *args: Any, **options: Any) -> Any:
            since = time.monotonic()
            fitted = model.fit(*args, batch_size=self.chosen(hp)["batch_size"], **options)
            ran = len(fitted.epoch)
            bench.times.append({"seconds": time.monotonic() - since, "epochs": ran})
            return fitted

    keras.utils.set_random_seed(0)
    direction = "max" if bench.direction == "maximize" else "min"
    with tempfile.TemporaryDirectory() as folder:
        common = {"objective": kt.Objective(bench.metric, direction), "seed": 0}
        common |= {"directory": folder, "project_name": kind}
        tuner = (
            kt.BayesianOptimization(Network(), max_trials=len(bench.trials), **common)
            if kind == "bayesian"
            else kt.Hyperband(Network(), max_epochs=9, hyperband_iterations=1, **common)
        )
        train, held = bench.splits.train, bench.splits.validation
        since = time.monotonic()
        tuner.search(train.x, train.y, epochs=epochs, validation_data=(held.x, held.y), verbose=0)
        around = time.monotonic() - since - sum(trial["seconds"] for trial in bench.times)
        for trial in bench.times:  # the search's own share: choosing, saving, loading
            trial["seconds"] += around / len(bench.times)


CONTENDERS: dict[str, Callable[[Bench], None]] = {
    "bare": bare,
    "plain": plain,
    "bayesian": lambda bench: keras_tuner(bench, "bayesian"),
    "hyperband": lambda bench: keras_tuner(bench, "hyperband"),
}


def main() -> None:
    """Runs one contender: name, study, file of parameters."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    name, study, file = sys.argv[1:]
    bench = Bench(study, json.loads(Path(file).read_text(encoding="utf-8")))
    kept, sys.stdout = sys.stdout, sys.stderr  # peers print what they like
    CONTENDERS[name](bench)
    sys.stdout = kept
    print(json.dumps({"began_s": bench.began, "trials": bench.times}))


if __name__ == "__main__":
    main()
