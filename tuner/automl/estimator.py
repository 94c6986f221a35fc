"""AutoML as an estimator of scikit-learn: ``AutoML().fit(X, y).predict(rows)``."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import ClassifierTags, RegressorTags, Tags, check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from tuner import scoring
from tuner.automl.automl_request import DEFAULT_TIME, LEAST_SECONDS
from tuner.automl.automl_result import OwnFolder, automl
from tuner.automl.ensemble import Judge
from tuner.automl.few_rows import MOST_ROWS, fit_small, one_thread
from tuner.automl.planning import METRICS, check_metric
from tuner.bundle.inputs_by_name import as_inputs
from tuner.bundle.load import Bundle, load_bundle
from tuner.data import Development, Split
from tuner.data.inputs import read_inputs
from tuner.data.mixed import is_frame
from tuner.data.schema import Schema, TargetSchema
from tuner.data.targets import MOST_CLASSES, quantity, read_target
from tuner.errors import RequestError
from tuner.spec import Objective
from tuner.spec.quantities import seconds

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["classification", "regression"]


def _has_classes(estimator: AutoML) -> bool:
    """Returns whether there are probabilities, of which the methods of a regressor know nothing."""
    return estimator.task != "regression" and estimator.__dict__.get("task_") != "regression"


def _is_quantity(y: NDArray[Any]) -> bool:
    """Returns whether a target is a quantity by its values, as in the column of a file."""
    n_values = len(np.unique(y))
    if n_values > MOST_CLASSES and y.dtype.kind in "iu":
        return True
    return n_values > 2 and read_target(y, "y").task == "regression"


class AutoML(BaseEstimator):  # type: ignore[misc]  # untyped base
    """The best ensemble for a table within a time.

    Up to 500 rows, or in less than 5 s, which starting processes takes alone, a few cheap
    candidates are fitted in this process; otherwise `tuner.automl` runs a study. A ``time`` of 5 s
    or more is always given to a study.

    Attributes:
        classes_: The classes, ascending; of a classifier.
        task_: ``"classification"`` or ``"regression"``.
        leaderboard_: A frame with a row a learner, best first.
        bundle_: The written bundle, if a study was run.
        n_features_in_: Number of columns.
        feature_names_in_: Their names, if X is a frame.
    """

    def __init__(
        self,
        *,
        time: float | str | None = None,
        metric: str | None = None,
        task: Kind | None = None,
        single: bool = False,
        fast: bool = False,
        memory: int | str | None = None,
        workers: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        """Takes the options of `tuner.automl`.

        Args:
            time: In seconds or as ``"60s"``; if None 5 min, or what a small table takes.
            metric: What is improved; ROC AUC, log loss or RMSE if None, by the target.
            task: Follows from the target if None: numbers are a quantity if they are floats with
                more than two values, or more than 20 different integers.
            single: Keep the best single model, no ensemble; of a study.
            fast: Keep the fastest model within one standard error of the best; of a study.
            memory: For all processes of a study together.
            workers: Worker processes of a study.
            random_state: The seed; 0 if None.
        """
        self.time = time
        self.metric = metric
        self.task = task
        self.single = single
        self.fast = fast
        self.memory = memory
        self.workers = workers
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Finds the best ensemble.

        Args:
            X: ``(n, columns)``, an array of numbers, NaN where missing, or a frame, which may have
                categories, dates and texts, too.
            y: ``(n,)`` classes or a quantity.

        Raises:
            ValueError: The rows are not usable, or a parameter is wrong.
        """
        X, y = self._checked(X, y)
        codes = self._read_target(y)
        names = X.columns if is_frame(X) else (f"x{n + 1}" for n in range(self.n_features_in_))
        self._columns = [str(name) for name in names]
        allowed = seconds(DEFAULT_TIME if self.time is None else self.time)
        is_small = self.time is None and len(y) <= MOST_ROWS
        for name in ("bundle_", "_members", "_about", "_folder"):  # of an earlier fit
            self.__dict__.pop(name, None)
        try:
            if is_small or allowed < LEAST_SECONDS:
                self._fit_here(X, codes, allowed)
            else:
                self._fit_study(X, codes, allowed)
        except RequestError as error:
            raise ValueError(str(error)) from error
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Returns the likeliest class, or the quantity, for each row."""
        output = self._output(X)
        if self.task_ == "regression":
            return output
        return np.asarray(self.classes_[output.argmax(axis=1)])

    @available_if(_has_classes)  # type: ignore[untyped-decorator]  # of scikit-learn
    def predict_proba(self, X: Any) -> NDArray[np.floating]:
        """Returns the probabilities, shape ``(n, classes)``, in the order of ``classes_``."""
        return self._output(X)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Returns the accuracy, or R² of a quantity."""
        measure = r2_score if self._is_regressor else accuracy_score
        return float(measure(y, self.predict(X), sample_weight=sample_weight))

    @property
    def _is_regressor(self) -> bool:
        return getattr(self, "task_", self.task) == "regression"

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.input_tags.allow_nan = True
        match self.__dict__.get("task_", self.task):
            case "classification":
                tags.estimator_type, tags.classifier_tags = "classifier", ClassifierTags()
            case "regression":
                tags.estimator_type, tags.regressor_tags = "regressor", RegressorTags()
        return tags

    def _checked(self, X: Any, y: Any, *, reset: bool = True) -> tuple[Any, Any]:
        """Checks X, and y in a fit, as all estimators of scikit-learn do."""
        if is_frame(X):  # its columns may be of any kind
            validate_data(self, X, skip_check_array=True, reset=reset)
            if len(X) < 1:
                raise ValueError("Found array with 0 sample(s) while a minimum of 1 is required.")
        else:
            X = validate_data(self, X, ensure_all_finite="allow-nan", reset=reset)
        if not reset:
            return X, None
        if y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y "
                "is None"
            )
        y = column_or_1d(y, warn=True)
        if len(y) != len(X):
            raise ValueError(f"X and y have inconsistent numbers of samples: {len(X)}, {len(y)}")
        return X, y

    def _read_target(self, y: NDArray[Any]) -> NDArray[Any]:
        """Sets ``task_`` and ``classes_``; returns the quantity, or the numbers of the classes."""
        if y.dtype.kind in "fc" and not np.isfinite(y).all():
            raise ValueError("Input y contains NaN or infinity.")
        if self.task not in (None, "classification", "regression"):
            raise ValueError(
                f'task must be "classification", "regression" or None, but got {self.task!r}'
            )
        if self.task is None:
            self.task_: Kind = "regression" if _is_quantity(y) else "classification"
        else:
            self.task_ = self.task
        if self.task_ == "regression":
            self.__dict__.pop("classes_", None)
            return np.asarray(y, np.float64)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"y has one class, {self.classes_[0]!r}: there is nothing to learn; give rows of "
                "at least two classes"
            )
        return codes

    def _fit_here(self, X: Any, codes: NDArray[Any], allowed: float) -> None:
        has_gaps = not is_frame(X) and bool(np.isnan(X.astype(np.float64)).any())
        x, columns = read_inputs(self._frame(X) if has_gaps or is_frame(X) else X, "X")
        if not is_frame(x) and x.dtype.kind in "fiub":
            x = x.astype(np.float32)
            if not np.isfinite(x).all():
                raise ValueError("X holds numbers that are infinite or beyond float32")
        rows, names = self._rows(x, codes), tuple(self._columns)
        data = Development(
            train=rows,
            validation=rows.take(np.arange(1)),
            task=self._task(),
            feature_names=names,
            class_names=tuple(map(str, getattr(self, "classes_", ()))),
        )
        metric = self.metric or METRICS[data.task]
        check_metric(metric, data)
        direction = scoring.direction(metric) or "maximize"
        judge = Judge(data.task, Objective(metric=metric, direction=direction))
        small = fit_small(data, judge, self._seed(), allowed)
        target = TargetSchema(task=data.task)
        self._members = small.members
        self._about = {
            "feature_names": list(names),
            "kind": data.kind,
            "input_shape": list(data.input_shape),
            "schema": Schema(columns=tuple(columns), target=target).to_dict() if columns else None,
        }
        self.leaderboard_ = _frame_of(small.board)

    def _rows(self, x: Any, codes: NDArray[Any]) -> Split:
        if self.task_ == "regression":
            return Split(x, quantity(codes))
        return Split(x, codes.astype(np.float32 if len(self.classes_) == 2 else np.int32))

    def _task(self) -> Literal["regression", "binary", "multiclass"]:
        if self.task_ == "regression":
            return "regression"
        return "binary" if len(self.classes_) == 2 else "multiclass"

    def _fit_study(self, X: Any, codes: NDArray[Any], allowed: float) -> None:
        frame = self._frame(X)
        target = "target"
        while target in frame.columns:
            target += "_"
        result = automl(
            frame.assign(**{target: codes}),
            target,
            time=allowed,
            metric=self.metric,
            task=self.task_,
            single=self.single,
            fast=self.fast,
            memory=self.memory,
            workers=self.workers,
            seed=self._seed(),
        )
        self.bundle_, self._folder = result.bundle, result.folder
        self.leaderboard_ = result.leaderboard

    def _output(self, X: Any) -> NDArray[np.floating]:
        check_is_fitted(self, "leaderboard_")
        X, _ = self._checked(X, None, reset=False)
        bundle: Bundle | None = self.__dict__.get("bundle_")
        try:
            if bundle is None:
                inputs = as_inputs(self._frame(X), self._about, "the model")
                if isinstance(inputs, np.ndarray) and inputs.dtype != np.object_:
                    inputs = inputs.astype(np.float32)
                with one_thread():
                    output = self._members.predict(inputs)
            else:
                output = bundle.predict(self._frame(X))
        except RequestError as error:
            raise ValueError(str(error)) from error
        if self.task_ == "regression" or bundle is None:
            return output
        spread = np.zeros((len(output), len(self.classes_)))  # some may be too rare to be learnt
        spread[:, [int(name) for name in bundle.info["data"]["class_names"]]] = output
        return spread

    def _frame(self, X: Any) -> pd.DataFrame:
        import pandas as pd

        if is_frame(X):
            return X.reset_index(drop=True).set_axis(self._columns, axis=1)
        return pd.DataFrame(X, columns=self._columns)

    def _seed(self) -> int:
        if self.random_state is None:
            return 0
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if state.pop("_folder", None) is not None:
            state["bundle_"] = _packed(state["bundle_"].path)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        packed = state.get("bundle_")
        if isinstance(packed, bytes):
            folder = OwnFolder()
            with zipfile.ZipFile(io.BytesIO(packed)) as archive:
                archive.extractall(folder.path / "model")
            state = {**state, "_folder": folder, "bundle_": load_bundle(folder.path / "model")}
        super().__setstate__(state)


def _frame_of(board: list[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(board)


def _packed(folder: Path) -> bytes:
    """Returns a folder as an archive."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder).as_posix())
    return content.getvalue()
