"""Gradient boosting of decision trees on binned numbers, by scikit-learn.

Source: ``sklearn.ensemble.HistGradientBoostingClassifier`` and ``HistGradientBoostingRegressor``;
the parameters have their names, rules and defaults. The word "none" stands for Python's None.
A step is a boosting iteration, so ``max_iter`` plays the part of ``epochs``. When to stop is the
study's ``[early_stopping]``: scikit-learn's own stopping is not used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from tuner.errors import SpecError
from tuner.learners.base import Fitted, Learner
from tuner.learners.settings import Setting
from tuner.learners.setup import Script
from tuner.learners.sklearn import FILE
from tuner.wording import either, toml

if TYPE_CHECKING:
    from tuner.data import Development, Split
    from tuner.learners.checks import Described
    from tuner.learners.watch import Watch
    from tuner.space import SearchSpace, Value

_NONE = ("none",)
_QUANTITY_LOSSES = ("squared_error", "absolute_error", "gamma", "poisson", "quantile")
_OF_CLASSES, _OF_QUANTITIES = ("class_weight",), ("quantile",)
_EMPTY: Mapping[str, Any] = MappingProxyType({})


class HistGradientBoosting(Learner):
    """Gradient-boosted decision trees."""

    name = "hist_gradient_boosting"
    library = "sklearn"
    settings: ClassVar[Mapping[str, Setting]] = MappingProxyType(
        {
            "loss": Setting("auto", choices=("auto", "log_loss", *_QUANTITY_LOSSES)),
            "quantile": Setting(0.5, low=0.0, high=1.0),
            "learning_rate": Setting(0.1, low=0.0, above=True),
            "max_iter": Setting(100, low=1),
            "max_leaf_nodes": Setting(31, low=2, words=_NONE),
            "max_depth": Setting("none", low=1, words=_NONE),
            "min_samples_leaf": Setting(20, low=1),
            "l2_regularization": Setting(0.0, low=0.0),
            "max_features": Setting(1.0, low=0.0, high=1.0, above=True),
            "max_bins": Setting(255, low=2, high=255),
            "interaction_cst": Setting("none", choices=("none", "pairwise", "no_interactions")),
            "class_weight": Setting("none", choices=("none", "balanced")),
        }
    )
    encoding = "trees"
    steps_setting = "max_iter"
    step_word = "iteration"
    preload = ("tuner.learners.sklearn.boosting",)
    file = FILE

    @classmethod
    def metrics(cls, task: str) -> tuple[str, ...]:
        return ()  # all are computed from predictions

    @classmethod
    def check_task(
        cls,
        data: Described,
        space: SearchSpace | None = None,
        fixed: Mapping[str, Value] = _EMPTY,
    ) -> None:
        is_quantity = data.task == "regression"
        what, other = ("a quantity", "classes") if is_quantity else ("classes", "quantities")
        names = {*fixed, *(space.names() if space else ())}
        for name in sorted(names & set(_OF_CLASSES if is_quantity else _OF_QUANTITIES)):
            raise SpecError(
                f"{name} is for {other}, but the target of {data.name} is {what}; remove it"
            )
        known = ("auto", *_QUANTITY_LOSSES) if is_quantity else ("auto", "log_loss")
        losses = [fixed["loss"]] if "loss" in fixed else []
        for parameter in space.parameters if space else ():
            losses += parameter.choices if parameter.name == "loss" else ()
        for loss in losses:
            if loss not in known:
                raise SpecError(
                    f"loss must be {either(known)} where the target is {what}, but got {toml(loss)}"
                )

    def try_out(self, params: Mapping[str, Value], data: Development) -> tuple[str, ...]:
        self._check_targets(data)
        return ()

    def fit(
        self, params: Mapping[str, Value], data: Development, seed: int, watch: Watch
    ) -> Fitted:
        self._check_targets(data)
        from tuner.learners.sklearn.boosting import fit_trees

        return fit_trees(self.arguments(params, data.task), data, seed, watch)

    def load(self, folder: Path, info: Mapping[str, Any]) -> Fitted:
        from tuner.learners.sklearn.boosting import Trees
        from tuner.learners.sklearn.tree_file import read_trees

        data = info["data"]
        estimator = read_trees(folder, n_features=data["input_shape"][0])
        return Trees(lambda: estimator, data["n_classes"])

    def script(
        self, params: Mapping[str, Value], data: Development, about: Script
    ) -> tuple[str, Callable[[Split], Split]]:
        self._check_targets(data)
        from tuner.learners.sklearn.tree_script import tree_script

        arguments = self.arguments(params, data.task)
        return tree_script(arguments, data.task, about), lambda rows: rows

    @classmethod
    def arguments(cls, params: Mapping[str, Value], task: str) -> dict[str, Any]:
        """Returns what the estimator's class is called with, but for ``max_iter`` and the seed.

        Parameters that a trial does not give are left to scikit-learn's defaults, but for
        ``quantile``, which has none.
        """
        if params.get("loss") == "quantile":
            params = {"quantile": cls.settings["quantile"].default, **params}
        other = _OF_CLASSES if task == "regression" else _OF_QUANTITIES
        left_out = {"max_iter", *other}
        return {
            name: None if value in _NONE else value
            for name, value in params.items()
            if name in cls.settings and name not in left_out and (name, value) != ("loss", "auto")
        }

    def _check_targets(self, data: Development) -> None:
        """Refuses several targets a row.

        Raises:
            SpecError: There are several.
        """
        if data.train.y.ndim > 1:
            raise SpecError(
                f'model: "{self.model}" predicts one quantity, but {data.name} has '
                f"{data.train.y.shape[1]} targets in each row; choose another model, such as mlp, "
                "or keep one target"
            )

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
