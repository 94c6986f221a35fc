"""Every error that tuner raises on purpose, split by consequence.

::

    TunerError
    ├── RequestError          the request was wrong, nothing was started         exit 2
    │   ├── SpecError         a study file, a search space or an exported file
    │   ├── UnknownNameError  no study, space, data set, trial … of that name
    │   ├── DataError         a data set is missing, broken or of the wrong form
    │   ├── ModelError        a model cannot be built from what the study says
    │   ├── MetricError       the model does not measure what the study asks for
    │   └── StorageError      the database is unreachable, wrong or unusable
    ├── WorkError             the work was begun and failed                      exit 1
    │   ├── StudyError        a study cannot be continued
    │   ├── DataChangedError  a worker has loaded other data than the study's
    │   ├── WorkerError       worker processes cannot be started, or die
    │   └── BundleError       a trained model or an export cannot be written or read
    └── TrialFailed           one trial failed; the study continues

A request that turns out to be wrong after trials were begun, such as a database that was deleted
meanwhile, ends with exit 1: :meth:`tuner.storage.database.Database.final`.

The command line prints the text of an error as it is, so each text is whole: what was read
(file, key), the rule, the value that broke it, and what to write or run instead.
"""

from __future__ import annotations

import os
import traceback

DEBUG = "TUNER_DEBUG"
"""Environment variable that ``--debug`` sets; worker processes inherit it."""


class TunerError(Exception):
    """Base of all errors raised on purpose; ``exit_code`` is the command line's exit status."""

    exit_code = 1


class RequestError(TunerError):
    """The request was wrong: nothing was started, nothing was changed."""

    exit_code = 2


class SpecError(RequestError):
    """A study file, a search space or an exported configuration breaks a rule."""


class UnknownNameError(RequestError):
    """Nothing of that name exists; the text offers the nearest name."""


class DataError(RequestError):
    """A data set is missing, broken or not of the form that is needed."""


class ModelError(RequestError):
    """A model cannot be built from what the study says."""


class MetricError(RequestError):
    """The objective's metric is not among those that the model reports."""


class StorageError(RequestError):
    """The database cannot be reached, is not what it should be, or cannot be written."""


class WorkError(TunerError):
    """The work was begun and failed."""


class StudyError(WorkError):
    """A study cannot be continued."""


class DataChangedError(WorkError):
    """A worker has loaded other data than the study's: the run cannot continue with them."""


class WorkerError(WorkError):
    """Worker processes cannot be started, or die before they have done anything."""


class BundleError(WorkError):
    """A model bundle or an export cannot be written or read."""


class TrialFailed(TunerError):
    """One trial failed; the study continues.

    Attributes:
        reason: What is stored with the trial and shown to people.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SupervisorGone(BaseException):
    """The supervisor of a worker was killed, so that nothing reads the worker's messages.

    Not an ``Exception``, so that it passes through a user's code, and never ends a trial.
    """


def debugging() -> bool:
    """Whether tracebacks are shown, see :data:`DEBUG`."""
    return bool(os.environ.get(DEBUG))


def keep_traceback(error: TunerError) -> TunerError:
    """Attaches the traceback of a caught error as a note, and returns the error.

    An exception that a worker sends to its supervisor loses its traceback and its cause, but
    keeps its notes.
    """
    if debugging():
        error.add_note("".join(traceback.format_exception(error)).rstrip())
    return error
