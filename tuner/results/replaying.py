"""Trains a stored trial again and compares; reads the database and never writes to it."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from typing import Any

import optuna
from optuna.trial import FrozenTrial

from tuner.errors import DataError, RequestError, UnknownNameError
from tuner.learners.registry import doing, step_word
from tuner.results.replay_result import Fact, Measured, ReplayResult, compare
from tuner.spec import StudySpec
from tuner.spec.access import Access
from tuner.storage.attributes import Names, StoredData, TrialAttrs, study_attr, trial_attrs
from tuner.storage.curves import pack, unpack
from tuner.storage.database import Database
from tuner.storage.error_mapping import storage_errors
from tuner.studies.definition import common_params
from tuner.studies.provenance import cpu_model, versions
from tuner.trials.repeated import Known, Repeated
from tuner.workers.limits import Limits
from tuner.workers.messages import ReplayJob
from tuner.workers.replays import run_replay

_THREADS = 1
"""Threads of a worker, whatever it trains."""


def replay_trial(
    database: Database,
    study: optuna.Study,
    spec: StudySpec,
    number: int,
    *,
    access: Access | None,
    note: Callable[[str], None],
) -> ReplayResult:
    """Trains a stored trial again and compares all that is stored of it.

    A trial that was pruned or stopped early is trained as far as it came. One that failed is
    trained until it ends, within the limits of the study.

    Args:
        database: The open database.
        study: The study.
        spec: What it was stored with.
        number: Of the trial.
        access: What the study may use of this machine; None if a study file of the user's own
            names the same data and network.
        note: Called with the lines that the training prints.

    Raises:
        UnknownNameError: There is no such trial.
        RequestError: It cannot be replayed: tuner did not train it, it has not ended, or the data
            are others.
        TunerError: The study cannot be run here.
    """
    trial = _trial(database, study, number)
    attrs = trial_attrs(trial.user_attrs, f"stored study {study.study_name}: trial {number}")
    name = f"trial {number} of {study.study_name}"
    seed = _require_replayable(trial, attrs, name)
    if access is not None:
        access.check_code(spec.own_code)
    curves = database.curves(study, number)
    state = trial.state.name.lower()
    steps = None if state == "fail" else attrs.epochs
    known = Known(
        number=number,
        params=trial.params,
        common=common_params(spec, study.user_attrs),
        attrs=attrs,
        seed=seed,
        steps=steps,
    )
    ran_on = attrs.ran_on
    if ran_on is not None and ran_on.loop in ("resident", "fit"):
        spec = spec.model_copy(
            update={"training": spec.training.model_copy(update={"loop": ran_on.loop})}
        )
    data = study_attr(StoredData, study.user_attrs, "tuner:data", study.study_name)

    def accept(loaded: Mapping[str, Any]) -> None:
        now = StoredData.model_validate(dict(loaded))
        if data is not None and now.fingerprint != data.fingerprint:
            raise DataError(
                f"{name} cannot be replayed: the data are others than those of the study: "
                f"their fingerprint is {now.fingerprint[:12]}…, it was {data.fingerprint[:12]}…; "
                "put the data back as they were; if a load_data of yours shuffles, give it a seed"
            )

    job = ReplayJob(
        *(spec, study.study_name, database.url), n_trials=0, checkpoints="", access=access,
        known=known,
    )  # fmt: skip
    note(doing(f"replaying trial {number}", spec.model, spec.base))
    limits = Limits(spec.budget.trial) if state == "fail" else None
    repeated = run_replay(job, accept, note, limits)
    stored = Measured(
        state=state,
        curves=curves,
        values=trial.intermediate_values,
        value=trial.values[0] if state == "complete" else None,
        epoch=attrs.epoch if state == "complete" else None,
        reason=attrs.reason,
        measured=attrs.measured,
    )
    now = _measured(repeated)
    return ReplayResult(
        study=study.study_name,
        storage=str(database),
        trial=number,
        metric=spec.objective.metric,
        step_word=_step_word(spec),
        stored=stored,
        now=now,
        differences=compare(stored, now, spec.objective.metric),
        facts=tuple(_facts(study, attrs, data, repeated)),
    )


def _trial(database: Database, study: optuna.Study, number: int) -> FrozenTrial:
    with storage_errors(database.url):
        trials = study.get_trials(deepcopy=False)
    found = next((one for one in trials if one.number == number), None)
    if found is None:
        last = f"0 to {trials[-1].number}" if trials else "none yet"
        raise UnknownNameError(f"{study.study_name} has no trial {number}; its trials: {last}")
    return found


def _require_replayable(trial: FrozenTrial, attrs: TrialAttrs, name: str) -> int:
    """Returns the seed of a trial that tuner has trained.

    Raises:
        RequestError: It cannot be trained again.
    """
    if not trial.state.is_finished():
        state = trial.state.name.lower()
        raise RequestError(f"{name} is {state}; it can be replayed once it has ended")
    if (other := trial.user_attrs.get("reused")) is not None:
        raise RequestError(
            f"{name} was not trained, it took over the value of trial {other}: replay that one "
            f"with --trial {other}"
        )
    if attrs.seed is None or attrs.epochs_wanted is None:
        why = f"it was never trained ({attrs.reason})" if attrs.reason else "tuner did not run it"
        raise RequestError(f"{name} cannot be replayed: {why}")
    return attrs.seed


def _measured(repeated: Repeated) -> Measured:
    row = pack(repeated.logs)
    complete = repeated.state == "complete"
    return Measured(
        state=repeated.state,
        curves=unpack(**row) if repeated.logs else {},  # as they would be stored
        values=repeated.values,
        value=repeated.value if complete else None,
        epoch=repeated.epoch if complete else None,
        reason=repeated.reason,
        measured=repeated.measured,
    )


def _step_word(spec: StudySpec) -> str:
    return "fold" if spec.n_folds > 1 else step_word(spec.model)


def _facts(
    study: optuna.Study, attrs: TrialAttrs, data: StoredData | None, repeated: Repeated
) -> list[Fact]:
    ran_on = attrs.ran_on
    fingerprint = None if data is None else data.fingerprint[:12]
    host = attrs.worker.host if attrs.worker else None
    then = study_attr(Names, study.user_attrs, "tuner:versions", study.study_name)
    packages = {**(then.root if then else {}), **(ran_on.versions if ran_on else {})}
    threads = None if ran_on is None or ran_on.threads is None else str(ran_on.threads)
    facts = [
        Fact("data", fingerprint, fingerprint or "not known"),
        *(Fact(name, packages.get(name), version) for name, version in versions().items()),
        Fact("processor", ran_on.cpu if ran_on else None, cpu_model()),
        Fact("machine", host, socket.gethostname()),
        Fact("threads", threads, str(_THREADS)),
    ]
    if repeated.loop:
        facts.append(Fact("loop", ran_on.loop if ran_on else None, repeated.loop))
    return facts
