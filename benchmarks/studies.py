"""Runs shipped studies with their own budgets and prints what the search found beyond the notes.

    python benchmarks/studies.py                    # all thirteen that have their data
    python benchmarks/studies.py line wine --out results.jsonl
    python benchmarks/studies.py --out results.jsonl --readme README.md

Every study's line is written to ``--out`` when it is done, and a study that stands there is not
run again, so an interrupted run can be resumed. The winner is trained on everything but the test
split, which is scored once; so is the best reference, for the sake of comparison. ``--readme``
writes the table of everything in ``--out`` between the page's two markers.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tuner
from tuner.errors import DataError
from tuner.results import StudyResult
from tuner.spec import StudySpec
from tuner.studies.catalog import find_study, shipped_studies
from tuner.units import figure

LAST = ("celeba-gender", "imdb", "fashion-mnist", "mnist-cnn", "mnist")  # the longest runs
MARKERS = ("<!-- table of benchmarks/studies.py -->", "<!-- end of the table -->")
COLUMNS = (
    *("study", "metric", "reported (split)", "best reference", "best found", "gain"),
    *("test: reference", "test: found", "trials", "minutes", "rows"),
)


def main() -> None:
    """Runs what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("studies", nargs="*", help="names; all if none is given")
    parser.add_argument("--n-trials", type=int, help="instead of each study's own number")
    parser.add_argument("--storage", help="Optuna storage URL; a temporary database if not given")
    parser.add_argument("--out", type=Path, help="file of JSON lines to resume from and append to")
    parser.add_argument("--readme", type=Path, help="only write the table of --out into this page")
    asked = parser.parse_args()
    names = asked.studies or sorted(shipped_studies(), key=lambda n: (n in LAST, n))
    known = read(asked.out)
    if asked.readme:
        write_table(asked.readme, [known[name] for name in names if name in known])
        return
    with tempfile.TemporaryDirectory() as folder:
        storage = asked.storage or f"sqlite:///{folder}/tuner.db"
        for name in names:
            if name in known:
                continue
            try:
                known[name] = run(name, storage, asked.n_trials, Path(folder) / name)
            except DataError as error:
                print(f"{name}: left out: {error}\n", flush=True)
                continue
            if asked.out:
                with asked.out.open("a", encoding="utf-8") as lines:
                    lines.write(json.dumps(known[name], ensure_ascii=False) + "\n")
            print(table([known[name]]), flush=True)
    print(table([known[name] for name in names if name in known]))


def read(out: Path | None) -> dict[str, dict[str, Any]]:
    """Returns the lines of an earlier run by study; the last one counts."""
    if out is None or not out.exists():
        return {}
    lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    return {line["study"]: line for line in lines}


def run(name: str, storage: str, n_trials: int | None, bundle: Path) -> dict[str, Any]:
    """Runs a study, trains its winner and returns its line."""
    result = tuner.run(name, storage=storage, n_trials=n_trials)
    if result.best is None:
        raise SystemExit(f"{name}: no trial was completed")
    written = line(find_study(name), result)
    written["test"] = score(result, result.best.number, bundle, storage)
    if written["reference"]:
        number = {row.name: row.number for row in result.references}[written["reference"]["name"]]
        written["reference"]["test"] = score(result, number, bundle, storage)
    return written


def score(result: StudyResult, number: int | None, bundle: Path, storage: str) -> dict[str, float]:
    """Trains a trial's configuration and returns its scores on the test split.

    The opening of the test split is recorded in ``storage``: that of the winner is the first, that
    of the reference, which was known beforehand, the second.
    """
    trained = tuner.train(result.configuration(number), bundle, force=True, storage=storage)
    return dict(trained.info["scores"]["test"])


def line(spec: StudySpec, result: StudyResult) -> dict[str, Any]:
    """Returns the summary of a study's search: plain values, seconds."""
    assert result.best is not None
    better = max if result.direction == "maximize" else min
    reached = {row.name: row.value for row in result.references if row.value is not None}
    best = better(reached, key=lambda name: reached[name], default=None)
    return {
        "study": spec.name,
        "metric": result.metric,
        "direction": result.direction,
        "reported": reported(spec),
        "reference": best and {"name": best, "value": reached[best]},
        "references": {row.name: row.value for row in result.references},
        "best": {"value": result.best.value, "origin": result.best.origin},
        "epoch": result.best.epoch,
        "params": dict(result.best.params),
        "counts": result.counts,
        "seconds": round(result.wall_s or 0.0, 1),
        "rows": result.data["rows"],
        "note": result.data.get("note", ""),
    }


def reported(spec: StudySpec) -> dict[str, Any] | None:
    """Returns the best score that the notes report, in the objective's metric if they have it."""
    scores = [dict(reference.reported) for reference in spec.references if reference.reported]
    if not scores:
        return None
    metric = spec.objective.metric
    same = [score for score in scores if metric in score]
    if not same:
        return scores[0]
    better = max if spec.objective.direction == "maximize" else min
    return better(
        ({"split": score["split"], metric: score[metric]} for score in same),
        key=lambda score: float(score[metric]),
    )


def table(lines: Sequence[Mapping[str, Any]]) -> str:
    """Returns the lines as a Markdown table, and below it what there is to know of the data."""
    rows = [COLUMNS, ("---",) * len(COLUMNS), *(cells(each) for each in lines)]
    notes = [f"- `{each['study']}`: {each['note']}" for each in lines if each["note"]]
    drawn = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return "\n".join([drawn, *(["", *notes] if notes else [])])


def write_table(page: Path, lines: Sequence[Mapping[str, Any]]) -> None:
    """Puts the table between the two markers of a page."""
    begin, end = MARKERS
    before, _, rest = page.read_text(encoding="utf-8").partition(begin)
    _, _, after = rest.partition(end)
    text = f"{before}{begin}\n{table(lines)}\n{end}{after}"
    page.write_text(text, encoding="utf-8")


def cells(each: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns one row of the table; a gain is positive when the search did better."""
    metric, best, reference = each["metric"], each["best"]["value"], each["reference"]
    said = each["reported"]
    reported = "—"
    if said:
        key = next(key for key in (metric, *said) if key in said and key != "split")
        unit = "" if key == metric else f"{key} "
        reported = f"{unit}{said[key]:g} ({said['split']})"
    gain = "—"
    if reference:
        change = best - reference["value"]
        change = change if each["direction"] == "maximize" else -change
        gain = f"+{figure(change)}" if change > 0 else "0"
    rows = " + ".join(f"{each['rows'][part]:,}" for part in ("train", "validation", "test"))
    return (
        f"`{each['study']}`",
        metric,
        reported,
        f"{figure(reference['value'])} ({reference['name']})" if reference else "—",
        figure(best),
        gain,
        figure(reference["test"][metric]) if reference else "—",
        figure(each["test"][metric]),
        f"{each['counts']['complete'] + each['counts']['pruned']}",
        f"{each['seconds'] / 60:.1f}",
        rows,
    )


if __name__ == "__main__":
    main()
