"""Members of hand-made trials: boosted trees of three folds on a small table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.bundle.members import Members, out_of_fold
from tuner.bundle.write_members import Member
from tuner.data import SealedData, Split, Splits
from tuner.learners.base import Fitted
from tuner.learners.registry import shipped
from tuner.learners.saved import save_model
from tuner.learners.setup import Setup
from tuner.learners.watch import Watch

NAMES = ("width", "height", "depth")
FOLDS = 3


def table(task: str = "binary", rows: int = 120) -> SealedData:
    """Boxes: which of two or three classes they have, or what they cost."""
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 10, (rows, 3)).astype(np.float32)
    score = x[:, 0] + x[:, 1] + rng.normal(0, 0.5, rows)
    y = {
        "binary": score > 10,
        "multiclass": np.digitize(score, (7, 12)),
        "regression": score,
    }[task]
    names = {"binary": ("small", "large"), "multiclass": ("a", "b", "c")}.get(task, ())
    third = rows // 3
    parts = [Split(x[i::3][:third], y[i::3][:third].astype(np.float32)) for i in range(3)]
    return Splits(*parts, task=task, name="boxes", feature_names=NAMES, class_names=names).sealed()  # type: ignore[arg-type]  # of Task


def folds_of(data: SealedData) -> list[NDArray[np.intp]]:
    """What each fold holds out."""
    return [np.arange(len(data.development.rows))[i::FOLDS] for i in range(FOLDS)]


def fitted_folds(
    data: SealedData, params: dict[str, Any], name: str = "hist_gradient_boosting"
) -> list[Fitted]:
    """A model a fold."""
    learner = shipped(name)(name, Setup())
    everything = np.arange(len(data.development.rows))
    return [
        learner.fit(
            params,
            data.development.fold(np.setdiff1d(everything, held), held),
            seed=i,
            watch=Watch(learner.steps(params)),
        )
        for i, held in enumerate(folds_of(data))
    ]


def member(
    data: SealedData,
    folder: Path,
    trial: int = 3,
    name: str = "hist_gradient_boosting",
    **changes: Any,
) -> Member:
    """A member whose trial has left its models in a folder."""
    params: dict[str, Any] = {}
    if name == "hist_gradient_boosting":
        params = {"max_iter": 5 + trial, "min_samples_leaf": 4}
    models = fitted_folds(data, params, name)
    for fold, model in enumerate(models):
        (folder / f"fold-{fold}").mkdir(parents=True)
        learner = shipped(name)(name, Setup())
        save_model(model, folder / f"fold-{fold}", learner, params)
    predicted = out_of_fold(models, data.development.rows.x, folds_of(data)).astype(np.float32)
    values: dict[str, Any] = {
        "learner": name,
        "params": params,
        "trial": trial,
        "models": folder,
        "out_of_fold": predicted,
    }
    return Member(**values | changes)


def about(data: SealedData) -> dict[str, Any]:
    """What is known before the members are read back."""
    is_quantity = data.development.task == "regression"
    return {
        "study": "boxes",
        "metric": "rmse" if is_quantity else "log_loss",
        "direction": "minimize",
        "value": 0.25,
        "dataset": {"csv": "boxes.csv", "target": "size"},
        "model": "automl",
        "seed": 0,
        "validation": {"folds": FOLDS},
    }


def describe(members: Members) -> dict[str, Any]:
    """Scores that are no better than they should be."""
    return {
        "scores": {"validation": {"log_loss": 0.25}, "test": {"log_loss": 0.3}},
        "baseline": {"predicts": "the class frequencies", "test": {"log_loss": 0.69}},
    }
