"""Forests of decision trees that are grown apart from each other, by scikit-learn.

Source: ``sklearn.ensemble.RandomForestClassifier``, ``ExtraTreesClassifier`` and their regressors.
A forest is grown in equal parts: a step is a part, after which it is scored on the validation rows
and may be pruned. ``n_parts`` says in how many; everything else has scikit-learn's name.
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
from tuner.learners.sklearn.sklearn_learner import CLASS_WEIGHT, NONE, SklearnLearner
from tuner.units import count_plain

if TYPE_CHECKING:
    from tuner.data import Development
    from tuner.learners.watch import Watch
    from tuner.space import Value

_OF_CLASSES = ("auto", "gini", "entropy", "log_loss")
_OF_QUANTITIES = ("auto", "squared_error", "absolute_error", "friedman_mse", "poisson")
_PARTS, _TREES = "n_parts", "n_estimators"


def _settings(*, bootstrap: bool) -> Mapping[str, Setting]:
    return MappingProxyType(
        {
            _TREES: Setting(100, low=1),
            _PARTS: Setting(10, low=1),
            "criterion": Setting("auto", choices=(*_OF_CLASSES, *_OF_QUANTITIES[1:])),
            "max_depth": Setting("none", low=1, words=NONE),
            "max_leaf_nodes": Setting("none", low=2, words=NONE),
            "min_samples_split": Setting(2, low=2),
            "min_samples_leaf": Setting(1, low=1),
            "max_features": Setting(
                "auto", words=("auto", "sqrt", "log2"), low=0.0, high=1.0, above=True, real=True
            ),
            "min_impurity_decrease": Setting(0.0, low=0.0),
            "bootstrap": Setting(bootstrap),
            "max_samples": Setting(1.0, low=0.0, high=1.0, above=True),
            "class_weight": CLASS_WEIGHT,
            **settings_of("trees"),
        }
    )


class _Forest(SklearnLearner):
    choices_of_classes: ClassVar = MappingProxyType({"criterion": _OF_CLASSES})
    choices_of_quantities: ClassVar = MappingProxyType({"criterion": _OF_QUANTITIES})
    not_passed = (_TREES, _PARTS)
    steps_setting = _PARTS
    step_word = "part"
    preload = ("tuner.learners.sklearn.growing",)
    estimator: ClassVar[str]
    """Stem of the names of scikit-learn's classes."""

    def fit_rows(
        self,
        params: Mapping[str, Value],
        data: Development,
        seed: int,
        watch: Watch,
        encoder: Encoder | None = None,
    ) -> Fitted:
        from tuner.learners.sklearn.growing import grow

        arguments = self.arguments(params, data.task)
        sizes = [self.n_trees(params, part) for part in range(1, watch.steps + 1)]
        return grow(self.estimator, arguments, sizes, data, seed, watch)

    def load_rows(self, folder: Path, n_features: int, n_classes: int) -> Fitted:
        from tuner.learners.sklearn.forest_file import read_forest

        return read_forest(folder, n_features, n_classes)

    def script_text(self, params: Mapping[str, Value], task: str, about: Script) -> str:
        from tuner.learners.sklearn.tree_script import tree_script

        arguments = {
            **self.arguments(params, task),
            _TREES: self.n_trees(params, about.steps),
            "random_state": about.seed,
        }
        return tree_script(self.estimator, arguments, task, about)

    @classmethod
    def arguments(cls, params: Mapping[str, Value], task: str) -> dict[str, Any]:
        found = super().arguments(params, task)
        if not found.get("bootstrap", cls.settings["bootstrap"].default):
            found.pop("max_samples", None)  # there is nothing that it could say
        return found

    @classmethod
    def amount(cls, params: Mapping[str, Value], steps: int) -> str:
        return count_plain(cls.n_trees(params, steps), "tree")

    @classmethod
    def n_trees(cls, params: Mapping[str, Value], n_parts: int) -> int:
        """Returns how many trees the first parts have together."""
        values = {**cls.parameters(), **params}
        return -(-int(values[_TREES]) * n_parts // int(values[_PARTS]))  # rounded up


class RandomForest(_Forest):
    """Trees on samples of the rows, which split at the best of some columns' thresholds."""

    name = "random_forest"
    settings: ClassVar[Mapping[str, Setting]] = _settings(bootstrap=True)
    estimator = "RandomForest"


class ExtraTrees(_Forest):
    """Trees on all rows, which split at the best of a few random thresholds."""

    name = "extra_trees"
    settings: ClassVar[Mapping[str, Setting]] = _settings(bootstrap=False)
    estimator = "ExtraTrees"
