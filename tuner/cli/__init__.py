"""The command line: arguments to calls, nothing else.

Results go to standard output, progress and errors to standard error. What takes long to import
is imported by the command that needs it, so that ``tuner --help`` answers at once.
"""

from __future__ import annotations

import os
import sys
import traceback
from typing import Annotated

import typer

from tuner import __version__
from tuner.cli import automl, bundling, looking, queueing, searching
from tuner.cli.options import print_note, print_out
from tuner.errors import DEBUG, TunerError, debugging
from tuner.wording import error_text

app = typer.Typer(
    name="tuner",
    help="Hyperparameter tuning for Keras models: one study file, one command, one SQL database.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _command in (
    *(searching.run, searching.confirm, automl.automl, queueing.submit, queueing.worker),
    *(queueing.pause, queueing.resume, queueing.stop),
    *(looking.studies, looking.show, looking.trials, looking.best),
    *(bundling.export, bundling.train, bundling.predict),
    *(looking.dashboard, looking.doctor, looking.upgrade),
):
    app.command()(_command)
app.add_typer(looking.data_app, name="data")


def _print_version(wanted: bool) -> None:
    if wanted:
        print_out(f"tuner {__version__}\n")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
    debug: Annotated[
        bool,
        typer.Option("--debug", help="Show tracebacks of errors. Works after a command, too."),
    ] = False,
) -> None:
    """Hyperparameter tuning for Keras models: one study file, one command, one SQL database."""


def _misused(error: typer.TyperException) -> str:
    """What is wrong with the arguments, in one line."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "tuner"
    text = " ".join(error.format_message().split()).rstrip(".").replace("Value error, ", "")
    return f"{command}: {text[:1].lower()}{text[1:]}; see: {command} --help"


def _arguments() -> list[str]:
    """The arguments without ``--debug``, which may stand before or after the command."""
    words = sys.argv[1:]
    end = words.index("--") if "--" in words else len(words)
    if "--debug" in words[:end]:
        os.environ[DEBUG] = "1"
    return [word for word in words[:end] if word != "--debug"] + words[end:]


def main() -> None:
    """Runs the command line; the entry point ``tuner``."""
    try:
        status = app(args=_arguments(), standalone_mode=False, prog_name="tuner")
    except TunerError as error:
        if debugging():
            print_note("".join(traceback.format_exception(error)).rstrip())
        print_note(error_text(f"tuner: {error}"))
        sys.exit(error.exit_code)
    except typer.TyperException as error:
        if error.format_message():  # none after a bare `tuner`, which has printed the help
            print_note(_misused(error))
        sys.exit(error.exit_code)
    sys.exit(status)
