"""Opens a database and works for the studies in it: what ``tuner worker`` does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from tuner.errors import RequestError
from tuner.service.offer import GRACE_SECONDS, Offer
from tuner.service.service import Service
from tuner.spec import StudySpec
from tuner.spec.access import Access
from tuner.spec.quantities import seconds
from tuner.storage.artifacts import chosen_location
from tuner.storage.database import Database
from tuner.storage.retrying import OUTAGE_SECONDS, RetryPolicy
from tuner.storage.url import chosen_url
from tuner.studies.catalog import locate
from tuner.units import count
from tuner.workers.observer import Observer
from tuner.workers.running import cores
from tuner.workers.supervisor import Ending


def serve(
    studies: Sequence[str],
    *,
    workers: int | None = None,
    storage: str | None = None,
    allow_code: bool = False,
    data_roots: Sequence[str | Path] = (),
    grace: float | str = GRACE_SECONDS,
    until_done: bool = False,
    checkpoints: str | None = None,
    observe: Callable[[str, StudySpec], Observer],
    tell: Callable[[str], None],
) -> Ending:
    """Takes trials of submitted studies until a signal ends it.

    Args:
        studies: Names, or paths of study files; see :class:`tuner.service.offer.Offer`.
        workers: Trials at the same time; one a core if None.
        storage: As in :func:`tuner.run`.
        allow_code: Run the ``module:function`` code that studies in the database name.
        data_roots: Folders below which their files are read; the working folder if empty.
        grace: Seconds, or as ``"30s"``; 0 gives running trials back at once.
        until_done: See ``Offer``.
        checkpoints: As in :func:`tuner.run`.
        observe: See :class:`tuner.service.service.Service`.
        tell: See ``Service``.

    Returns:
        ``"interrupted"``, ``"stopped"`` or ``"done"``, see ``Service.run``.

    Raises:
        TunerError: The request was wrong, or see ``Service.run``.
    """
    if workers is not None and workers < 1:
        raise RequestError(f"--workers must be at least 1, but got {workers}")
    url = chosen_url(storage)
    try:
        offer = Offer(
            workers or cores(),
            chosen_location(checkpoints, url),
            Access.given(data_roots, allow_code=allow_code),
            tuple(locate(study)[1] for study in studies),
            grace=seconds(grace, zero=True),
            until_done=until_done,
        )
    except ValueError as error:
        raise RequestError(f"--grace {error}") from None
    database = Database(url, retry=RetryPolicy(OUTAGE_SECONDS))
    try:
        tell(f"worker of {database}: {count(offer.slots, 'trial')} at a time")
        return Service(database, offer, observe, tell).run()
    except RequestError as error:
        raise database.final(error) from error.__cause__
    finally:
        database.close()
