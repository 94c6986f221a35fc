"""The command line: arguments to calls, nothing else.

Results go to standard output, progress and errors to standard error. What takes long to import
is imported by the command that needs it, so that ``tuner --help`` answers at once.
"""

from __future__ import annotations

import os
import shlex
import signal
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from tuner import __version__
from tuner.errors import TunerError

app = typer.Typer(
    name="tuner",
    help="Hyperparameter tuning for Keras models: one study file, one command, one SQL database.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


FormName = Literal["table", "json", "csv"]


class Format(StrEnum):
    """Forms of a listing."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


Study = Annotated[str, typer.Argument(help="Name of a study, or path of a study file.")]
Storage = Annotated[
    str | None,
    typer.Option(
        help="Database, as an Optuna storage URL. [default: TUNER_STORAGE, OPTUNA_STORAGE, "
        "or sqlite:///tuner.db]"
    ),
]
StudyName = Annotated[
    str | None, typer.Option(help="Name in the database, if not that of the file.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
AsFormat = Annotated[Format, typer.Option("--format", help="Form of the output.")]


def _print_version(wanted: bool) -> None:
    if wanted:
        _print(f"tuner {__version__}\n")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Hyperparameter tuning for Keras models: one study file, one command, one SQL database."""


@app.command()
def run(
    study: Study,
    n_trials: Annotated[int | None, typer.Option(help="Finished trials wanted in total.")] = None,
    more: Annotated[
        int | None, typer.Option(help="Finished trials wanted beyond those there are.")
    ] = None,
    timeout: Annotated[str | None, typer.Option(help="Time for this run: 90s, 20m, 1h30m.")] = None,
    workers: Annotated[
        int | None, typer.Option(help="Worker processes.  [default: one a core]")
    ] = None,
    storage: Storage = None,
    study_name: StudyName = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the study.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Another value for a key of the study file, e.g. pruner.name=median. Repeatable.",
        ),
    ] = None,
    checkpoints: Annotated[
        str | None,
        typer.Option(
            help="Folder or s3://BUCKET/PREFIX that trials which take long are saved in. "
            "[default: TUNER_CHECKPOINTS, or a folder beside the SQLite file]"
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Create or resume a study, run it, show what won and by how much."""
    from rich.console import Console

    from tuner import progress, running
    from tuner.results.rendering import document
    from tuner.results.words import tell

    console = Console(stderr=True)
    ended = running.run_study(
        study,
        n_trials=n_trials,
        more=more,
        timeout=timeout,
        workers=workers,
        storage=storage,
        study_name=study_name,
        seed=seed,
        settings=settings or [],
        checkpoints=checkpoints,
        observe=lambda spec: progress.progress_for(
            console, spec.objective.metric, spec.objective.direction
        ),
    )
    if as_json:
        text = document(ended.result.to_dict())
    else:
        told = tell(
            ended.result,
            n_workers=ended.n_workers,
            ended=ended.ending,
            mattered=ended.mattered,
            options=_storage_option(storage),
        )
        text = f"{told}\n"
    _print(text)
    if ended.ending == "interrupted":
        raise typer.Exit(130)


@app.command()
def studies(
    storage: Storage = None, form: AsFormat = Format.TABLE, as_json: AsJson = False
) -> None:
    """List the studies that are shipped and those that are stored."""
    from tuner.listing import list_studies
    from tuner.results import tables

    _print(tables.studies(list_studies(storage), _form(form, as_json)))


@app.command()
def show(
    study: Study,
    storage: Storage = None,
    study_name: StudyName = None,
    form: AsFormat = Format.TABLE,
    as_json: AsJson = False,
) -> None:
    """Show a stored study: the best, the references, the gain, what mattered."""
    from tuner import api
    from tuner.results import tables

    loaded = api.load(study, storage, study_name)
    text = tables.show(
        loaded.result,
        _form(form, as_json),
        mattered=loaded.mattered,
        options=_storage_option(storage),
    )
    _print(text)


@app.command()
def trials(
    study: Study,
    trial: Annotated[
        int | None, typer.Option(help="Show the curves of this trial, one row an epoch.")
    ] = None,
    storage: Storage = None,
    study_name: StudyName = None,
    form: AsFormat = Format.TABLE,
    as_json: AsJson = False,
) -> None:
    """List the trials of a stored study, or one trial's epochs."""
    from tuner import api
    from tuner.results import tables

    if trial is not None:
        found = api.curves(study, trial, storage=storage, study_name=study_name)
        _print(tables.curves(found, _form(form, as_json)))
        return
    result = api.load(study, storage, study_name).result
    _print(tables.trials(result, _form(form, as_json)))


@app.command()
def best(
    study: Study,
    storage: Storage = None,
    study_name: StudyName = None,
    form: AsFormat = Format.TABLE,
    as_json: AsJson = False,
) -> None:
    """Show the best trial of a stored study."""
    from tuner import api
    from tuner.results import tables

    result = api.load(study, storage, study_name).result
    asked = _form(form, as_json)
    if result.best is None and asked != "json":  # where it says so itself: "best": null
        result.configuration()  # raises the error that says so
    _print(tables.best(result, asked))


@app.command()
def export(
    study: Study,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="NAME.toml, NAME.json or NAME.py.")
    ],
    trial: Annotated[
        int | None, typer.Option(help="Number of the trial.  [default: the best]")
    ] = None,
    storage: Storage = None,
    study_name: StudyName = None,
) -> None:
    """Write the best configuration: TOML, JSON, or a Python script that needs only Keras."""
    from tuner import api

    for path in api.export(study, output, trial=trial, storage=storage, study_name=study_name):
        _print(f"wrote {path}\n")


