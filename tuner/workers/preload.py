"""Imported last by the fork server: every worker is forked with all that it imports.

The runtime of the study's learner is imported before (``Learner.preload``).
"""

from __future__ import annotations

import gc

import sklearn.model_selection  # noqa: F401 - divides the rows; a second to import

import tuner.workers.worker  # noqa: F401 - with all that a worker imports

# What is imported lives as long as the process. Without it, a collection of garbage between
# two trials takes a hundredth of the time, and the memory stays shared with the fork server.
gc.freeze()
