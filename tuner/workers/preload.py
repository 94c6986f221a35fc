"""Imported once by the fork server: every worker is forked with TensorFlow already loaded.

Nothing of TensorFlow may run here: a started runtime does not survive a fork.
"""

from __future__ import annotations

import contextlib
import gc

from tuner.errors import WorkerError
from tuner.quiet import load_tensorflow

with contextlib.suppress(WorkerError):  # the first worker tries again and reports why
    load_tensorflow()

    import sklearn.model_selection  # noqa: F401 - divides the rows; a second to import

    import tuner.workers.worker  # noqa: F401 - with all that a worker imports

# What is imported lives as long as the process. Without it, a collection of garbage between
# two trials takes a hundredth of the time, and the memory stays shared with the fork server.
gc.freeze()
