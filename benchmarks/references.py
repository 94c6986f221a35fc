"""Trains every reference configuration as its study note did, and compares the scores.

    python benchmarks/references.py                          # everything that is at hand
    python benchmarks/references.py line mnist/softmax-adam --seeds 1 --out references.jsonl

The parameters are those of the study files. What differs from a trial is what the notes did
differently: the rows that are learned from and scored (see `reference_runs.WAYS`), all epochs
always, nothing pruned. The table goes to standard output as Markdown, progress to standard error.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from reference_runs import LEAST_SQUARES, WAYS, Record, identity_of, least_squares, train
from reference_table import markdown

from tuner import data as data_sets
from tuner.errors import DataError, RequestError
from tuner.quiet import load_tensorflow
from tuner.studies.catalog import find_study


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the chosen references; returns the exit status."""
    options = _options(arguments)
    # As in a worker: sums come in one order, and small networks are faster.
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    load_tensorflow()
    try:
        found = list(_records(options))
    except RequestError as error:
        print(f"references.py: {error}", file=sys.stderr)
        return error.exit_code
    print(markdown(found))
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Trains the references as the notes did.")
    parser.add_argument("names", nargs="*", metavar="STUDY[/REFERENCE]", help="all if none")
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="seeds 0 … N - 1")
    parser.add_argument(
        "--epochs-scale", type=float, default=1.0, metavar="F", help="0.01 to see that it works"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="JSON lines; what is there is not trained again"
    )
    options = parser.parse_args(arguments)
    options.names = options.names or list(WAYS)
    unknown = sorted({name.partition("/")[0] for name in options.names} - set(WAYS))
    if unknown:
        parser.error(f"no references for {', '.join(unknown)}; there are: {', '.join(WAYS)}")
    if options.seeds < 1 or options.epochs_scale <= 0:
        parser.error("--seeds must be at least 1, and --epochs-scale greater than 0")
    return options


def _records(options: argparse.Namespace) -> Iterator[Record]:
    """Yields a record per study, reference and seed: from the file, or trained now."""
    kept = _read(options.out)
    for name in options.names:
        study, _, wanted = name.partition("/")
        spec = find_study(study)
        references = [r for r in spec.references if wanted in ("", r.name)]
        if wanted and not references:
            names = ", ".join(r.name for r in spec.references)
            raise RequestError(f'{study} has no reference "{wanted}"; it has: {names}')
        try:
            data = data_sets.load_splits(spec.dataset, spec.base)
        except DataError as error:
            print(f"{study} is left out: {error}", file=sys.stderr)
            continue
        if study in LEAST_SQUARES and not wanted:
            yield least_squares(study, data)
        for reference in references:
            for seed in range(options.seeds):
                identity = identity_of(spec, reference, data, seed, options.epochs_scale)
                record = next((r for r in kept if identity.items() <= r.items()), None)
                if record is None:
                    record = train(spec, reference, data, identity)
                    _append(options.out, record)
                    _tell(record)
                # A reworded note does not require another training.
                yield {**record, "reported": dict(reference.reported)}


def _read(path: Path | None) -> list[Record]:
    if path is None or not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _append(path: Path | None, record: Record) -> None:
    if path is not None:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")


def _tell(record: Record) -> None:
    scores = " ".join(f"{name} {value:.4g}" for name, value in record["scores"].items())
    print(
        f"{record['study']}/{record['reference']} seed {record['seed']}: "
        f"{scores or record['failed']} ({record['seconds']:.0f} s)",
        file=sys.stderr,
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
