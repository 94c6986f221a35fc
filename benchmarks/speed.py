"""Times whole searches: tuner beside what a user would run instead, the same trials.

    python benchmarks/speed.py                      # xor, pima, wine, mnist; a table
    python benchmarks/speed.py wine --trials 12 --rounds 1 --only tuner-1 plain

Every contender runs as a process of its own, so that starting Python and importing TensorFlow
counts. All train the same networks for the same epochs; nothing is pruned or stopped early.
tuner runs all trials. The others run a few of them (and for xor a tenth of the epochs), and what
a trial took is scaled to the number of trials and epochs. A round runs every contender once, one
after another, KerasTuner in the first round only; a ratio is the median of the rounds' ratios.

KerasTuner chooses by itself among the values that the trials have. Its Hyperband runs brackets of
at most nine epochs (one of a hundred has hundreds of networks) and is scaled by epochs, so that
the start of a network counts the more. Contenders whose packages are missing are left out with
a notice: `pip install -c constraints.txt -e '.[bench]'`.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import psutil
import tomli_w

from tuner.studies.catalog import find_study

Params = dict[str, Any]


class Contest(NamedTuple):
    """What is trained for one study: the values to draw from, and what the slow ones run of it."""

    epochs: int
    values: dict[str, list[Any]]
    few: int
    epochs_scale: float = 1.0


_COMMON = {"dropout": [0.1, 0.2, 0.4], "optimizer": ["adam", "rmsprop", "sgd"]}
CONTESTS = {
    "xor": Contest(
        2000,
        {"n_layers": [1], "units_1": [2, 4, 8], "activation": ["sigmoid", "tanh"]}
        | {"optimizer": ["sgd", "adam"], "batch_size": [1], "loss": ["mse"]},
        few=2,
        epochs_scale=0.05,
    ),
    "pima": Contest(
        100, {"n_layers": [1, 2], "units": [16, 32], "batch_size": [16, 32]} | _COMMON, few=4
    ),
    "wine": Contest(
        25, {"n_layers": [1, 2, 3], "units": [16, 48], "batch_size": [32, 64]} | _COMMON, few=4
    ),
    "mnist": Contest(
        10, {"n_layers": [1, 2], "units": [64, 128], "batch_size": [64, 128]} | _COMMON, few=4
    ),
}
PACKAGES = {"plain": "optuna_integration", "bayesian": "keras_tuner", "hyperband": "keras_tuner"}
CONTENDERS = {
    "tuner-1": "tuner, one worker",
    "tuner-all": "tuner, all cores",
    "bare": "bare `model.fit`",
    "plain": "plain Optuna",
    "bayesian": "KerasTuner Bayesian",
    "hyperband": "KerasTuner Hyperband",
}


class Run(NamedTuple):
    """One contender's run: seconds for all trials (scaled where it ran few), peak memory in MiB."""

    seconds: float
    memory: float
    scaled: bool


def main() -> None:
    """Measures what the command line asks for and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("studies", nargs="*", default=list(CONTESTS), help=" ".join(CONTESTS))
    parser.add_argument("--trials", type=int, default=60, help="trials of a search")
    parser.add_argument("--rounds", type=int, default=3, help="runs of every contender")
    parser.add_argument("--only", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    asked = parser.parse_args()
    unknown = sorted(set(asked.studies) - set(CONTESTS))
    if unknown:
        parser.error(f"no contest for {', '.join(unknown)}; there are: {', '.join(CONTESTS)}")
    present = [name for name in asked.only if _is_here(name)]
    print(
        f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}, "
        f"{asked.trials} trials, rounds: {asked.rounds}\n"
    )
    print("| study | contender | trials/min | s/trial | peak MiB | tuner, one | tuner, all |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for study in asked.studies:
        trials = draw(study, asked.trials)
        rounds: list[dict[str, Run]] = []
        for number in range(asked.rounds):
            rounds.append({})
            for name in present:
                if number and PACKAGES.get(name) == "keras_tuner":
                    continue
                rounds[-1][name] = run(name, study, trials)
                _tell(study, name, number, rounds[-1][name])
        for name in present:
            print(_row(study, name, rounds, asked.trials), flush=True)


def draw(study: str, count: int) -> list[Params]:
    """Draws the trials' parameters, the same for all contenders; seeded."""
    contest, random = CONTESTS[study], np.random.default_rng(0)
    return [
        {name: found[int(random.integers(len(found)))] for name, found in contest.values.items()}
        | {"learning_rate": float(10 ** random.uniform(-3, -1)), "epochs": contest.epochs}
        for _ in range(count)
    ]


