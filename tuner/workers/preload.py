"""Imported once by the fork server: every worker is forked with TensorFlow already loaded.

Nothing of TensorFlow may run here: a started runtime does not survive a fork.
"""

from __future__ import annotations

from tuner.quiet import load_tensorflow

load_tensorflow()

import tuner.workers.worker  # noqa: E402, F401 - with all that a worker imports
