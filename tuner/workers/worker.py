"""A worker: loads the data once, then runs one trial after another."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import threading
import time
from dataclasses import replace
from multiprocessing.connection import Connection

import optuna
from optuna.exceptions import UpdateFinishedTrialError

from tuner import data, search
from tuner.errors import (
    DataChangedError,
    DataError,
    SupervisorGone,
    TunerError,
    WorkerError,
    keep_traceback,
)
from tuner.learners.registry import known_class, open_learner
from tuner.learners.setup import Setup
from tuner.storage.database import Database
from tuner.storage.error_mapping import storage_errors
from tuner.storage.lease import own_lease
from tuner.storage.retrying import OUTAGE_SECONDS, RetryPolicy
from tuner.storage.taker import NoneOpen
from tuner.storage.url import absolute
from tuner.studies.definition import common_params
from tuner.studies.provenance import check_data
from tuner.trials.evaluate import check_model, run_trial
from tuner.workers.messages import (
    EpochDone,
    Finished,
    FromWorker,
    Job,
    Lost,
    NothingOpen,
    Ready,
    Refused,
    Started,
)
from tuner.workers.streams import own_streams

_REPORT_SECONDS = 0.1
_ORPHAN_SECONDS = 10.0


class _Once(logging.Filter):
    """Lets each line pass once: every trial logs again how it is trained."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        line = record.getMessage()
        new = line not in self._seen
        self._seen.add(line)
        return new


def _print_log(*, all_of_it: bool) -> None:
    """Prints our log, which the supervisor shows as it shows all that a worker prints.

    Args:
        all_of_it: Also how models are trained; trial events are always logged.
    """
    handler = logging.StreamHandler()
    handler.addFilter(_Once())
    log = logging.getLogger("tuner")
    log.addHandler(handler)
    log.setLevel(logging.INFO if all_of_it else logging.WARNING)
    logging.getLogger("tuner.trials.checkpoints").setLevel(logging.INFO)


class Worker:
    """One worker process; it reads and writes the storage itself."""

    def __init__(self, job: Job, messages: Connection) -> None:
        # The study's own code may change the working directory.
        self._job = replace(job, url=absolute(job.url))
        self._messages = messages
        self._study: optuna.Study | None = None
        self._lease = own_lease()
        self._reported_at = 0.0
        self._trial_id: int | None = None
        self._left = search.left_counter(job.spec)

    def run(self) -> None:
        """Runs trials, one for each message, until the supervisor closes the pipe."""
        _print_log(all_of_it=self._job.check)  # one worker of a run logs how it trains
        threading.Thread(target=self._leave_with_supervisor, daemon=True).start()
        try:
            self._run()
        except TunerError as error:
            self._say(Refused(keep_traceback(error)))
        except SupervisorGone:
            return
        except BaseException as error:
            if isinstance(error, Exception):
                raise
            # Raised by a user's code on purpose: KeyboardInterrupt, SystemExit, one of its own.
            said = f"{type(error).__name__}: {error}".removesuffix(": ")
            self._say(Refused(WorkerError(f"the study's own code ended its worker with {said}")))

    def _leave_with_supervisor(self) -> None:
        """Ends this process when its supervisor was killed, wherever the trial is.

        A trial that sends a message meanwhile ends by itself. But an epoch may be endless, and the
        limits that would end it were watched by the supervisor.
        """
        supervisor = multiprocessing.parent_process()
        assert supervisor is not None
        supervisor.join()
        time.sleep(_ORPHAN_SECONDS)
        with contextlib.suppress(TunerError):
            if self._trial_id is not None:
                database = Database(self._job.url, must_exist=True)
                database.give_back(self._trial_id, self._lease)
        os._exit(1)

    def _run(self) -> None:
        job, spec = self._job, self._job.spec
        known = known_class(spec.model, spec.base)
        if known is not None:
            known.prepare_worker()  # before the study's own code can start the runtime
        loaded = data.load(spec.dataset, spec.base, self._job.access)
        self._described = loaded.describe()
        self._data = loaded.development
        del loaded  # with the test rows, which no trial may see
        metric = spec.objective.metric
        setup = Setup(spec.base, spec.training, n_beside=job.n_beside, keep=True, metric=metric)
        self._learner = open_learner(spec.model, setup)
        if known is not type(self._learner):  # a class of the user's own
            self._learner.prepare_worker()
        if job.check:
            self._described["baseline"] = check_model(spec, self._learner, self._data)
        self._say(Ready(self._described))
        while self._wait():
            self._run_one()

    def _wait(self) -> bool:
        try:
            self._messages.recv()
        except (EOFError, ConnectionError):
            return False
        return True

    def _say(self, message: FromWorker) -> None:
        try:
            self._messages.send(message)
        except OSError as exc:
            raise SupervisorGone from exc

    def _epoch_done(self, epoch: int, value: float) -> None:
        """Reports an epoch; of short ones only some, as nobody reads faster."""
        now = time.monotonic()
        if epoch == 1 or now - self._reported_at > _REPORT_SECONDS:
            self._reported_at = now
            self._say(EpochDone(epoch, value))

    def _run_one(self) -> None:
        job = self._job
        if self._study is None:
            # Opened late: a worker starts before the study stands in the database.
            retry = RetryPolicy(OUTAGE_SECONDS)
            self._database = Database(
                job.url,
                must_exist=True,  # deleted meanwhile, it is not made again
                lease=self._lease,
                wanted=job.n_trials,
                at_once=job.at_once,
                retry=retry,
            )
            self._study = self._database.study(job.study_name)
            try:
                check_data(self._database, self._study, self._described)
            except DataError as error:
                raise DataChangedError(str(error)) from None
            self._common = common_params(job.spec, self._study.user_attrs)
            self._study.sampler = search.make_sampler(job.spec, deadline=job.deadline)
            steps = self._learner.steps_setting
            self._study.pruner = search.make_pruner(job.spec, steps=steps)
        with storage_errors(job.url):
            self._run_trial(self._study)

    def _run_trial(self, study: optuna.Study) -> None:
        left = search.count_left(self._left, study)
        if left and not left.may_begin:
            self._say(NothingOpen())
            return
        try:
            trial = study.ask()
        except (NoneOpen, KeyError):  # KeyError: the study has been deleted
            self._say(NothingOpen())
            return
        self._trial_id = trial._trial_id
        try:
            with own_streams():
                outcome = run_trial(
                    trial,
                    self._job.spec,
                    self._learner,
                    self._data,
                    self._database,
                    checkpoints=self._job.checkpoints,
                    on_start=lambda epochs: self._say(
                        Started(trial._trial_id, trial.number, epochs, self._lease)
                    ),
                    on_epoch=self._epoch_done,
                    common=self._common,
                )
        except UpdateFinishedTrialError:  # ended from outside; TrialLost is one, too
            self._say(Lost(trial.number))
            return
        except (TunerError, SupervisorGone):
            self._database.give_back(trial._trial_id, self._lease)
            raise
        finally:
            self._trial_id = None
        state, values, reason = outcome.state, outcome.values, outcome.reason
        ended = (trial.number, state, values, reason, outcome.was_refused, outcome.violation)
        self._say(Finished(*ended))
