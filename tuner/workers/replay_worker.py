"""A worker process that trains one stored trial again and writes nothing."""

from __future__ import annotations

from multiprocessing.connection import Connection

from tuner.trials.repeating import repeat
from tuner.workers.messages import ReplayJob, Started
from tuner.workers.streams import own_streams
from tuner.workers.worker import Worker


class ReplayWorker(Worker):
    """Loads data and learner as every worker does; never opens the database."""

    def __init__(self, job: ReplayJob, messages: Connection) -> None:
        super().__init__(job, messages)
        self._known = job.known

    def _run_one(self) -> None:
        known = self._known
        with own_streams():
            repeated = repeat(
                known,
                self._job.spec,
                self._learner,
                self._data,
                on_start=lambda steps: self._say(Started(0, known.number, steps, self._lease)),
                on_epoch=self._epoch_done,
            )
        self._say(repeated)
