"""What commands share: the arguments and options of several, and how they print."""

from __future__ import annotations

import os
import shlex
import sys
from enum import StrEnum
from typing import Annotated, Literal

import typer

from tuner.wording import printable

FormName = Literal["table", "json", "csv"]


class Format(StrEnum):
    """Forms of a listing."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def _not_empty(value: str | None) -> str | None:
    """Refuses ``""``, as an unset shell variable leaves it: it would count as not given."""
    if value is not None and not value.strip():
        raise typer.BadParameter("must not be empty")
    return value


Study = Annotated[str, typer.Argument(help="Name of a study, or path of a study file.")]
Storage = Annotated[
    str | None,
    typer.Option(
        help="Database, as an Optuna storage URL.",
        show_default="TUNER_STORAGE, OPTUNA_STORAGE, or sqlite:///tuner.db",
        callback=_not_empty,
    ),
]

StudyName = Annotated[
    str | None,
    typer.Option(help="Name in the database, if not that of the file.", callback=_not_empty),
]
AllowCode = Annotated[
    bool,
    typer.Option(
        "--allow-code",
        help="Run module:function code that a study in the database names. All who can write to "
        "the database then decide what runs here.",
    ),
]
DataRoots = Annotated[
    list[str] | None,
    typer.Option(
        help="Folder below which files that a study in the database names are read. Repeatable.",
        show_default="the working folder",
    ),
]
Checkpoints = Annotated[
    str | None,
    typer.Option(
        help="Folder or s3://BUCKET/PREFIX that trials which take long are saved in.",
        show_default="TUNER_CHECKPOINTS, or a folder beside the SQLite file",
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Another value for a key of the study file, e.g. pruner.name=median. Repeatable.",
    ),
]
WarmStart = Annotated[
    str | None,
    typer.Option(
        metavar="STUDY",
        help="Begin with the best configurations of another study: its name, NAME@STORAGE, or an "
        "exported file.",
        callback=_not_empty,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
AsFormat = Annotated[Format, typer.Option("--format", help="Form of the output.")]


def print_out(text: str) -> None:
    """Prints a result on standard output, control characters escaped."""
    try:
        typer.echo(printable(text), nl=False)
    except BrokenPipeError:
        # The reader (`| head`) has seen enough; what is still buffered has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(141) from None


def print_note(text: str) -> None:
    """Prints a line of progress or an error on standard error, control characters escaped."""
    typer.echo(printable(text), err=True)


def chosen_form(form: Format, as_json: bool) -> FormName:
    """The form of a listing that was asked for."""
    return "json" if as_json else form.value


def storage_option(storage: str | None) -> str:
    """What the next commands need, if the database was named by an option; never a password."""
    from tuner.storage.url import masked

    return f"--storage {shlex.quote(masked(storage))}" if storage else ""
