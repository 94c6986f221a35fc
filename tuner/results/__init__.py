"""The result of a study: rows and texts for people, exported configurations for training.

Nothing here imports TensorFlow or pandas, and Optuna is imported only inside functions, so that
read-only commands answer at once. Arrays do not occur; seconds are wall-clock seconds; epochs are
counted from 1.
"""

from __future__ import annotations

from tuner.results.configuration import Configuration
from tuner.results.rows import BestTrial, ReferenceRow, TrialRow
from tuner.results.study_result import StudyResult

__all__ = ["BestTrial", "Configuration", "ReferenceRow", "StudyResult", "TrialRow"]
