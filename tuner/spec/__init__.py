"""Study files: what a study is, validated, in one canonical form with a fingerprint."""

from __future__ import annotations

from tuner.spec.goals import Goal
from tuner.spec.models import (
    AnyDataset,
    Budget,
    Choice,
    CsvDataset,
    Dialect,
    EarlyStopping,
    ImageFolder,
    Loop,
    Objective,
    Reference,
    Training,
    TrialLimits,
)
from tuner.spec.overrides import apply_settings
from tuner.spec.role import Role
from tuner.spec.study import StudySpec

__all__ = [
    "AnyDataset",
    "Budget",
    "Choice",
    "CsvDataset",
    "Dialect",
    "EarlyStopping",
    "Goal",
    "ImageFolder",
    "Loop",
    "Objective",
    "Reference",
    "Role",
    "StudySpec",
    "Training",
    "TrialLimits",
    "apply_settings",
]
