"""Commands of the service: ``submit``, ``worker``, ``pause``, ``resume``, ``stop``."""

from __future__ import annotations

import shlex
from collections import defaultdict
from typing import Annotated

import typer

from tuner.cli.options import (
    AllowCode,
    Checkpoints,
    DataRoots,
    Settings,
    Storage,
    Study,
    StudyName,
    WarmStart,
    print_out,
    storage_option,
)
from tuner.wording import one_line


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
    warm_start: WarmStart = None,
) -> None:
    """Submit a study to the workers of any machine, or change its entry in the queue."""
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
        warm_start=warm_start,
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
    from tuner.cli.progress import Best, ServiceProgress, print_line
    from tuner.cli.standard_error import standard_error
    from tuner.service.offer import WorkerRequest
    from tuner.service.serve import serve

    request = WorkerRequest(
        studies=studies or [],
        workers=workers,
        storage=storage,
        allow_code=allow_code,
        data_roots=data_root or [],
        grace=grace,
        until_done=until_done,
        checkpoints=checkpoints,
    )
    console = standard_error()
    bests: defaultdict[str, Best] = defaultdict(Best)
    ending = serve(
        request,
        lambda name, spec: ServiceProgress(console, name, spec.objective, bests[name]),
        lambda line: print_line(console, line),
    )
    if ending == "interrupted":
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

    entry = api.resume(study, storage, study_name)
    name = _name(study, study_name)
    if entry.status == "open":
        print_out(f"{name} is open again\n")
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
