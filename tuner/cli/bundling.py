"""Commands that make a model of what a search has found: ``export``, ``train``, ``predict``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from tuner.cli.options import (
    AllowCode,
    AsFormat,
    AsJson,
    DataRoots,
    Format,
    Storage,
    Study,
    StudyName,
    chosen_form,
    print_note,
    print_out,
)
from tuner.errors import RequestError
from tuner.spec.paths import expanded

Force = Annotated[
    bool, typer.Option("--force", help="Replace a file that this command did not write, too.")
]


def export(
    study: Study,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="NAME.toml, NAME.json or NAME.py.")
    ],
    trial: Annotated[
        int | None,
        typer.Option(help="Number of the trial.", show_default="the confirmed winner, or the best"),
    ] = None,
    pick: Annotated[
        str | None,
        typer.Option(
            metavar="CLAUSES",
            help='Choose the trial by its metrics: "accuracy within 0.005, then n_params". '
            "A clause is METRIC, METRIC within NUMBER, METRIC within NUMBER %, METRIC at most "
            "NUMBER or METRIC at least NUMBER.",
            show_default=False,
        ),
    ] = None,
    storage: Storage = None,
    study_name: StudyName = None,
    force: Force = False,
    allow_code: AllowCode = False,
    data_root: DataRoots = None,
) -> None:
    """Write the best configuration: TOML, JSON, or a Python script that runs without tuner."""
    from tuner import api

    written = api.export(
        study,
        output,
        trial=trial,
        pick=pick,
        storage=storage,
        study_name=study_name,
        force=force,
        allow_code=allow_code,
        data_roots=data_root or [],
        note=print_note,
    )
    for path in written:
        print_out(f"wrote {path}\n")


def train(
    config: Annotated[Path, typer.Argument(help="An exported configuration, TOML or JSON.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the model bundle.")],
    storage: Storage = None,
    seeds: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="How many models to train, each with its own seed; the bundle predicts their "
            "mean.",
        ),
    ] = 1,
    force: Annotated[bool, typer.Option(help="Replace a bundle that is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Train a configuration on all but the test split, score that once, write the bundle."""
    from tuner import api
    from tuner.bundle.refitting import check_seeds
    from tuner.learners.registry import doing
    from tuner.results.configuration_file import read
    from tuner.results.rendering import document

    check_seeds(seeds)  # before anything is said of training
    configuration = read(expanded(config))
    print_note(doing("training", configuration.model, configuration.base))
    bundle = api.train(
        configuration, output, force=force, seeds=seeds, storage=storage, note=print_note
    )
    print_out(document(bundle.to_dict()) if as_json else f"{bundle.words()}\n")


def predict(
    bundle: Annotated[Path, typer.Argument(help="Folder of a model bundle.")],
    data: Annotated[
        str,
        typer.Argument(
            help="CSV, Parquet or Excel file of raw rows with their column names; for texts also a "
            ".txt file with one a line, or the text itself; for images a .npy file, or an "
            "image or a folder of them if the model learnt from a folder."
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="File to write instead of printing; NAME.parquet is written in that form.",
        ),
    ] = None,
    interval: Annotated[
        bool,
        typer.Option(
            "--interval", help="Add the bounds of the 90 % interval to a quantity: lower, upper."
        ),
    ] = False,
    explain: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Show instead how much each column moved the predictions for the first N rows, "
            "compared with training rows that the bundle holds.",
            show_default=False,
        ),
    ] = None,
    sep: Annotated[
        str | None,
        typer.Option(help="What separates cells.", show_default="as in the training file"),
    ] = None,
    decimal: Annotated[
        str | None, typer.Option(help="Decimal sign.", show_default="as in the training file")
    ] = None,
    thousands: Annotated[
        str | None,
        typer.Option(
            help="What groups the digits of large numbers.", show_default="as in the training file"
        ),
    ] = None,
    encoding: Annotated[
        str | None,
        typer.Option(help="Encoding of the file.", show_default="as in the training file"),
    ] = None,
    sheet: Annotated[
        str | None, typer.Option(help="Sheet of a workbook.", show_default="the first")
    ] = None,
    force: Force = False,
    code: Annotated[
        Path | None,
        typer.Option(
            help="Python file of yours that defines the layers of the model, if they are not "
            "Keras's own."
        ),
    ] = None,
    allow_code: Annotated[
        bool,
        typer.Option(
            "--allow-code",
            help="Import the code that the bundle names for its layers. The maker of the bundle "
            "then decides what runs here.",
        ),
    ] = False,
    form: AsFormat = Format.CSV,
    as_json: AsJson = False,
) -> None:
    """Predict from raw rows: a class and its probabilities, or the numbers."""
    from tuner.bundle import load_bundle
    from tuner.bundle.explain import explain_file
    from tuner.bundle.predict import formatted, iter_predictions, write_predictions

    notation = {"decimal": decimal, "thousands": thousands}
    options = {"sep": sep, **notation, "encoding": encoding, "sheet": sheet}
    dialect = {key: value for key, value in options.items() if value is not None}
    asked = chosen_form(form, as_json)
    opened = load_bundle(expanded(bundle), code=code, allow_code=allow_code)
    if explain is not None:
        if output is not None or interval:
            raise RequestError("--explain prints no predictions; leave out --output and --interval")
        print_out(
            explain_file(
                opened, data, explain, as_json=asked == "json", dialect=dialect, note=print_note
            )
        )
    elif output is not None:
        write_predictions(
            opened,
            data,
            expanded(output),
            asked,
            force=force,
            dialect=dialect,
            interval=interval,
            note=print_note,
            observe=_progress,
        )
    else:
        tables = iter_predictions(opened, data, dialect=dialect, interval=interval, note=print_note)
        for text in formatted(_progress(tables), asked):
            print_out(text)


def _progress(tables: Iterator[list[dict[str, Any]]]) -> Iterator[list[dict[str, Any]]]:
    """Returns the same tables; standard error shows how many rows there were, if it is a terminal.

    Nothing is shown for a file that is one chunk.
    """
    from tuner.cli.standard_error import standard_error

    console = standard_error()
    if not console.is_terminal:
        yield from tables
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.completed:,} rows"), TimeElapsedColumn())
    first = next(tables, None)
    if first is None:
        return
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=None, completed=len(first))
        yield first
        for table in tables:
            progress.advance(task, len(table))
            yield table
