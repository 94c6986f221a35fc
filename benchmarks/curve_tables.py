"""Trains random configurations of shipped studies for all epochs and keeps their curves.

    nice -n 15 python benchmarks/curve_tables.py --n 1000          # all six, as far as it gets
    nice -n 15 python benchmarks/curve_tables.py wine --n 300 --minutes 20

A table is `benchmarks/curves/STUDY.npz`. It is written after every few configurations, and the
same command resumes where it ended: configuration number `i` depends on `i` alone. The studies take
turns by the time that they have had, so that quick ones are complete first. Two of these commands,
for different studies, use two cores.

Parameters are drawn uniformly from the study's space (logarithmically where it says so). tuner's
own loop trains every configuration on one thread for `EPOCHS` of the study, without pruning and
early stopping; `benchmarks/search.py` cuts the curve where a trial would have ended. That is right
since nothing in these spaces depends on the number of epochs to come. Times are CPU seconds of the
process: waiting for other programs is not part of them, but a busy machine makes them longer.

Arrays of a table: `params` (JSON, as bytes), one configuration a row: `values` (float32, rows ×
epochs; rounded to four digits; NaN once the training has diverged), `begin_s` (seconds before the
first epoch), `epoch_s` (mean seconds of one epoch).
"""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from numpy.typing import NDArray

from tuner import data
from tuner.errors import TrialFailed
from tuner.learners.base import Learner
from tuner.learners.registry import open_learner
from tuner.learners.setup import Setup
from tuner.learners.watch import Logs, Watch
from tuner.search import derive_seed
from tuner.spec import StudySpec
from tuner.studies.catalog import find_study

FOLDER = Path(__file__).with_name("curves")
EPOCHS = {"line": 200, "birth-life": 200, "wine": 40, "pima": 200, "elderly": 400, "mnist": 40}
"""Epochs of a curve. The spaces of `pima`, `elderly` and `mnist` go up to five times as many."""
AT_ONCE = 5


@dataclass(frozen=True)
class CurveTable:
    """The curves of a study's configurations.

    Attributes:
        params: Of each configuration, without its epochs.
        values: The objective after each epoch, shape (configurations, epochs); NaN once the
            training has diverged.
        begin_s: Seconds before the first epoch, shape (configurations,).
        epoch_s: Seconds of an epoch, shape (configurations,).
    """

    params: list[dict[str, Any]]
    values: NDArray[np.float32]
    begin_s: NDArray[np.float32]
    epoch_s: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.params)


def read_table(path: Path) -> CurveTable:
    """Returns the table in a file."""
    with np.load(path) as held:
        params = json.loads(held["params"].tobytes())
        return CurveTable(params, held["values"], held["begin_s"], held["epoch_s"])


def rounded(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns values with 12 bits after the first, about 1e-4 of each: they are packed better."""
    bits = (values.view(np.uint32) + np.uint32(0x400)) & np.uint32(0xFFFFF800)
    return bits.view(np.float32)


def write_table(path: Path, table: CurveTable) -> None:
    """Writes a table in place of the file's former content, all at once."""
    path.parent.mkdir(exist_ok=True)
    scratch = path.with_name(f".{path.stem}.{os.getpid()}.npz")
    np.savez_compressed(
        scratch,
        params=np.frombuffer(json.dumps(table.params).encode(), dtype=np.uint8),
        values=table.values,
        begin_s=table.begin_s,
        epoch_s=table.epoch_s,
    )
    scratch.replace(path)


def joined(first: CurveTable, second: CurveTable) -> CurveTable:
    """Returns the configurations of one table and then those of the other."""
    return CurveTable(
        first.params + second.params,
        np.concatenate([first.values, second.values]),
        np.concatenate([first.begin_s, second.begin_s]),
        np.concatenate([first.epoch_s, second.epoch_s]),
    )


class Maker:
    """Trains the configurations of one study."""

    def __init__(self, name: str) -> None:
        """Loads the study's data."""
        self.path = FOLDER / f"{name}.npz"
        self.epochs = EPOCHS[name]
        self.spec: StudySpec = find_study(name)
        self.data = data.load(self.spec.dataset, self.spec.base).development
        metric = self.spec.objective.metric
        setup = Setup(self.spec.base, self.spec.training, n_beside=1, keep=True, metric=metric)
        self.learner: Learner = open_learner(self.spec.model, setup)
        self.learner.prepare_worker()

    def __len__(self) -> int:
        return len(read_table(self.path)) if self.path.exists() else 0

    @property
    def seconds(self) -> float:
        """What the configurations so far have taken."""
        if not self.path.exists():
            return 0.0
        table = read_table(self.path)
        return float((table.begin_s + table.epoch_s * self.epochs).sum())

    def add(self, n: int) -> None:
        """Trains the next configurations and adds them to the table."""
        first = len(self)
        made = [self._train(number) for number in range(first, first + n)]
        params, values, begin_s, epoch_s = zip(*made, strict=True)
        numbers = (np.array(each, dtype=np.float32) for each in (values, begin_s, epoch_s))
        packed, *times = numbers
        table = CurveTable(list(params), rounded(packed), *times)
        write_table(self.path, joined(read_table(self.path), table) if first else table)

    def _train(self, number: int) -> tuple[dict[str, Any], NDArray[np.float32], float, float]:
        sampler = optuna.samplers.RandomSampler(seed=derive_seed(0, number))
        params = dict(self.spec.search_space.suggest(optuna.create_study(sampler=sampler).ask()))
        del params["epochs"]
        values = np.full(self.epochs, np.nan, dtype=np.float32)
        times = [time.process_time()]

        def on_step(step: int, value: float, _logs: Logs) -> None:
            values[step - 1] = value
            times.append(time.process_time())

        objective = self.spec.objective
        watch = Watch(self.epochs, objective.metric, objective.direction, on_step=on_step)
        given = {**self.spec.fixed, **params, "epochs": self.epochs}
        try:
            with self.learner.restored():
                self.learner.fit(given, self.data, derive_seed(1, number), watch)
            watch.result()
        except TrialFailed:
            pass  # diverged: the rest of its curve stays NaN
        times.append(time.process_time())
        epoch_s = (times[-1] - times[1]) / max(1, len(times) - 2)
        return params, values, max(0.0, times[1] - times[0] - epoch_s), epoch_s


def main() -> None:
    """Makes the tables that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("studies", nargs="*", help=" ".join(EPOCHS))
    parser.add_argument("--n", type=int, default=1000, help="configurations of each study")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="then it ends")
    asked = parser.parse_args()
    if unknown := sorted(set(asked.studies) - set(EPOCHS)):
        parser.error(f"there are no curves of {', '.join(unknown)}; write {', '.join(EPOCHS)}")
    if asked.n < 1:
        parser.error(f"--n must be at least 1, but got {asked.n}; write --n 1000")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    until = time.monotonic() + 60 * asked.minutes
    makers = [Maker(name) for name in asked.studies or EPOCHS]
    while time.monotonic() < until and (short := [one for one in makers if len(one) < asked.n]):
        next_one = min(short, key=lambda one: one.seconds)
        next_one.add(min(AT_ONCE, asked.n - len(next_one)))
        print(f"{next_one.path.name}: {len(next_one)} configurations", flush=True)


if __name__ == "__main__":
    main()
