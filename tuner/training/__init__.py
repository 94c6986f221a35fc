"""Fits one model: the loops, the epoch logic (early stopping, best epoch, NaN, pruning).

Free of TensorFlow until something is trained.
"""

from __future__ import annotations

from tuner.training.checkpoint import Checkpoints, State
from tuner.training.monitor import Course, Monitor, Verdict
from tuner.training.results import FitResult
from tuner.training.train import evaluate, refit, train

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
