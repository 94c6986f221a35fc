"""Opens a database and runs trials of the studies in it: what ``tuner worker`` does."""

from __future__ import annotations

from collections.abc import Callable

from tuner.service.offer import WorkerRequest
from tuner.service.service import Service
from tuner.service.slot import ObserveStudy
from tuner.storage.url import chosen_url
from tuner.units import count
from tuner.workers.ending import Ending
from tuner.workers.running import open_for_work


def serve(request: WorkerRequest, observe: ObserveStudy, note: Callable[[str], None]) -> Ending:
    """Runs trials of submitted studies until a signal ends it.

    Args:
        request: What is asked for.
        observe: See :data:`tuner.service.slot.ObserveStudy`.
        note: Shows a line about what concerns no trial.

    Returns:
        ``"interrupted"``, ``"stopped"`` or ``"done"``, see
        :meth:`tuner.service.service.Service.run`.

    Raises:
        TunerError: The request was wrong, or see ``Service.run``.
    """
    url = chosen_url(request.storage)
    offer = request.offer(url)
    with open_for_work(url) as database:
        note(f"worker of {database}: {count(offer.slots, 'trial')} at a time")
        return Service(database, offer, observe, note).run()
