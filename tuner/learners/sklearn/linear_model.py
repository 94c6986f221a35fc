"""Linear models with a penalty: logistic regression for classes, least squares for quantities.

Source: ``sklearn.linear_model.LogisticRegression``, ``Ridge`` and ``ElasticNet``. ``alpha`` is the
strength of the penalty, as Ridge has it; ``C`` of LogisticRegression is 1/alpha, and ``alpha`` of
ElasticNet, which takes the mean over the rows and not their sum, is alpha/rows. ``l1_ratio`` is the
share of the L1 penalty, which leaves features out; without one the penalty is L2. Rows are encoded
and scaled (`tuner.learners.encoding`), texts by TF-IDF of many words, in sparse arrays. There is
one step.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from tuner.learners.base import Fitted
from tuner.learners.encoding import Encoder, settings_of
from tuner.learners.settings import Setting
from tuner.learners.sklearn.sklearn_learner import CLASS_WEIGHT, SklearnLearner

if TYPE_CHECKING:
    from tuner.data import Development
    from tuner.data.split import Kind
    from tuner.learners.watch import Watch
    from tuner.space import Value

_TEXTS: Mapping[str, Setting] = MappingProxyType(
    {
        "encode_text_features": Setting(20_000, words=("auto",), low=0, high=100_000),
        "encode_text_ngrams": Setting(2, low=1, high=3),
    }
)


class LinearModel(SklearnLearner):
    """Logistic regression, ridge regression or an elastic net."""

    name = "linear_model"
    kinds: ClassVar[tuple[Kind, ...]] = ("table", "mixed", "text")
    encoding = "one_hot"
    settings: ClassVar[Mapping[str, Setting]] = MappingProxyType(
        {
            "alpha": Setting(1.0, low=0.0, above=True),
            "l1_ratio": Setting(0.0, low=0.0, high=1.0),
            "max_iter": Setting(1000, low=1),
            "class_weight": CLASS_WEIGHT,
            **settings_of("one_hot"),
            **_TEXTS,
        }
    )
    preload = ("tuner.learners.sklearn.linear_fitting",)

    def fit_rows(
        self,
        params: Mapping[str, Value],
        data: Development,
        seed: int,
        watch: Watch,
        encoder: Encoder | None = None,
    ) -> Fitted:
        from tuner.learners.sklearn.linear_fitting import fit_linear

        return fit_linear({**self.parameters(), **params}, data, seed, watch)

    def load_rows(self, folder: Path, n_features: int, n_classes: int) -> Fitted:
        from tuner.learners.sklearn.linear_fitting import read_linear

        return read_linear(folder, n_features, n_classes)

    @classmethod
    def encoder_params(cls, params: Mapping[str, Value]) -> dict[str, Value]:
        usual = {name: setting.default for name, setting in _TEXTS.items()}
        return {**usual, **super().encoder_params(params)}

    @classmethod
    def is_sparse(cls, encoder: Encoder) -> bool:
        return any(column.kind == "text" for column in encoder.columns)