def run(name: str, study: str, trials: list[Params]) -> Run:
    """Runs one contender in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        if name.startswith("tuner"):
            workers = 1 if name == "tuner-1" else os.cpu_count() or 1
            seconds, memory, out = _process(_tuner(Path(folder), study, trials, workers))
            counts = json.loads(out)["trials"]
            if counts["complete"] != len(trials):
                raise SystemExit(f"{study}: tuner ended with {counts}")
            return Run(seconds, memory, scaled=False)
        contest = CONTESTS[study]
        few = [
            params | {"epochs": max(1, round(params["epochs"] * contest.epochs_scale))}
            for params in trials[: contest.few]
        ]
        file = Path(folder) / "trials.json"
        file.write_text(json.dumps(few), encoding="utf-8")
        script = Path(__file__).with_name("speed_contenders.py")
        _, memory, out = _process([sys.executable, str(script), name, study, str(file)])
        printed = json.loads(out)
        # The first trial warms up what later ones find warm: it counts once, like the start.
        first, *others = printed["trials"]
        rate = sum(t["seconds"] for t in others) / sum(t["epochs"] for t in others)
        begun = printed["began_s"] + first["seconds"] - rate * first["epochs"]
        whole = sum(params["epochs"] for params in trials)
        return Run(begun + rate * whole, memory, scaled=True)


def _tuner(folder: Path, study: str, trials: list[Params], workers: int) -> list[str]:
    """Writes a study of exactly these trials; returns the command that runs it."""
    spec = find_study(study)
    table = {
        "dataset": spec.dataset,
        "model": "mlp",
        "objective": {"metric": spec.objective.metric, "direction": spec.objective.direction},
        "budget": {"n_trials": len(trials)},
        "pruner": {"name": "nop"},
        "search_space": {name: _parameter(name, trials) for name in trials[0]},
        "reference": [{"name": f"trial-{i}", "params": p} for i, p in enumerate(trials)],
    }
    file = folder / f"{study}.toml"
    file.write_text(tomli_w.dumps(table), encoding="utf-8")
    options = ["--workers", str(workers), "--storage", f"sqlite:///{folder}/tuner.db", "--json"]
    return [str(Path(sys.executable).with_name("tuner")), "run", str(file), *options]


def _parameter(name: str, trials: list[Params]) -> dict[str, Any]:
    if name == "learning_rate":
        return {"type": "float", "low": 1e-4, "high": 1.0, "log": True}
    return {"type": "categorical", "choices": sorted({trial[name] for trial in trials})}


def _process(command: list[str]) -> tuple[float, float, str]:
    """Runs a command; returns its seconds, the peak memory of it and its children, its output."""
    since, peak = time.monotonic(), 0.0
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, stdout=out, stderr=errors, text=True)
        while True:
            try:
                process.wait(0.5)
                break
            except subprocess.TimeoutExpired:
                peak = max(peak, _memory(process.pid))
        seconds = time.monotonic() - since
        out.seek(0)
        errors.seek(0)
        if process.returncode:
            raise SystemExit(f"{' '.join(command)}\n{errors.read()[-3000:]}")
        return seconds, peak, out.read()


def _memory(pid: int) -> float:
    """MiB of a process and its children, what they share counted once."""
    used = 0
    try:
        for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
            info = process.memory_full_info()
            used += getattr(info, "pss", info.rss)
    except psutil.Error:  # one has just ended
        return 0.0
    return used / 2**20


def _is_here(name: str) -> bool:
    package = PACKAGES.get(name)
    here = package is None or importlib.util.find_spec(package) is not None
    if not here:
        print(f"{CONTENDERS[name]} is left out: {package} is not installed", file=sys.stderr)
    return here


def _tell(study: str, name: str, number: int, result: Run) -> None:
    print(
        f"{study} round {number + 1} {CONTENDERS[name]}: {result.seconds:.1f} s",
        file=sys.stderr,
        flush=True,
    )


def _row(study: str, name: str, rounds: list[dict[str, Run]], trials: int) -> str:
    rounds = [found for found in rounds if name in found]
    seconds = statistics.median(found[name].seconds for found in rounds)
    memory = max(found[name].memory for found in rounds)

    def faster(ours: str) -> str:
        if ours not in rounds[0] or name == ours:
            return "–"
        times = (found[name].seconds / found[ours].seconds for found in rounds)
        return f"{statistics.median(times):.1f}×"

    cells = [
        *(study, CONTENDERS[name] + (" (scaled)" if rounds[0][name].scaled else "")),
        *(f"{60 * trials / seconds:.1f}", f"{seconds / trials:.2f}", f"{memory:.0f}"),
        *(faster("tuner-1"), faster("tuner-all")),
    ]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
