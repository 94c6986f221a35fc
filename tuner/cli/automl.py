"""The command ``automl``: from a table to a model bundle, and what was found on the way."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tuner.cli.options import (
    AsJson,
    Checkpoints,
    Storage,
    StudyName,
    print_note,
    print_out,
    storage_option,
)

if TYPE_CHECKING:
    from tuner.data import SealedData
    from tuner.spec import StudySpec
    from tuner.workers.observer import Observer


def automl(
    data: Annotated[
        str,
        typer.Argument(
            help="The table: CSV, Parquet, or Excel; or a folder with one subfolder of images a "
            "class."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the model bundle.")],
    target: Annotated[
        str | None, typer.Option(help="The column to predict; images have none.")
    ] = None,
    time_budget: Annotated[
        str,
        typer.Option("--time", help="From the start of the command to the bundle: 60s, 5m, 1h."),
    ] = "5m",
    more: Annotated[
        str | None,
        typer.Option(help="Go on with the stored study for this time.", show_default="off"),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(
            help="What is improved: a name of scikit-learn's scorers, rmse, log_loss …",
            show_default="roc_auc, log_loss or rmse, by the target",
        ),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(help="classification or regression.", show_default="by the target"),
    ] = None,
    drop: Annotated[
        list[str] | None, typer.Option(help="A column that is no feature. Repeatable.")
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN=KIND",
            help="number, category, date, text or yes/no, where it is not what was found. "
            "Repeatable.",
        ),
    ] = None,
    group: Annotated[
        str | None, typer.Option(help="A column: its rows stand together in one fold.")
    ] = None,
    time_column: Annotated[
        str | None,
        typer.Option(help="A column of dates or numbers: what is held out is later."),
    ] = None,
    time_feature: Annotated[
        bool,
        typer.Option(
            "--time-feature",
            help="The time column is a feature, too: what is learnt may follow a trend.",
        ),
    ] = False,
    weight: Annotated[
        str | None, typer.Option(help="A column of numbers: how much each row counts.")
    ] = None,
    test: Annotated[
        float, typer.Option(help="Share of the rows that only the final model is scored on.")
    ] = 0.1,
    single: Annotated[
        bool, typer.Option("--single", help="Write the best single model, no ensemble.")
    ] = False,
    fast: Annotated[
        bool,
        typer.Option(
            "--fast", help="Write the fastest single model within one standard error of the best."
        ),
    ] = False,
    memory: Annotated[
        str | None, typer.Option(help="For all processes together: 4GiB.", show_default="no limit")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Worker processes.", show_default="one a core")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the study.")] = 0,
    sep: Annotated[str | None, typer.Option(help="What separates cells.")] = None,
    decimal: Annotated[str | None, typer.Option(help="Decimal sign.")] = None,
    thousands: Annotated[
        str | None, typer.Option(help="What groups the digits of large numbers.")
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="Encoding of the file.")] = None,
    missing: Annotated[
        list[str] | None,
        typer.Option(help="A further text that marks a missing value. Repeatable."),
    ] = None,
    not_missing: Annotated[
        list[str] | None,
        typer.Option(help="A text such as NA that is a value here. Repeatable."),
    ] = None,
    sheet: Annotated[str | None, typer.Option(help="A sheet of an Excel file.")] = None,
    storage: Storage = None,
    study_name: StudyName = None,
    checkpoints: Checkpoints = None,
    all_columns: Annotated[
        bool, typer.Option("--all-columns", help="List all columns of a wide table.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a bundle that is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Find the best model for your own table within a time, and write its bundle."""
    started = _process_start()
    with _interruption_in_words(output):
        from tuner.automl.automl_request import AutoMLRequest, parse_kinds
        from tuner.automl.option_words import errors_in_options

        dialect = {
            "sep": sep,
            "decimal": decimal,
            "thousands": thousands,
            "encoding": encoding,
            "missing": missing or None,
            "not_missing": not_missing or None,
            "sheet": sheet,
        }
        request = AutoMLRequest(
            data=data,
            target=target,
            out=str(output),
            time=time_budget if more is None else more,
            more=more is not None,
            metric=metric,
            task=task,
            drop=drop or (),
            kind=parse_kinds(kind or ()),
            group=group,
            time_column=time_column,
            time_feature=time_feature,
            weight=weight,
            test=test,
            dialect={key: value for key, value in dialect.items() if value is not None},
            single=single,
            fast=fast,
            memory=memory,
            workers=workers,
            seed=seed,
            storage=storage,
            study_name=study_name,
            checkpoints=checkpoints,
            force=force,
        )
        from tuner.learners.combined import NAME
        from tuner.workers.forkserver import begin_loading

        begin_loading(NAME, request.base)  # takes as long as what is imported here meanwhile
        from tuner.automl.automating import run_automl
        from tuner.cli import progress
        from tuner.cli.standard_error import standard_error
        from tuner.results.rendering import document
        from tuner.results.schema_text import schema_text

        console = standard_error()

        def observe(spec: StudySpec) -> Observer:
            timeout = spec.budget.timeout
            ends = None if timeout is None else time.monotonic() + timeout
            word = "fold" if spec.n_folds > 1 else "step"
            return progress.progress_for(console, spec.objective, word, ends)

        def show(data: SealedData) -> None:
            text = schema_text(data, everything=all_columns)
            if as_json:
                print_note(text)
            else:
                print_out(f"{text}\n")

        with errors_in_options():
            outcome = run_automl(
                request, started=started, show=show, note=print_note, observe=observe
            )
        if as_json:
            print_out(document(outcome.to_dict()))
        else:
            print_out(f"{outcome.words(options=storage_option(storage))}\n")
        if outcome.ending == "interrupted":
            raise typer.Exit(130)


@contextmanager
def _interruption_in_words(output: Path) -> Iterator[None]:
    """Says what Ctrl-C leaves behind that ends the block.

    Raises:
        Exit: With the exit status of an interrupted program.
    """
    try:
        yield
    except KeyboardInterrupt:
        print_note(
            f"interrupted: no bundle was written to {output}; the same command goes on from what "
            "is stored"
        )
        raise typer.Exit(130) from None


def _process_start() -> float:
    """Returns the Unix time at which this process was started: Python has loaded since then."""
    import psutil

    return min(float(psutil.Process().create_time()), time.time())
