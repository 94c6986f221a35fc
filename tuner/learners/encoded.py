"""Lets a learner that fits tables of numbers fit mixed tables, too.

`reading_mixed` derives a class from the learner's, which does all that the learner does. Given a
mixed table, it encodes the rows (`tuner.learners.encoding`) by what the training rows hold, and
the learner sees a table of numbers; the encoder is saved beside the model. The parameters of the
encoder are parameters of the learner.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from tuner.errors import ModelError, SpecError
from tuner.learners.base import Fitted, Learner
from tuner.learners.checks import check_values, plural
from tuner.learners.encoding import Encoder, settings_of, split_params

if TYPE_CHECKING:
    from tuner.data import Development, Split
    from tuner.data.split import Inputs
    from tuner.learners.checks import Described
    from tuner.learners.setup import Script
    from tuner.learners.watch import Watch
    from tuner.space import SearchSpace, Value


NO_SCRIPT = (
    "a model of a mixed table carries what encodes the columns, which is no readable script; "
    "export it as .toml or .json, which `tuner train` takes"
)


class EncodedModel(Fitted):
    """A model of encoded rows, and what encodes them.

    Attributes:
        encoder: Fitted on the rows that the model was fitted on.
        inner: The model.
    """

    def __init__(self, encoder: Encoder, inner: Fitted) -> None:
        self.encoder = encoder
        self.inner = inner

    @property
    def lost(self) -> str:  # type: ignore[override]  # it depends on the model
        return self.inner.lost

    def encode(self, x: Inputs) -> Any:
        """Returns raw rows as the model takes them."""
        return self.encoder.transform(x)

    def predict(self, x: Inputs) -> NDArray[np.floating]:
        return self.inner.predict(self.encode(x))

    def n_params(self) -> int | None:
        return self.inner.n_params()

    def save(self, folder: Path) -> Mapping[str, Any] | None:
        self.encoder.write(folder)
        return self.inner.save(folder)

    @contextmanager
    def for_predictions(self) -> Iterator[None]:
        with self.inner.for_predictions():
            yield

    def agrees(self, other: Fitted, x: Inputs) -> bool:
        if not isinstance(other, EncodedModel):
            return False
        rows = self.encode(x)
        same = np.array_equal(rows, other.encode(x), equal_nan=True)
        return same and self.inner.agrees(other.inner, rows)

    def evaluate(self, rows: Split) -> dict[str, float]:
        return self.inner.evaluate(replace(rows, x=self.encode(rows.x)))


class _ReadsMixed(Learner):
    """What `reading_mixed` puts before a learner's own methods.

    Data of other kinds, and data that are encoded already, are passed on as they are.
    """

    def fit(
        self, params: Mapping[str, Value], data: Development, seed: int, watch: Watch
    ) -> Fitted:
        if data.kind != "mixed":
            return super().fit(params, data, seed, watch)  # type: ignore[safe-super]  # the learner's
        encoder, rest, encoded = self._encoded(params, data)
        return EncodedModel(encoder, super().fit(rest, encoded, seed, watch))  # type: ignore[safe-super]  # the learner's

    def fit_folds(
        self,
        params: Mapping[str, Value],
        folds: Sequence[Development],
        seeds: Sequence[int],
        watches: Sequence[Watch],
    ) -> list[Fitted]:
        if any(data.kind != "mixed" for data in folds):
            return super().fit_folds(params, folds, seeds, watches)
        _, rest = split_params(params, self.encoding)
        encoders, encoded = [], []
        for data in folds:
            encoder, _, numbers = self._encoded(params, data)
            encoders.append(encoder)
            encoded.append(numbers)
        fitted = super().fit_folds(rest, encoded, seeds, watches)
        return [EncodedModel(*pair) for pair in zip(encoders, fitted, strict=True)]

    def load(self, folder: Path, info: Mapping[str, Any]) -> Fitted:
        data = info["data"]
        if data.get("kind") != "mixed":
            return super().load(folder, info)  # type: ignore[safe-super]  # the learner's
        encoder = Encoder.read(folder)
        names = [column.name for column in encoder.layout]
        numbers = {"kind": "table", "input_shape": [len(names)], "feature_names": names}
        inner = super().load(folder, {**info, "data": {**data, **numbers}})  # type: ignore[safe-super]  # the learner's
        return EncodedModel(encoder, inner)

    @classmethod
    def check_task(
        cls,
        data: Described,
        space: SearchSpace | None = None,
        fixed: Mapping[str, Value] = MappingProxyType({}),
    ) -> None:
        super().check_task(data, space, fixed)
        if data.kind == "mixed" or cls.takes_any:
            return
        refuse_encoding(cls, data, (*fixed, *(space.names() if space else ())))

    def try_out(self, params: Mapping[str, Value], data: Development) -> Sequence[str]:
        _, rest, data = self._passed_on(params, data)
        return super().try_out(rest, data)

    def baseline(
        self, metric: str, data: Development, fixed: Mapping[str, Value], drawn: Collection[str]
    ) -> dict[str, Any] | None:
        _, rest, data = self._passed_on(fixed, data)
        return super().baseline(metric, data, rest, drawn)

    def script(
        self, params: Mapping[str, Value], data: Development, about: Script
    ) -> tuple[str, Callable[[Split], Split]]:
        if data.kind == "mixed":
            raise ModelError(NO_SCRIPT)
        return super().script(params, data, about)

    def _passed_on(
        self, params: Mapping[str, Value], data: Development
    ) -> tuple[Encoder | None, Mapping[str, Value], Development]:
        return self._encoded(params, data) if data.kind == "mixed" else (None, params, data)

    def _encoded(
        self, params: Mapping[str, Value], data: Development
    ) -> tuple[Encoder, dict[str, Value], Development]:
        """Returns the encoder, the learner's own parameters, and a table of numbers.

        The last encoding of the same data is kept, because most trials encode as the one before.
        """
        own, rest = split_params(params, self.encoding)
        check_values(type(self), {name: [value] for name, value in own.items()}, "params")
        kept = self._encodings.get(data)
        if kept is not None and kept[0] == own:
            return kept[1], rest, kept[2]
        encoder = Encoder.fit(data.train.x, self.encoding, **own)
        encoded = replace(
            data,
            train=replace(data.train, x=encoder.transform(data.train.x)),
            validation=replace(data.validation, x=encoder.transform(data.validation.x)),
            feature_names=tuple(column.name for column in encoder.layout),
        )
        self._encodings[data] = own, encoder, encoded
        return encoder, rest, encoded

    @cached_property
    def _encodings(
        self,
    ) -> WeakKeyDictionary[Development, tuple[dict[str, Value], Encoder, Development]]:
        return WeakKeyDictionary()


def refuse_encoding(learner: type[Learner], data: Described, names: Collection[str]) -> None:
    """Refuses parameters of the encoder for data that are not encoded.

    Raises:
        SpecError: One of the names is such a parameter.
    """
    for name in names:
        if name in settings_of(learner.encoding):
            raise SpecError(
                f"{name} is for mixed tables, with categories, dates, texts or gaps, but "
                f"{data.name} holds {plural(data.kind)}; remove it"
            )


@cache
def reading_mixed(learner: type[Learner]) -> type[Learner]:
    """Returns a class that does what a learner does, and reads mixed tables, too.

    Returns:
        The learner itself if it reads mixed tables, or no tables.
    """
    if "table" not in learner.kinds or "mixed" in learner.kinds:
        return learner
    attributes = {
        "__doc__": learner.__doc__,
        "__module__": learner.__module__,
        "__qualname__": learner.__qualname__,
        "kinds": (*learner.kinds, "mixed"),
        "settings": MappingProxyType({**learner.settings, **settings_of(learner.encoding)}),
    }
    return type(learner.__name__, (_ReadsMixed, learner), attributes)
