"""Fits boosted trees under a watch, iteration by iteration, in one call of scikit-learn's ``fit``.

``fit`` with ``warm_start`` for each iteration would bin all rows again and again: ten times the
time for 100 iterations of 4,000 rows. Instead ``fit`` runs once, with a scorer of our own as its
``scoring``: scikit-learn calls it after each iteration, and stops when its score stops rising. A
test makes sure that the trees are those of a plain ``fit``.

The score of iteration t needs the predictions of t trees, which ``staged_predict`` adds up from
the first. So iterations are scored several at a time, whenever there are a quarter more of them
than the last time: all predictions together cost less than five passes over the validation rows.
The watch still sees every iteration in turn, or every few of them; trees that come after the one
where it stops are not used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property, partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from tuner.learners.base import Fitted
from tuner.learners.sklearn.classes import all_classes

if TYPE_CHECKING:
    from tuner.data import Development
    from tuner.learners.watch import Watch

Estimator = Any  # scikit-learn has no types
_GROWTH = 1.25


class Trees(Fitted):
    """A sum of trees."""

    lost = "scikit-learn or skops probably has another version than when it was saved"

    def __init__(self, make: Callable[[], Estimator], n_classes: int) -> None:
        """Wraps an estimator.

        Args:
            make: Returns the fitted estimator; called once, when it is first used.
            n_classes: How many classes the data have; 0 for a quantity.
        """
        self._make = make
        self._n_classes = n_classes
        self._is_for_predictions = False

    @cached_property
    def model(self) -> Estimator:
        """The fitted estimator of scikit-learn."""
        return self._make()

    def predict(self, x: NDArray[Any]) -> NDArray[np.floating]:
        if not self._n_classes:
            return np.asarray(self.model.predict(x))
        return all_classes(self.model.classes_, self.model.predict_proba(x), self._n_classes)

    def n_params(self) -> int:
        from tuner.learners.sklearn.tree_file import n_nodes

        return n_nodes(self.model)

    def save(self, folder: Path) -> None:
        from tuner.learners.sklearn.tree_file import write_trees  # skops takes half a second

        write_trees(self.model, folder, joined=self._is_for_predictions)

    @contextmanager
    def for_predictions(self) -> Iterator[None]:
        self._is_for_predictions = True
        try:
            yield
        finally:
            self._is_for_predictions = False


def fit_trees(
    arguments: Mapping[str, Any],
    data: Development,
    seed: int,
    watch: Watch,
    score_every: int = 1,
) -> Trees:
    """Fits trees to the training rows.

    Args:
        arguments: Of the estimator's class, but for those that decide how many iterations are run.
        data: Training rows, and validation rows to watch; one target a row.
        seed: All chance depends on it.
        watch: Says how many iterations are wanted, and when to stop.
        score_every: After how many iterations the watch is asked, and after the last one.

    Returns:
        The model after the best iteration.
    """
    is_quantity = data.task == "regression"
    kind = HistGradientBoostingRegressor if is_quantity else HistGradientBoostingClassifier
    rows = data.train
    y = rows.y if is_quantity else rows.y.astype(np.int64)

    def fitted(n_iterations: int, **stopping: Any) -> Estimator:
        estimator = kind(
            **arguments,
            **{"early_stopping": False, **stopping},
            max_iter=n_iterations,
            random_state=seed,
        )
        return estimator.fit(rows.x, y, sample_weight=rows.sample_weight)

    if watch.is_blind:
        estimator = fitted(watch.steps)
        for step in range(1, watch.steps + 1):
            watch.observe(step, {})
        return Trees(lambda: estimator, data.n_classes)

    scorer = _WatchingScorer(watch, data.validation.x, data.n_classes, score_every)
    # Without rows held out, and stopped by the first score that is not above the one before.
    stopping = {"validation_fraction": None, "n_iter_no_change": 1, "tol": 0.0}
    estimator = fitted(watch.steps, early_stopping=True, scoring=scorer, **stopping)
    return Trees(lambda: _best(estimator, watch), data.n_classes)


def _best(estimator: Estimator, watch: Watch) -> Estimator:
    from tuner.learners.sklearn.tree_file import first_iterations  # skops takes half a second

    return first_iterations(estimator, watch.result().epoch)


class _WatchingScorer:
    """Shows iterations to a watch; as a score it gives their number, or less to stop the fit."""

    def __init__(self, watch: Watch, x: NDArray[Any], n_classes: int, score_every: int) -> None:
        self._watch = watch
        self._x = x
        self._n_classes = n_classes
        self._score_every = score_every
        self._n_iterations = -1  # scikit-learn asks once before the first
        self._n_shown = 0

    def __call__(self, estimator: Estimator, *_rows: object, **_weights: object) -> float:
        self._n_iterations += 1
        is_last = self._n_iterations == self._watch.steps
        if self._n_iterations > int(self._n_shown * _GROWTH) or is_last:
            for predictions in islice(self._stages(estimator), self._n_shown, None):
                self._n_shown += 1
                if self._n_shown % self._score_every and self._n_shown < self._watch.steps:
                    self._watch.skip(self._n_shown)
                elif self._watch.observe(self._n_shown, {}, partial(np.asarray, predictions)).stop:
                    return -1.0
        return float(self._n_iterations)

    def _stages(self, estimator: Estimator) -> Iterator[NDArray[np.floating]]:
        """Yields what the first tree predicts, the first two together, and so on."""
        if not self._n_classes:
            yield from estimator.staged_predict(self._x)
            return
        for some in estimator.staged_predict_proba(self._x):
            yield all_classes(estimator.classes_, some, self._n_classes)
