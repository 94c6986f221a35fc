"""The commands ``run`` and ``confirm``: they train here, and show how it went."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import typer

from tuner.cli.options import (
    AllowCode,
    AsJson,
    Checkpoints,
    DataRoots,
    Settings,
    Storage,
    Study,
    StudyName,
    print_note,
    print_out,
    storage_option,
)
from tuner.errors import StudyError, TunerError


class Engine(StrEnum):
    """What places the workers of a run."""

    LOCAL = "local"
    RAY = "ray"


def run(
    study: Study,
    n_trials: Annotated[int | None, typer.Option(help="Finished trials wanted in total.")] = None,
    more: Annotated[
        int | None, typer.Option(help="Finished trials wanted beyond those there are.")
    ] = None,
    timeout: Annotated[str | None, typer.Option(help="Time for this run: 90s, 20m, 1h30m.")] = None,
    workers: Annotated[
        int | None, typer.Option(help="Worker processes.", show_default="one a core")
    ] = None,
    storage: Storage = None,
    study_name: StudyName = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the study.")] = None,
    settings: Settings = None,
    checkpoints: Checkpoints = None,
    engine: Annotated[
        Engine, typer.Option(help="What places the workers: this machine, or a Ray cluster.")
    ] = Engine.LOCAL,
    address: Annotated[
        str | None, typer.Option(help="Of the Ray cluster.", show_default="one started here")
    ] = None,
    gpus_per_worker: Annotated[
        float, typer.Option(help="Share of a GPU that each of Ray's workers needs.")
    ] = 0.0,
    confirm: Annotated[
        bool | None,
        typer.Option(
            "--confirm/--no-confirm",
            help="Train the best configurations again with other seeds, as tuner confirm does.",
            show_default="as the study file says",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Create or resume a study, run it, show what won and by how much."""
    if engine is Engine.LOCAL:
        _begin_loading(study, settings or [])
    from tuner import api
    from tuner.cli import progress
    from tuner.cli.standard_error import standard_error
    from tuner.learners.registry import step_word
    from tuner.results.rendering import document
    from tuner.results.study_text import summary
    from tuner.workers.request import RunRequest

    request = RunRequest(
        study=study,
        n_trials=n_trials,
        more=more,
        timeout=timeout,
        workers=workers,
        storage=storage,
        study_name=study_name,
        seed=seed,
        settings=settings or [],
        checkpoints=checkpoints,
        engine=engine.value,
        address=address,
        gpus_per_worker=gpus_per_worker,
        confirm=confirm,
    )
    console = standard_error()
    result = api.run_request(
        request,
        lambda spec: progress.progress_for(
            console, spec.objective, "fold" if spec.n_folds > 1 else step_word(spec.model)
        ),
    )
    if as_json:
        print_out(document(result.to_dict()))
    else:
        print_out(f"{summary(result, options=storage_option(storage))}\n")
    if result.short:
        raise StudyError(result.short)
    if result.ending == "interrupted":
        raise typer.Exit(130)


def confirm(
    study: Study,
    top: Annotated[
        int | None,
        typer.Option(
            help="How many of the best configurations, beside the references.", show_default="5"
        ),
    ] = None,
    repeats: Annotated[
        int | None,
        typer.Option(help="How often each is trained, while it can win.", show_default="10"),
    ] = None,
    fresh_splits: Annotated[
        bool | None,
        typer.Option(
            "--fresh-splits/--no-fresh-splits",
            help="Divide the rows into training and validation anew for each repeat.",
            show_default="for tables whose rows may be mixed",
        ),
    ] = None,
    timeout: Annotated[str | None, typer.Option(help="Time for this run: 90s, 20m, 1h30m.")] = None,
    workers: Annotated[
        int | None, typer.Option(help="Worker processes.", show_default="one a core")
    ] = None,
    storage: Storage = None,
    study_name: StudyName = None,
    checkpoints: Checkpoints = None,
    allow_code: AllowCode = False,
    data_root: DataRoots = None,
    as_json: AsJson = False,
) -> None:
    """Train the best configurations again with other seeds, show which wins, and how surely."""
    from tuner import api
    from tuner.cli import progress
    from tuner.cli.standard_error import standard_error
    from tuner.learners.registry import step_word
    from tuner.results.confirmation_text import confirmed
    from tuner.results.rendering import document
    from tuner.workers.confirm_request import ConfirmRequest

    request = ConfirmRequest(
        study=study,
        top=top,
        repeats=repeats,
        fresh_splits=fresh_splits,
        timeout=timeout,
        workers=workers,
        storage=storage,
        study_name=study_name,
        checkpoints=checkpoints,
        allow_code=allow_code,
        data_roots=data_root or [],
    )
    console = standard_error()
    result = api.confirm_request(
        request,
        lambda spec: progress.progress_for(
            console, spec.objective, "fold" if spec.n_folds > 1 else step_word(spec.model)
        ),
        print_note,
    )
    if as_json:
        print_out(document(result.to_dict()))
    else:
        print_out(f"{confirmed(result, options=storage_option(storage))}\n")
    if result.short:
        raise StudyError(result.short)
    if result.ending == "interrupted":
        raise typer.Exit(130)


def _begin_loading(study: str, settings: Sequence[str]) -> None:
    """Lets the workers' imports begin while this process imports what it needs itself."""
    from tuner.studies.catalog import find_study
    from tuner.workers.forkserver import begin_loading

    with contextlib.suppress(TunerError):  # the run itself reports it
        spec = find_study(study, settings)
        begin_loading(spec.model, spec.base)
