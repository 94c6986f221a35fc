"""The command that trains a stored trial again: ``replay``."""

from __future__ import annotations

from typing import Annotated

import typer

from tuner.cli.options import (
    AllowCode,
    AsJson,
    DataRoots,
    Storage,
    Study,
    StudyName,
    print_note,
    print_out,
)


def replay(
    study: Study,
    trial: Annotated[int, typer.Option(help="Number of the trial.")],
    storage: Storage = None,
    study_name: StudyName = None,
    allow_code: AllowCode = False,
    data_root: DataRoots = None,
    as_json: AsJson = False,
) -> None:
    """Train a stored trial again, compare every epoch, write nothing; exit 1 if one differs."""
    from tuner import api
    from tuner.results.rendering import document

    result = api.replay(
        study,
        trial,
        storage=storage,
        study_name=study_name,
        allow_code=allow_code,
        data_roots=data_root or [],
        note=print_note,
    )
    print_out(document(result.to_dict()) if as_json else f"{result.words()}\n")
    if not result.is_equal:
        raise typer.Exit(1)
