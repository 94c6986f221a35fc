"""Times what the storage takes of a trial: plain Optuna beside tuner, in turns in one process.

    python benchmarks/storage.py                                  # SQLite, a temporary file
    python benchmarks/storage.py --postgres postgresql+psycopg://user@host/database --rounds 15

Plain Optuna is used as its documentation shows: `ask`, six `suggest_*`, `report`, `should_prune`,
`tell`. Both have the same space (one parameter is conditional), the same stored trials and the same
settings of TPE and Hyperband. A round times one trial of each; the ratio is the median of the
rounds' ratios, so that a busy machine slows both. CPU is this process's, without the server's.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import optuna
import sqlalchemy as sa
from optuna.distributions import CategoricalDistribution, distribution_to_json
from optuna.storages._rdb import models

from tuner.search import judging, make_pruner, make_sampler
from tuner.spec import StudySpec
from tuner.storage.database import Database
from tuner.trials.reporting import Reporter

EPOCHS = 81
STEPS = ("ask and suggest", "report and decide", "tell")
SPEC = StudySpec.from_dict(
    {
        "name": "benchmark",
        "dataset": "wine",
        "model": "mlp",
        "objective": {"metric": "accuracy", "direction": "maximize"},
        "search_space": {
            "optimizer": {"type": "categorical", "choices": ["adam", "sgd", "rmsprop"]},
            "learning_rate": {"type": "float", "low": 1e-5, "high": 1e-1, "log": True},
            "n_layers": {"type": "int", "low": 1, "high": 4},
            "units": {"type": "int", "low": 4, "high": 512, "log": True},
            "dropout": {"type": "float", "low": 0.0, "high": 0.6},
            "momentum": {
                "type": "float",
                "low": 0.0,
                "high": 0.99,
                "when": {"optimizer": ["sgd", "rmsprop"]},
            },
        },
        "sampler": {"name": "tpe", "seed": 0},
        "pruner": {"name": "hyperband", "max_resource": EPOCHS},
    },
    base=Path(),
)


class Cost(NamedTuple):
    """Seconds of wall time and of this process's processor time."""

    wall: float
    cpu: float


