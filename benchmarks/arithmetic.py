"""Shows where the time of a trial goes, and how far its epochs are from the bare arithmetic.

    python benchmarks/arithmetic.py            # the networks of benchmarks/speed.py, as tables

The arithmetic of an epoch: every weight takes a multiplication and an addition a row in the
forward pass, and twice that in the backward pass; validation rows take the forward pass only. It is
held against two throughputs of this machine, one thread: that of large matrices (1024 × 1024), and
that of the network's own, which are too small to fill a processor. All times are medians, in ms.

The last line says what a second worker can give at all: how much more as many processes as there
are cores compute together than one does alone. Cores that are two threads of one give little.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, "1")  # as in a worker

from speed import CONTESTS, draw

from tuner.quiet import load_tensorflow

load_tensorflow()

import keras
import numpy as np
import tensorflow as tf

from tuner import data
from tuner.data import Splits
from tuner.learners.keras.networks.families import Mlp
from tuner.learners.keras.networks.feeding import prepared
from tuner.learners.keras.training.fit import EVALUATION_BATCH
from tuner.learners.keras.training.loops import run
from tuner.learners.keras.training.orders import orders
from tuner.learners.keras.training.structures import Structures
from tuner.learners.setup import Setup
from tuner.studies.catalog import find_study

TRIALS, EPOCHS = 3, 20


def main() -> None:
    """Measures each contest's first networks and prints both tables."""
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    large = _throughput(1024, 1024, 1024)
    print(f"large matrices: {large / 1e9:.1f} GFLOP/s on one thread\n")
    print("| study | build | trace | first epoch | same structure again | an epoch | of fit |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    far = []
    for study in CONTESTS:
        times, row = _study(study, large)
        print(f"| {study} | {' | '.join(f'{1000 * seconds:.2f}' for seconds in times)} |")
        far.append(row)
    print(
        "\n| study | MFLOP an epoch | at large matrices' speed | at its own matrices' | an epoch |"
    )
    print("| --- | --- | --- | --- | --- |")
    print("\n".join(far))
    print(
        f"\n{os.cpu_count()} processes at once compute {_together():.2f} times what one does alone"
    )


def _study(study: str, large: float) -> tuple[list[float], str]:
    spec = find_study(study)
    splits = data.load_splits(spec.dataset, spec.base)
    found = [_trial(params, splits) for params in draw(study, TRIALS)]
    times = [statistics.median(column) for column in zip(*(each[0] for each in found), strict=True)]
    flop, own = (statistics.median(each[1][i] for each in found) for i in range(2))
    epoch = times[4]
    row = (
        f"| {study} | {flop / 1e6:.2f} | {1000 * flop / large:.3f} ms, {epoch * large / flop:.0f}× "
        f"| {1000 * own:.2f} ms, {epoch / own:.1f}× | {1000 * epoch:.2f} ms |"
    )
    return times, row


def _trial(params: dict[str, Any], splits: Splits) -> tuple[list[float], tuple[float, float]]:
    """Returns the seconds of each step, and an epoch's FLOP and seconds as bare matrix products."""
    structures, batch = Structures(), params["batch_size"]
    sizes = (batch, max(batch, EVALUATION_BATCH))
    since = time.perf_counter()
    model = Mlp("mlp", Setup()).build(params, splits)
    times = [_since(since)]
    learner, (train, held) = prepared(model, splits.train, splits.validation)
    order = orders(0, len(train))
    since = time.perf_counter()
    with structures.lent(learner, train, held) as loop:
        loop.trace()
        times.append(_since(since))
        times.append(_timed(lambda: loop.epoch(next(order), *sizes)))
        epoch = statistics.median(
            _timed(lambda: loop.epoch(next(order), *sizes)) for _ in range(EPOCHS)
        )
    since = time.perf_counter()
    again, _ = prepared(Mlp("mlp", Setup()).build(params, splits), splits.train)
    with structures.lent(again, train, held) as loop:
        loop.epoch(next(order), *sizes)
    times.append(_since(since))
    kernels = [weight.shape for weight in learner.get_weights() if weight.ndim == 2]
    weights = sum(rows * columns for rows, columns in kernels)
    flop = 6 * weights * len(train) + 2 * weights * len(held)
    own = sum(
        2 * rows * columns * (3 * len(train) + len(held)) / _throughput(batch, rows, columns)
        for rows, columns in kernels
    )
    return [*times, epoch, _fit_epoch(params, splits)], (float(flop), own)


def _fit_epoch(params: dict[str, Any], splits: Splits) -> float:
    """Returns the seconds of an epoch of `fit`, the first one left out."""
    keras.utils.clear_session()
    ends: list[float] = []
    model, (train, held) = prepared(
        Mlp("mlp", Setup()).build(params, splits), splits.train, splits.validation
    )

    def after(_epoch: int, _logs: object, _weights: object) -> bool:
        ends.append(time.perf_counter())
        return False

    batch = params["batch_size"]
    run(
        *(model, train, held),
        **{"epochs": 4, "batch_size": batch, "seed": 0, "after_epoch": after, "loop": "fit"},
    )
    return float(np.median(np.diff(ends)))


def _throughput(rows: int, inner: int, columns: int) -> float:
    """Returns floating-point operations a second of products of this size."""
    a = np.random.default_rng(0).normal(size=(rows, inner)).astype(np.float32)
    b = np.random.default_rng(1).normal(size=(inner, columns)).astype(np.float32)
    x, y = tf.constant(a), tf.constant(b)
    flop = 2 * rows * inner * columns
    steps = max(1, int(2e8 / flop))
    steps = min(steps, 2000)

    @tf.function(autograph=False)
    def many() -> tf.Tensor:
        def one(step: tf.Tensor, total: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return step + 1, total + tf.matmul(x, y)[0, 0]

        return tf.while_loop(
            lambda step, _: step < steps, one, (0, tf.constant(0.0)), parallel_iterations=1
        )[1]

    many()
    return flop * steps / min(_timed(many) for _ in range(5))


def _together() -> float:
    """Returns the work of one process on each core together, that of one alone being 1."""
    cores = os.cpu_count() or 1
    ratios = [cores * _work(1) / _work(cores) for _ in range(5)]
    return statistics.median(ratios)


def _work(processes: int) -> float:
    """Returns the mean seconds in which several processes, all at once, do the same work each."""
    code = (
        "import time; import numpy as np\n"
        "a = np.ones((64, 64), 'f4'); since = time.perf_counter()\n"
        "for _ in range(40_000): a @ a\n"
        "print(time.perf_counter() - since)"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            stdout=subprocess.PIPE,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        )
        for _ in range(processes)
    ]
    return statistics.mean(float(process.communicate()[0]) for process in started)


def _timed(call: Callable[[], object]) -> float:
    since = time.perf_counter()
    call()
    return _since(since)


def _since(begin: float) -> float:
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
