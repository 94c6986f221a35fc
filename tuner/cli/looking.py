"""Commands that look at what is stored, and at what data are there."""

from __future__ import annotations

from typing import Annotated

import typer

from tuner.cli.options import (
    AsFormat,
    AsJson,
    Format,
    Storage,
    Study,
    StudyName,
    chosen_form,
    print_note,
    print_out,
    storage_option,
)


def studies(
    storage: Storage = None, form: AsFormat = Format.TABLE, as_json: AsJson = False
) -> None:
    """List the studies that are shipped and those that are stored."""
    from tuner.results import study_list
    from tuner.results.listing import list_studies

    print_out(study_list.studies(list_studies(storage), chosen_form(form, as_json)))


def show(
    study: Study,
    storage: Storage = None,
    study_name: StudyName = None,
    form: AsFormat = Format.TABLE,
    as_json: AsJson = False,
) -> None:
    """Show a stored study: the best, the references, the gain, what mattered."""
    from tuner import api
    from tuner.results import views

    result = api.load(study, storage, study_name)
    print_out(views.show(result, chosen_form(form, as_json), options=storage_option(storage)))


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
    from tuner.results import views

    if trial is not None:
        found = api.curves(study, trial, storage=storage, study_name=study_name)
        step = "fold" if api.load(study, storage, study_name).n_folds > 1 else "epoch"
        print_out(views.curves(found, chosen_form(form, as_json), step))
        return
    result = api.load(study, storage, study_name)
    print_out(views.trials(result, chosen_form(form, as_json)))


def best(
    study: Study,
    storage: Storage = None,
    study_name: StudyName = None,
    form: AsFormat = Format.TABLE,
    as_json: AsJson = False,
) -> None:
    """Show the best trial of a stored study; of several objectives the Pareto front."""
    from tuner import api
    from tuner.results import views

    result = api.load(study, storage, study_name)
    asked = chosen_form(form, as_json)
    if (
        not (result.best or result.front) and asked != "json"
    ):  # where it says so itself: "best": null
        result.configuration()  # raises the error that says so
    print_out(views.best(result, asked))


def dashboard(
    storage: Storage = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; another needs a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 8080,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="TUNER_DASHBOARD_TOKEN",
            help="Let in only who has it: 16 characters or more. Better set in the environment "
            "than written here.",
        ),
    ] = None,
    allow_write: Annotated[
        bool,
        typer.Option(
            "--allow-write", help="Let the page change studies: rename, delete, write notes."
        ),
    ] = False,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            help="Name that browsers may call the server by, behind a proxy say. Repeatable.",
            show_default="those of this machine",
        ),
    ] = None,
) -> None:
    """Open optuna-dashboard on the same storage."""
    from tuner.dashboard.app import Rules, open_server
    from tuner.storage.database import Database
    from tuner.storage.url import chosen_url

    rules = Rules.given(host, token, allow_write=allow_write, hosts=allow_host or [])
    database = Database(chosen_url(storage), must_exist=True)
    try:
        server = open_server(database, host, port, rules)
        may = "may change studies" if allow_write else "read-only"
        line = f"{database} on {server.address}  ({may}; Ctrl-C ends it)"
        status = server.run(lambda: print_note(line))
    finally:
        database.close()
    raise typer.Exit(status)


def upgrade(storage: Storage = None) -> None:
    """Create the tables of a database, or bring those of an older version to their newest form."""
    from tuner.storage.upgrading import upgrade_all
    from tuner.storage.url import chosen_url, masked

    url = chosen_url(storage)
    was_old = upgrade_all(url)
    state = "brought to their newest form" if was_old else "there, in their newest form"
    print_out(f"{masked(url)}: the tables are {state}\n")


def doctor(
    storage: Storage = None,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair",
            help="Put trials that dead processes have left behind back in the queue.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say what is wrong with this set-up; change nothing without --repair."""
    from tuner.results.doctor import examine
    from tuner.results.rendering import document

    found = []
    for finding in examine(storage, repair=repair):
        found.append(finding)
        if not as_json:
            print_out(f"{finding.state:<7} {finding.what:<11} {finding.text}\n")
    if as_json:
        print_out(document([finding.to_dict() for finding in found]))
    if any(finding.state == "wrong" for finding in found):
        raise typer.Exit(1)


data_app = typer.Typer(help="Show which data sets are there, and get those that are not.")


@data_app.callback(invoke_without_command=True)
def data(context: typer.Context, form: AsFormat = Format.TABLE, as_json: AsJson = False) -> None:
    """Show which data sets are there, which are missing, and how to get them."""
    if context.invoked_subcommand is None:
        from tuner.results.listing import data_sets

        print_out(data_sets(chosen_form(form, as_json)))


@data_app.command()
def fetch(name: Annotated[str, typer.Argument(help="Name of a data set.")]) -> None:
    """Get a data set from its official source."""
    from tuner.data import fetch as fetch_data

    print_out(f"{name} is in {fetch_data(name)}\n")
