"""Fits one model: the loops, the epoch logic (early stopping, best epoch, NaN, pruning).

Free of TensorFlow until something is trained.
"""

from __future__ import annotations

from tuner.learners.fit_result import FitResult
from tuner.learners.keras.training.state import Checkpoints, State
from tuner.learners.keras.training.train import evaluate, refit, train
from tuner.learners.monitor import Course, Monitor, Verdict

__all__ = [
    "Checkpoints",
    "Course",
    "FitResult",
    "Monitor",
    "State",
    "Verdict",
    "evaluate",
    "refit",
    "train",
]