@app.command()
def train(
    config: Annotated[Path, typer.Argument(help="An exported configuration, TOML or JSON.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the model bundle.")],
    force: Annotated[bool, typer.Option(help="Replace a bundle that is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Train a configuration on all but the test split, score that once, write the bundle."""
    from tuner import api
    from tuner.results.export import read
    from tuner.results.rendering import document

    configuration = read(config)
    typer.echo("training; TensorFlow takes some seconds to load", err=True)
    bundle = api.train(configuration, output, force=force)
    _print(document(bundle.to_dict()) if as_json else f"{bundle.words()}\n")


@app.command()
def predict(
    bundle: Annotated[Path, typer.Argument(help="Folder of a model bundle.")],
    data: Annotated[
        str,
        typer.Argument(
            help="CSV file of raw rows with their column names; for texts a .txt file with one a "
            "line, or the text itself; for images a .npy file."
        ),
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write instead of printing.")
    ] = None,
    form: AsFormat = Format.CSV,
    as_json: AsJson = False,
) -> None:
    """Predict from raw rows: a class and its probabilities, or the numbers."""
    from tuner.bundle.predict import predict as predict_rows
    from tuner.results.export import write_text

    text = predict_rows(bundle, data, _form(form, as_json))
    if output is None:
        _print(text)
    else:
        write_text(output, text)


@app.command()
def dashboard(
    storage: Storage = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 8080,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="TUNER_DASHBOARD_TOKEN",
            help="Let in only who has it. Better set in the environment than written here.",
        ),
    ] = None,
) -> None:
    """Open optuna-dashboard on the same storage."""
    from tuner import dashboard as dashboards
    from tuner.storage.database import Database
    from tuner.storage.url import chosen_url

    database = Database(chosen_url(storage), must_exist=True)
    with dashboards.open_server(database, host, port, token) as server:
        typer.echo(f"{database} on http://{host}:{server.server_port}/  (Ctrl-C ends it)", err=True)
        if token is None and not dashboards.is_local(host):
            typer.echo("whoever reaches it may change studies; set TUNER_DASHBOARD_TOKEN", err=True)
        # As Ctrl-C: the database is closed in order.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        try:
            server.serve_forever()
        finally:
            database.close()


data_app = typer.Typer(help="Show which data sets are there, and get those that are not.")
app.add_typer(data_app, name="data")


@data_app.callback(invoke_without_command=True)
def data(context: typer.Context, form: AsFormat = Format.TABLE, as_json: AsJson = False) -> None:
    """Show which data sets are there, which are missing, and how to get them."""
    if context.invoked_subcommand is None:
        from tuner.listing import data_sets

        _print(data_sets(_form(form, as_json)))


@data_app.command()
def fetch(name: Annotated[str, typer.Argument(help="Name of a data set.")]) -> None:
    """Get a data set from its official source."""
    from tuner.data import fetch as fetch_data

    typer.echo(f"{name} is in {fetch_data(name)}")


def _print(text: str) -> None:
    try:
        typer.echo(text, nl=False)
    except BrokenPipeError:
        # The reader (`| head`) has seen enough; what is still buffered has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(141) from None


def _form(form: Format, as_json: bool) -> FormName:
    return "json" if as_json else form.value


def _storage_option(storage: str | None) -> str:
    """What the next commands need, if the database was named by an option; never a password."""
    from tuner.storage.url import masked

    return f"--storage {shlex.quote(masked(storage))}" if storage else ""


def _misused(error: typer.TyperException) -> str:
    """What is wrong with the arguments, in one line."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "tuner"
    text = " ".join(error.format_message().split()).rstrip(".").replace("Value error, ", "")
    return f"{command}: {text[:1].lower()}{text[1:]}; see: {command} --help"


def main() -> None:
    """Runs the command line; the entry point ``tuner``."""
    try:
        status = app(standalone_mode=False, prog_name="tuner")
    except TunerError as error:
        typer.echo(f"tuner: {error}", err=True)
        sys.exit(error.exit_code)
    except typer.TyperException as error:
        if error.format_message():  # none after a bare `tuner`, which has printed the help
            typer.echo(_misused(error), err=True)
        sys.exit(error.exit_code)
    sys.exit(status)
