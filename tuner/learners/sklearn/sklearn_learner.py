"""What the learners of scikit-learn have in common; it imports no scikit-learn.

Parameters have scikit-learn's names, rules and defaults. The word "none" stands for Python's None,
"auto" for what scikit-learn does by default. All scores are computed from predictions.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import WeakKeyDictionary

from tuner.errors import ModelError, SpecError
from tuner.learners.base import Fitted, Learner
from tuner.learners.encoded import refuse_encoding
from tuner.learners.encoding import Encoder, Style, split_params
from tuner.learners.settings import Setting
from tuner.learners.setup import Script
from tuner.learners.sklearn import FILE
from tuner.wording import either, toml

if TYPE_CHECKING:
    from tuner.data import Development, Split
    from tuner.data.split import Kind
    from tuner.learners.checks import Described
    from tuner.learners.watch import Watch
    from tuner.space import SearchSpace, Value

NONE = ("none",)
CLASS_WEIGHT = Setting("none", choices=("none", "balanced"))
_EMPTY: Mapping[str, Any] = MappingProxyType({})


class SklearnLearner(Learner):
    """Fits estimators of scikit-learn."""

    library = "sklearn"
    file = FILE
    kinds: ClassVar[tuple[Kind, ...]] = ("table", "mixed")
    encoding: ClassVar[Style] = "trees"
    """How rows are encoded: for "trees" only those of mixed tables, else those of all tables."""
    of_classes: ClassVar[tuple[str, ...]] = ("class_weight",)
    """Parameters that are for classes only."""
    of_quantities: ClassVar[tuple[str, ...]] = ()
    """Parameters that are for quantities only."""
    choices_of_classes: ClassVar[Mapping[str, tuple[str, ...]]] = _EMPTY
    """Parameter to the words that it may be where the target is classes."""
    choices_of_quantities: ClassVar[Mapping[str, tuple[str, ...]]] = _EMPTY
    """Parameter to the words that it may be where the target is a quantity."""
    not_passed: ClassVar[tuple[str, ...]] = ()
    """Parameters that `arguments` leaves out."""

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
        for name in sorted(names & set(cls.of_classes if is_quantity else cls.of_quantities)):
            raise SpecError(
                f"{name} is for {other}, but the target of {data.name} is {what}; remove it"
            )
        if not cls._encodes(data.kind):
            refuse_encoding(cls, data, names)
        known = cls.choices_of_quantities if is_quantity else cls.choices_of_classes
        for name, choices in known.items():
            values = [fixed[name]] if name in fixed else []
            for parameter in space.parameters if space else ():
                values += parameter.choices if parameter.name == name else ()
            for value in values:
                if value not in choices:
                    raise SpecError(
                        f"{name} must be {either(choices)} where the target is {what}, "
                        f"but got {toml(value)}"
                    )

    def try_out(self, params: Mapping[str, Value], data: Development) -> tuple[str, ...]:
        self.check_targets(data)
        return ()

    def fit(
        self, params: Mapping[str, Value], data: Development, seed: int, watch: Watch
    ) -> Fitted:
        self.check_targets(data)
        if not self._encodes(data.kind):
            return self.fit_rows(params, data, seed, watch)
        from tuner.learners.sklearn.encoded_rows import Encoded

        encoder, numbers = self._encoded(params, data, watch)
        inner = self.fit_rows(params, numbers, seed, watch, encoder)
        return Encoded(encoder, inner, sparse=self.is_sparse(encoder))

    def _encoded(
        self, params: Mapping[str, Value], data: Development, watch: Watch
    ) -> tuple[Encoder, Development]:
        """Returns what encodes the rows, and the rows.

        The last encoding of the same data is kept, because most trials encode as the one before.
        """
        from tuner.learners.sklearn.encoded_rows import encoded, framed

        own = self.encoder_params(params)
        kept = self._encodings.get(data)
        if kept is not None and kept[0] == own:
            return kept[1:]
        encoder = Encoder.fit(framed(data.train.x), self.encoding, **own)
        sparse = self.is_sparse(encoder)
        train = replace(data.train, x=encoded(encoder, data.train.x, sparse=sparse))
        if watch.is_blind:  # the validation rows may be anything
            return encoder, replace(data, train=train)
        held = replace(data.validation, x=encoded(encoder, data.validation.x, sparse=sparse))
        self._encodings[data] = own, encoder, replace(data, train=train, validation=held)
        return self._encodings[data][1:]

    @cached_property
    def _encodings(
        self,
    ) -> WeakKeyDictionary[Development, tuple[dict[str, Value], Encoder, Development]]:
        return WeakKeyDictionary()

    def load(self, folder: Path, info: Mapping[str, Any]) -> Fitted:
        data = info["data"]
        if not self._encodes(data.get("kind", "table")):  # an early bundle does not say
            return self.load_rows(folder, data["input_shape"][0], data["n_classes"])
        from tuner.learners.sklearn.encoded_rows import Encoded

        encoder = Encoder.read(folder)
        inner = self.load_rows(folder, len(encoder.layout), data["n_classes"])
        return Encoded(encoder, inner, sparse=self.is_sparse(encoder))

    def script(
        self, params: Mapping[str, Value], data: Development, about: Script
    ) -> tuple[str, Callable[[Split], Split]]:
        self.check_targets(data)
        if self._encodes(data.kind):
            raise ModelError(
                f'the model "{self.model}" encodes the rows of {data.name}, and no script is '
                "written for that; export NAME.toml or NAME.json instead, which `tuner train` takes"
            )
        return self.script_text(params, data.task, about), lambda rows: rows

    @abstractmethod
    def fit_rows(
        self,
        params: Mapping[str, Value],
        data: Development,
        seed: int,
        watch: Watch,
        encoder: Encoder | None = None,
    ) -> Fitted:
        """Fits a model as `fit` does, on arrays.

        Args:
            params: As in ``fit``.
            data: ``x`` is float32 ``(n, features)``, or sparse if `is_sparse` says so; of mixed
                tables the codes of categories are the first columns.
            seed: As in ``fit``.
            watch: As in ``fit``; if it is blind, the validation rows may be anything.
            encoder: What has encoded the rows.
        """

    @abstractmethod
    def load_rows(self, folder: Path, n_features: int, n_classes: int) -> Fitted:
        """Reads what `fit_rows` returned and ``save`` wrote.

        Args:
            folder: The bundle's folder.
            n_features: Columns of the rows to predict.
            n_classes: How many classes the data have; 0 for a quantity.

        Raises:
            BundleError: The file is missing, broken, or holds something else.
        """

    def script_text(self, params: Mapping[str, Value], task: str, about: Script) -> str:
        """Returns a script for a table of numbers that is not encoded, see ``script``."""
        raise NotImplementedError

    @classmethod
    def encoder_params(cls, params: Mapping[str, Value]) -> dict[str, Value]:
        """Returns the encoder's parameters."""
        return split_params(params, cls.encoding)[0]

    @classmethod
    def is_sparse(cls, encoder: Encoder) -> bool:
        """Returns whether encoded rows are a sparse array of SciPy."""
        return False

    @classmethod
    def _encodes(cls, kind: Kind) -> bool:
        return kind != "table" or cls.encoding != "trees"

    def check_targets(self, data: Development) -> None:
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

    @classmethod
    def arguments(cls, params: Mapping[str, Value], task: str) -> dict[str, Any]:
        """Returns what an estimator's class is called with, but for steps and seed.

        Parameters that a trial does not give are left to scikit-learn's defaults.
        """
        params = split_params(params, cls.encoding)[1]
        other = cls.of_classes if task == "regression" else cls.of_quantities
        left_out = {*cls.not_passed, *other}
        return {
            name: None if value in NONE else value
            for name, value in params.items()
            if name in cls.settings and name not in left_out and value != "auto"
        }