def main() -> None:
    """Measures what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15, help="trials of each, in turns")
    parser.add_argument("--stored", type=int, nargs="+", default=[0, 10_000], help="stored trials")
    parser.add_argument("--postgres", help="URL of a database in which studies may be made")
    parser.add_argument("--first", nargs=3, help=argparse.SUPPRESS)  # a new process's first ask
    asked = parser.parse_args()
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    if asked.first:
        print(json.dumps(first_ask(*asked.first)))
        return
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for stored in asked.stored:
            urls = {who: f"sqlite:///{folder}/{who}-{stored}.db" for who in WHO}
            rows += [("SQLite", stored, *row) for row in compare(urls, stored, asked.rounds)]
            if asked.postgres:
                urls = dict.fromkeys(WHO, asked.postgres)
                rows += [
                    ("PostgreSQL", stored, *row) for row in compare(urls, stored, asked.rounds)
                ]
    print(table(rows))
    print(
        f"\nMedians of {asked.rounds} rounds, milliseconds of wall time (of processor time); "
        "a new process: medians of 3. The ratio is the median of the rounds' ratios."
    )


def compare(urls: dict[str, str], stored: int, rounds: int) -> list[tuple[str, str, str, str]]:
    """Times both in turns; one row a step: its name, plain, ours, the ratio."""
    names = {who: f"benchmark-{who}-{uuid.uuid4().hex[:8]}" for who in WHO}
    for who in WHO:
        study = optuna.create_study(storage=urls[who], study_name=names[who], direction="maximize")
        if stored:
            fill(urls[who], study._study_id, stored, ours=who == "tuner")
    try:
        first = {who: [new_process(who, urls[who], names[who]) for _ in range(3)] for who in WHO}
        runs = {who: OPENED[who](urls[who], names[who]) for who in WHO}
        costs: dict[str, list[list[Cost]]] = {who: [] for who in WHO}
        for number in range(rounds + 3):  # the first ones fill caches
            for who in WHO if number % 2 else WHO[::-1]:
                took = list(next(runs[who]))
                if number >= 3:
                    costs[who].append(took)
            print(f"\r{stored} stored: round {number + 1} ", end="", file=sys.stderr)
        print(file=sys.stderr)
    finally:
        for who in WHO:
            optuna.delete_study(study_name=names[who], storage=urls[who])
    rows = [
        (step, *cells([took[i] for took in costs["plain"]], [took[i] for took in costs["tuner"]]))
        for i, step in enumerate(STEPS)
    ]
    both = [[summed(took[0], took[2]) for took in costs[who]] for who in WHO]
    return [*rows, ("**ask + tell**", *cells(*both)), ("first ask", *cells(*first.values()))]


def plain(url: str, name: str) -> Iterator[Iterator[Cost]]:
    """Trials with Optuna alone."""
    study = optuna.load_study(
        storage=optuna.storages.RDBStorage(url),
        study_name=name,
        sampler=optuna.samplers.TPESampler(seed=0, group=True),
        pruner=optuna.pruners.HyperbandPruner(max_resource=EPOCHS),
    )
    chance = random.Random(1)

    def run() -> Iterator[Cost]:
        with clock() as ask:
            trial = study.ask()
            optimizer = trial.suggest_categorical("optimizer", ["adam", "sgd", "rmsprop"])
            trial.suggest_float("learning_rate", 1e-5, 1e-1, log=True)
            trial.suggest_int("n_layers", 1, 4)
            trial.suggest_int("units", 4, 512, log=True)
            trial.suggest_float("dropout", 0.0, 0.6)
            if optimizer != "adam":
                trial.suggest_float("momentum", 0.0, 0.99)
        yield ask()
        with clock() as report:
            trial.report(0.0, EPOCHS)  # the worst value, at a step where every bracket decides
            trial.should_prune()
        yield report()
        with clock() as tell:
            study.tell(trial, chance.random())
        yield tell()

    while True:
        yield run()


def ours(url: str, name: str) -> Iterator[Iterator[Cost]]:
    """Trials as a worker of tuner runs them, which stores a little more of each."""
    database = Database(url, lease={"host": "here", "pid": 1, "started": 0.5}, wanted=10**6)
    study = database.study(name)
    study.sampler, study.pruner = make_sampler(SPEC), make_pruner(SPEC)
    chance = random.Random(1)

    def run() -> Iterator[Cost]:
        with clock() as ask:
            trial = study.ask()
            with database.together():
                SPEC.search_space.suggest(trial)
                database.write_attrs(trial._trial_id, {"seed": 1, "epochs_wanted": EPOCHS})
        yield ask()
        with clock() as report:
            reporter = Reporter(trial, judging(SPEC), database, EPOCHS)
            reporter.pruned(EPOCHS, 0.0)
        yield report()
        with clock() as tell, database.together():
            database.write_attrs(trial._trial_id, {"epoch": 1, "epochs": 1})
            study.tell(trial, chance.random())
        yield tell()

    while True:
        yield run()


OPENED: dict[str, Callable[[str, str], Iterator[Iterator[Cost]]]] = {"plain": plain, "tuner": ours}
WHO = tuple(OPENED)


@contextmanager
def clock() -> Iterator[Callable[[], Cost]]:
    """Times the block; yields a function that returns the cost afterwards."""
    wall, cpu = time.perf_counter(), time.process_time()
    took: list[Cost] = []
    yield lambda: took[0]
    took.append(Cost(time.perf_counter() - wall, time.process_time() - cpu))


def first_ask(who: str, url: str, name: str) -> Cost:
    """Opens the storage and asks for the first trial; imports are not counted."""
    with clock() as took:
        next(next(OPENED[who](url, name)))
    return took()


def new_process(who: str, url: str, name: str) -> Cost:
    """The cost of :func:`first_ask` in a process of its own."""
    words = [sys.executable, __file__, "--first", who, url, name]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return Cost(*json.loads(done.stdout.splitlines()[-1]))


def summed(*costs: Cost) -> Cost:
    """All costs together."""
    return Cost(sum(cost.wall for cost in costs), sum(cost.cpu for cost in costs))


def cells(plain: list[Cost], tuner: list[Cost]) -> tuple[str, str, str]:
    """The medians of both, and of their ratio."""
    shown = []
    for costs in (plain, tuner):
        wall, cpu = (1000 * statistics.median(each) for each in zip(*costs, strict=True))
        shown.append(f"{wall:.0f} ({cpu:.0f})" if wall >= 10 else f"{wall:.1f} ({cpu:.1f})")
    pairs = list(zip(plain, tuner, strict=True))
    wall = statistics.median(ours.wall / its.wall for its, ours in pairs)
    cpu = statistics.median(ours.cpu / its.cpu for its, ours in pairs)
    return shown[0], shown[1], f"{wall:.2f} ({cpu:.2f})"


def table(rows: list[tuple[Any, ...]]) -> str:
    """The rows as a Markdown table."""
    head = ("database", "stored trials", "step", "plain Optuna", "tuner", "ratio")
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)


def fill(url: str, study_id: int, number: int, *, ours: bool) -> None:
    """Stores finished trials as a search leaves them, with our attributes if it is ours."""
    chance = random.Random(0)
    engine = sa.create_engine(url)
    began = datetime(2026, 1, 1)
    rows: dict[Any, list[dict[str, Any]]] = {
        models.TrialParamModel: [],
        models.TrialValueModel: [],
        models.TrialSystemAttributeModel: [],
        models.TrialUserAttributeModel: [],
        models.TrialIntermediateValueModel: [],
    }
    with engine.begin() as connection:
        trial = {"study_id": study_id, "state": optuna.trial.TrialState.COMPLETE}
        dates = {"datetime_start": began, "datetime_complete": began + timedelta(seconds=9)}
        trials = [{"number": i, **trial, **dates} for i in range(number)]
        connection.execute(sa.insert(models.TrialModel.__table__), trials)
        of_study = models.TrialModel.study_id == study_id
        for trial_id in connection.scalars(sa.select(models.TrialModel.trial_id).where(of_study)):
            add_details(rows, trial_id, chance, ours=ours)
        for model, each in rows.items():
            if each:
                connection.execute(sa.insert(model.__table__), each)
    with engine.connect() as connection:
        connection.execute(sa.text("ANALYZE"))
        connection.commit()
    engine.dispose()


def add_details(
    rows: dict[Any, list[dict[str, Any]]], trial_id: int, chance: Any, *, ours: bool
) -> None:
    """Adds the rows of one trial."""
    params = {}
    for parameter in SPEC.search_space.parameters:
        if not parameter.active(params):
            continue
        distribution = parameter.distribution()
        if isinstance(distribution, CategoricalDistribution):
            internal: float = chance.randrange(len(distribution.choices))
        elif parameter.log:
            internal = distribution.low * (distribution.high / distribution.low) ** chance.random()
        else:
            internal = chance.uniform(distribution.low, distribution.high)
        internal = round(internal) if parameter.type == "int" else internal
        params[parameter.name] = distribution.to_external_repr(internal)
        rows[models.TrialParamModel].append(
            {
                "trial_id": trial_id,
                "param_name": parameter.name,
                "param_value": internal,
                "distribution_json": distribution_to_json(distribution),
            }
        )
    attrs = {"tpe:relative_params:0": json.dumps(params), "completed_rung_0": chance.random()}
    steps = {step: chance.random() for step in (1, 3, 9, 27, EPOCHS)}
    finite = models.TrialIntermediateValueModel.TrialIntermediateValueType.FINITE
    rows[models.TrialSystemAttributeModel] += attr_rows(trial_id, attrs)
    rows[models.TrialIntermediateValueModel] += [
        {
            "trial_id": trial_id,
            "step": step,
            "intermediate_value": value,
            "intermediate_value_type": finite,
        }
        for step, value in steps.items()
    ]
    rows[models.TrialValueModel].append(
        {
            "trial_id": trial_id,
            "objective": 0,
            "value": chance.random(),
            "value_type": models.TrialValueModel.TrialValueType.FINITE,
        }
    )
    if ours:
        lease = {"host": "here", "pid": 1, "started": 0.5}
        attrs = {"worker": lease, "seed": 1, "epochs_wanted": EPOCHS, "epoch": 9, "epochs": EPOCHS}
        rows[models.TrialUserAttributeModel] += attr_rows(trial_id, attrs)


def attr_rows(trial_id: int, attrs: dict[str, Any]) -> list[dict[str, Any]]:
    """Attributes as Optuna stores them."""
    return [
        {"trial_id": trial_id, "key": key, "value_json": json.dumps(value)}
        for key, value in attrs.items()
    ]


if __name__ == "__main__":
    main()
