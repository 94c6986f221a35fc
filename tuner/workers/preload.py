"""Imported once by the fork server: every worker is forked with TensorFlow already loaded.

Nothing of TensorFlow may run here: a started runtime does not survive a fork.
"""

from __future__ import annotations

import importlib

from tuner.quiet import quiet

with quiet():
    importlib.import_module("tuner.workers.worker")
