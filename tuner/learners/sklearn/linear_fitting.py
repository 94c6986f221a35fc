"""Fits linear models; a fitted one is its coefficients."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import ElasticNet, LogisticRegression, Ridge

from tuner.learners.base import Fitted
from tuner.learners.sklearn.classes import all_classes

if TYPE_CHECKING:
    from tuner.data import Development
    from tuner.learners.watch import Watch
    from tuner.space import Value


class Linear(Fitted):
    """A linear model."""

    def __init__(
        self,
        coef: NDArray[np.floating],
        intercept: NDArray[np.floating],
        classes: NDArray[np.int64] | None,
        n_classes: int,
    ) -> None:
        """Wraps the coefficients.

        Args:
            coef: ``(k, features)``: a row for each class, one for two classes or a quantity, none
                for a single class.
            intercept: ``(k,)``.
            classes: Numbers of the classes that have been seen; None for a quantity.
            n_classes: How many classes the data have; 0 for a quantity.
        """
        self.coef = coef
        self.intercept = intercept
        self.classes = classes
        self._n_classes = n_classes

    @cached_property
    def model(self) -> Any:
        """The fitted estimator of scikit-learn; it takes encoded rows."""
        if self.classes is None:
            model = Ridge()
            model.coef_, model.intercept_ = self.coef[0], self.intercept[0]
        else:
            model = LogisticRegression()
            model.coef_, model.intercept_ = self.coef, self.intercept
            model.classes_ = self.classes
        model.n_features_in_ = self.coef.shape[1]
        return model

    def predict(self, x: Any) -> NDArray[np.floating]:
        x = x.astype(self.coef.dtype)
        if self.classes is None:
            return np.asarray(self.model.predict(x))
        if len(self.classes) == 1:
            certain = np.ones((x.shape[0], 1), np.float32)
            return all_classes(self.classes, certain, self._n_classes)
        return all_classes(self.classes, self.model.predict_proba(x), self._n_classes)

    def n_params(self) -> int:
        return self.coef.size + self.intercept.size

    def save(self, folder: Path) -> None:
        from tuner.learners.sklearn.array_file import write_arrays  # skops takes half a second

        classes = {} if self.classes is None else {"classes": self.classes}
        write_arrays({"coef": self.coef, "intercept": self.intercept, **classes}, folder)


def fit_linear(params: Mapping[str, Value], data: Development, seed: int, watch: Watch) -> Linear:
    """Fits a linear model to the training rows.

    Args:
        params: All parameters of the learner.
        data: Encoded rows, dense or sparse; one target a row.
        seed: Of the order of rows in which classes are fitted under an L1 penalty.
        watch: Is shown the one step.
    """
    with warnings.catch_warnings():
        # Coefficients that are still moving predict well enough, and are scored as they are.
        warnings.simplefilter("ignore", ConvergenceWarning)
        fit = _least_squares if data.task == "regression" else _logistic
        fitted = fit({**params, "seed": seed}, data)
    watch.observe(1, {}, lambda: fitted.predict(data.validation.x))
    return fitted


def _least_squares(params: Mapping[str, Value], data: Development) -> Linear:
    rows = data.train
    alpha, l1_ratio = float(params["alpha"]), float(params["l1_ratio"])
    model = Ridge(alpha=alpha)
    if l1_ratio > 0:
        of_mean, steps = alpha / len(rows), int(params["max_iter"])
        model = ElasticNet(alpha=of_mean, l1_ratio=l1_ratio, max_iter=steps)
    # scikit-learn brings the targets to the dtype of the rows.
    model.fit(rows.x.astype(rows.y.dtype), rows.y, sample_weight=rows.sample_weight)
    return Linear(model.coef_[np.newaxis], np.array([model.intercept_]).reshape(1), None, 0)


def _logistic(params: Mapping[str, Value], data: Development) -> Linear:
    rows = data.train
    y = rows.y.astype(np.int64)
    classes = np.unique(y)
    if len(classes) == 1:  # which scikit-learn refuses
        n_features = rows.x.shape[1]
        nothing = np.zeros((0, n_features), np.float32)
        return Linear(nothing, np.zeros(0, np.float32), classes, data.n_classes)
    weight = None if params["class_weight"] == "none" else params["class_weight"]
    l1_ratio = float(params["l1_ratio"])
    model = LogisticRegression(
        C=1 / float(params["alpha"]),
        l1_ratio=l1_ratio,
        solver="saga" if l1_ratio > 0 else "lbfgs",  # which knows the L2 penalty alone
        max_iter=int(params["max_iter"]),
        class_weight=weight,
        random_state=int(params["seed"]),
    )
    model.fit(rows.x, y, sample_weight=rows.sample_weight)
    return Linear(model.coef_, model.intercept_, model.classes_, data.n_classes)


def read_linear(folder: Path, n_features: int, n_classes: int) -> Linear:
    """Reads what ``Linear.save`` wrote.

    Raises:
        BundleError: The file is missing, broken, or holds something else than such a model.
    """
    from tuner.learners.sklearn.array_file import Broken, array, known_classes, read_arrays

    def made(found: dict[str, Any]) -> Linear:
        floats = (np.float32, np.float64)
        coef = array(found, "coef", floats, 2)
        intercept = array(found, "intercept", floats, 1)
        classes = known_classes(found, n_classes)
        k = 1 if classes is None else {1: 0, 2: 1}.get(len(classes), len(classes))
        if coef.shape != (k, n_features) or len(intercept) != k:
            raise Broken(f"its coefficients are not for {n_features} columns")
        return Linear(coef, intercept, classes, n_classes)

    return read_arrays(folder, made)
