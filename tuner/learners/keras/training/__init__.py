"""Fits one network: the loops, the seeds, what is saved of a training that is interrupted.

Free of TensorFlow until something is trained.
"""

from __future__ import annotations

from tuner.learners.keras.training.state import State
from tuner.learners.keras.training.train import evaluate, refit, train

__all__ = ["State", "evaluate", "refit", "train"]
