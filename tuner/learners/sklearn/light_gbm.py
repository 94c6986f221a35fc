"""Gradient boosting of decision trees by LightGBM, which the extra ``lightgbm`` installs.

Source: ``lightgbm.Booster``; the parameters have the names, rules and defaults of LightGBM's
estimators for scikit-learn. A step is a boosting iteration, so ``n_estimators`` plays the part of
``epochs``. When to stop is the study's ``[early_stopping]``. LightGBM splits the categories of a
mixed table into groups of levels, and sends gaps to either side.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from tuner.learners.base import Fitted
from tuner.learners.encoding import Encoder, settings_of
from tuner.learners.settings import Setting
from tuner.learners.sklearn.sklearn_learner import CLASS_WEIGHT, NONE, SklearnLearner

if TYPE_CHECKING:
    from tuner.data import Development
    from tuner.learners.watch import Watch
    from tuner.space import Value


class LightGBM(SklearnLearner):
    """LightGBM's gradient-boosted decision trees."""

    name = "lightgbm"
    library = "lightgbm"
    extra = "lightgbm"
    file = "model.txt"
    settings: ClassVar[Mapping[str, Setting]] = MappingProxyType(
        {
            "learning_rate": Setting(0.1, low=0.0, above=True),
            "n_estimators": Setting(100, low=1),
            "num_leaves": Setting(31, low=2, high=131_072),
            "max_depth": Setting("none", low=1, words=NONE),
            "min_child_samples": Setting(20, low=0),
            "min_child_weight": Setting(1e-3, low=0.0),
            "min_split_gain": Setting(0.0, low=0.0),
            "reg_alpha": Setting(0.0, low=0.0),
            "reg_lambda": Setting(0.0, low=0.0),
            "subsample": Setting(1.0, low=0.0, high=1.0, above=True),
            "subsample_freq": Setting(0, low=0),
            "colsample_bytree": Setting(1.0, low=0.0, high=1.0, above=True),
            "extra_trees": Setting(False),
            "max_bin": Setting(255, low=2, high=65_535),
            "class_weight": CLASS_WEIGHT,
            "score_every": Setting(1, low=1),
            **settings_of("trees"),
        }
    )
    not_passed = ("n_estimators", "class_weight", "score_every")
    steps_setting = "n_estimators"
    step_word = "iteration"
    preload = ("tuner.learners.sklearn.light_gbm_fitting",)

    def fit_rows(
        self,
        params: Mapping[str, Value],
        data: Development,
        seed: int,
        watch: Watch,
        encoder: Encoder | None = None,
    ) -> Fitted:
        from tuner.learners.sklearn.light_gbm_fitting import fit_booster

        values = {**self.parameters(), **params}
        arguments = self.arguments(params, data.task)
        if arguments.get("max_depth", 0) is None:
            del arguments["max_depth"]
        return fit_booster(
            arguments,
            data,
            seed,
            watch,
            n_codes=sum(column.kind == "code" for column in encoder.layout) if encoder else 0,
            score_every=int(values["score_every"]),
            balanced=values["class_weight"] == "balanced",
        )

    def load_rows(self, folder: Path, n_features: int, n_classes: int) -> Fitted:
        from tuner.learners.sklearn.light_gbm_fitting import read_booster

        return read_booster(folder / self.file, n_features, n_classes)
