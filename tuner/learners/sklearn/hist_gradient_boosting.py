"""Gradient boosting of decision trees on binned numbers, by scikit-learn.

Source: ``sklearn.ensemble.HistGradientBoostingClassifier`` and ``HistGradientBoostingRegressor``.
A step is a boosting iteration, so ``max_iter`` plays the part of ``epochs``. When to stop is the
study's ``[early_stopping]``: scikit-learn's own stopping is not used. The categories of a mixed
table are split into groups of levels, gaps go to either side: nothing is filled in. Of many
iterations ``score_every`` scores only every n-th: a score takes as long as a small tree.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from tuner.learners.base import Fitted
from tuner.learners.encoding import Encoder, settings_of
from tuner.learners.settings import Setting
from tuner.learners.setup import Script
from tuner.learners.sklearn import FILE
from tuner.learners.sklearn.sklearn_learner import CLASS_WEIGHT, NONE, SklearnLearner

if TYPE_CHECKING:
    from tuner.data import Development
    from tuner.learners.watch import Watch
    from tuner.space import Value

_QUANTITY_LOSSES = ("squared_error", "absolute_error", "gamma", "poisson", "quantile")
_MAX_LEVELS = "encode_max_levels"


class HistGradientBoosting(SklearnLearner):
    """Gradient-boosted decision trees."""

    name = "hist_gradient_boosting"
    settings: ClassVar[Mapping[str, Setting]] = MappingProxyType(
        {
            "loss": Setting("auto", choices=("auto", "log_loss", *_QUANTITY_LOSSES)),
            "quantile": Setting(0.5, low=0.0, high=1.0),
            "learning_rate": Setting(0.1, low=0.0, above=True),
            "max_iter": Setting(100, low=1),
            "max_leaf_nodes": Setting(31, low=2, words=NONE),
            "max_depth": Setting("none", low=1, words=NONE),
            "min_samples_leaf": Setting(20, low=1),
            "l2_regularization": Setting(0.0, low=0.0),
            "max_features": Setting(1.0, low=0.0, high=1.0, above=True),
            "max_bins": Setting(255, low=2, high=255),
            "interaction_cst": Setting("none", choices=("none", "pairwise", "no_interactions")),
            "class_weight": CLASS_WEIGHT,
            "score_every": Setting(1, low=1),
            **settings_of("trees"),
        }
    )
    of_quantities = ("quantile",)
    choices_of_classes: ClassVar = MappingProxyType({"loss": ("auto", "log_loss")})
    choices_of_quantities: ClassVar = MappingProxyType({"loss": ("auto", *_QUANTITY_LOSSES)})
    not_passed = ("max_iter", "score_every")
    steps_setting = "max_iter"
    step_word = "iteration"
    preload = ("tuner.learners.sklearn.boosting",)

    def fit_rows(
        self,
        params: Mapping[str, Value],
        data: Development,
        seed: int,
        watch: Watch,
        encoder: Encoder | None = None,
    ) -> Fitted:
        from tuner.learners.sklearn.boosting import fit_trees

        arguments = self.arguments(params, data.task)
        n_codes = sum(column.kind == "code" for column in encoder.layout) if encoder else 0
        if n_codes:
            arguments["categorical_features"] = list(range(n_codes))
        score_every = int(params.get("score_every", self.settings["score_every"].default))
        return fit_trees(arguments, data, seed, watch, score_every)

    def load_rows(self, folder: Path, n_features: int, n_classes: int) -> Fitted:
        from tuner.learners.sklearn.boosting import Trees
        from tuner.learners.sklearn.tree_file import read_trees

        estimator = read_trees(folder, n_features)
        return Trees(lambda: estimator, n_classes)

    def script_text(self, params: Mapping[str, Value], task: str, about: Script) -> str:
        from tuner.learners.sklearn.tree_script import tree_script

        arguments = {
            **self.arguments(params, task),
            "max_iter": about.steps,
            "early_stopping": False,
            "random_state": about.seed,
        }
        return tree_script("HistGradientBoosting", arguments, task, about)

    @classmethod
    def encoder_params(cls, params: Mapping[str, Value]) -> dict[str, Value]:
        # A category has at most as many codes as there are bins; rare levels are one of them.
        bins = int(params.get("max_bins", cls.settings["max_bins"].default))
        found = super().encoder_params(params)
        wanted = found.get(_MAX_LEVELS, "auto")
        most = bins - 1 if wanted == "auto" else min(int(wanted), bins - 1)
        return {**found, _MAX_LEVELS: most}

    @classmethod
    def arguments(cls, params: Mapping[str, Value], task: str) -> dict[str, Any]:
        if params.get("loss") == "quantile":  # scikit-learn has no default for it
            params = {"quantile": cls.settings["quantile"].default, **params}
        return super().arguments(params, task)

    @staticmethod
    def card(folder: str) -> str:
        return (
            "With scikit-learn and skops alone:\n\n"
            "```python\n"
            "import skops.io\n\n"
            "tree = "
            '"sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"\n'
            f'skops.io.load("{folder}/{FILE}", trusted=[tree]).predict(rows)\n'
            "```\n\n"
            "skops runs no code from the file, but trees that somebody has forged can crash the "
            "process; `load_bundle` checks them."
        )
