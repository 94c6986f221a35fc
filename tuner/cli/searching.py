"""Commands that search: ``run`` here, or ``submit`` and ``worker`` for many machines."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import typer

from tuner.cli.options import (
    AllowCode,
    AsJson,
    DataRoots,
    Storage,
    Study,
    StudyName,
    print_out,
    storage_option,
)
from tuner.errors import StudyError, TunerError
from tuner.wording import one_line

Checkpoints = Annotated[
    str | None,
    typer.Option(
        help="Folder or s3://BUCKET/PREFIX that trials which take long are saved in.",
        show_default="TUNER_CHECKPOINTS, or a folder beside the SQLite file",
    ),
]


class Engine(StrEnum):
    """What places the workers of a run."""

    LOCAL = "local"
    RAY = "ray"


Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Another value for a key of the study file, e.g. pruner.name=median. Repeatable.",
    ),
]


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
    as_json: AsJson = False,
) -> None:
    """Create or resume a study, run it, show what won and by how much."""
    if engine is Engine.LOCAL:
        _begin_loading(study, settings or [])
    from tuner.cli import progress
    from tuner.cli.standard_error import standard_error
    from tuner.results.rendering import document
    from tuner.results.study_text import tell
    from tuner.workers import running
    from tuner.workers.engines import chosen_engine

    console = standard_error()
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
        observe=lambda spec: progress.progress_for(
            console, spec.objective.metric, spec.objective.direction
        ),
        checkpoints=checkpoints,
        engine=chosen_engine(engine.value, address, gpus_per_worker),
    )
    if as_json:
        text = document(ended.result.to_dict())
    else:
        told = tell(
            ended.result,
            n_workers=ended.n_workers,
            ended=ended.ending,
            mattered=ended.mattered,
            options=storage_option(storage),
        )
        text = f"{told}\n"
    print_out(text)
    if ended.short:
        raise StudyError(ended.short)
    if ended.ending == "interrupted":
        raise typer.Exit(130)


def _begin_loading(study: str, settings: Sequence[str]) -> None:
    """Lets the workers' imports begin while this process imports what it needs itself."""
    from tuner.studies.catalog import find_study
    from tuner.workers.forkserver import begin_loading

    with contextlib.suppress(TunerError):  # the run itself reports it
        begin_loading(find_study(study, settings))


def submit(
    study: Study,
    n_trials: Annotated[
        int | None,
        typer.Option(
            help="Finished trials wanted in total.",
            show_default="as before, or the study file's",
        ),
    ] = None,
    priority: Annotated[
        int | None,
        typer.Option(
            help="Workers turn to the highest first; may be negative.",
            show_default="as before, or 0",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            help="Trials at the same time, at most; 0 for any number.",
            show_default="as before, or any number",
        ),
    ] = None,
    storage: Storage = None,
    study_name: StudyName = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the study.")] = None,
    settings: Settings = None,
) -> None:
    """Put a study up for work, for the workers of any machine, or change its place in the queue."""
    from tuner import api

    submitted = api.submit(
        study,
        n_trials=n_trials,
        priority=priority,
        workers=workers,
        storage=storage,
        study_name=study_name,
        seed=seed,
        settings=settings or [],
    )
    code = " --allow-code" if submitted.spec.own_code else ""
    print_out(
        f"{submitted.words()}"
        f"next  tuner worker{_more(storage)}{code}      here, or on another machine\n"
        f"      tuner studies{_more(storage)}     how far it is\n"
    )


def worker(
    studies: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="STUDY",
            help="Names of studies, or paths of study files.",
            show_default="all open ones",
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Trials at the same time.", show_default="one a core")
    ] = None,
    storage: Storage = None,
    allow_code: AllowCode = False,
    data_root: DataRoots = None,
    grace: Annotated[
        str, typer.Option(help="Time for running trials to finish after a signal: 30s, 2m, 0.")
    ] = "30s",
    until_done: Annotated[
        bool,
        typer.Option("--until-done", help="End when the studies have all their trials."),
    ] = False,
    checkpoints: Checkpoints = None,
) -> None:
    """Take trials of submitted studies, fairly between them, until SIGTERM or Ctrl-C."""
    from tuner.cli.progress import ServiceProgress, print_line
    from tuner.cli.standard_error import standard_error
    from tuner.service.serve import serve

    console = standard_error()
    ended = serve(
        studies or [],
        workers=workers,
        storage=storage,
        allow_code=allow_code,
        data_roots=data_root or [],
        grace=grace,
        until_done=until_done,
        checkpoints=checkpoints,
        observe=lambda name, spec: ServiceProgress(console, name, spec.objective),
        tell=lambda line: print_line(console, line),
    )
    if ended == "interrupted":
        raise typer.Exit(130)


def pause(study: Study, storage: Storage = None, study_name: StudyName = None) -> None:
    """Let nobody run a study until it is resumed; running trials go back to the queue."""
    from tuner import api

    already = "" if api.pause(study, storage, study_name) else "already "
    name = _name(study, study_name)
    print_out(
        f"{name} is {already}paused; go on with: tuner resume {shlex.quote(name)}{_more(storage)}\n"
    )


def resume(study: Study, storage: Storage = None, study_name: StudyName = None) -> None:
    """Let a paused or stopped study go on."""
    from tuner import api

    place = api.resume(study, storage, study_name)
    name = _name(study, study_name)
    if place.standing == "open":
        print_out(f"{name} is up for work again\n")
    else:
        print_out(f"{name} may go on; run it with: tuner run {shlex.quote(name)}{_more(storage)}\n")


def stop(study: Study, storage: Storage = None, study_name: StudyName = None) -> None:
    """End the runs of a study wherever they are, and take it off the queue."""
    from tuner import api

    already = "" if api.stop(study, storage, study_name) else "already "
    name = _name(study, study_name)
    print_out(
        f"{name} is {already}stopped; go on with: "
        f"tuner resume {shlex.quote(name)}{_more(storage)}\n"
    )


def _name(study: str, study_name: str | None) -> str:
    from tuner.studies.catalog import locate

    return one_line(study_name or locate(study)[1])


def _more(storage: str | None) -> str:
    option = storage_option(storage)
    return f" {option}" if option else ""
