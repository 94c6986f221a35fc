"""Traced graphs, kept for models of the same structure.

Tracing a small network takes as long as training it. The graph depends on the structure alone:
layers, units, activations, the kind of optimizer, the rows. Weights and the optimizer's state are
variables, and what ``numbers.py`` knows is an input. So a worker traces a structure
once, and a further model of that structure lends its variables' values to the first one.
"""

from __future__ import annotations

import gc
import json
import logging
import warnings
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from types import FunctionType
from typing import Any

import keras
import psutil

from tuner.data import Split
from tuner.learners.keras.keras_private import layers_of
from tuner.learners.keras.training import numbers
from tuner.learners.keras.training.resident import ResidentLoop

_log = logging.getLogger(__name__)
_MOST = 64
_GROWTH = 384 * 2**20  # a graph takes 10 to 20 MiB


class Structures:
    """The loops of one worker, by structure; the least recently used are dropped first.

    Attributes:
        n_beside: How many workers share this machine's memory, this one among them.
    """

    def __init__(self, most: int = _MOST, growth: int = _GROWTH, n_beside: int = 1) -> None:
        """Begins with none.

        Args:
            most: Loops that are kept.
            growth: Bytes that the process may grow by after its first trial.
            n_beside: See above.

        With more of either, half of the loops go.
        """
        self._most = most
        self._growth = growth
        self.n_beside = n_beside
        self._began_at: int | None = None
        self._kept: OrderedDict[tuple[Any, ...], ResidentLoop] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    @contextmanager
    def lent(
        self, model: keras.Model, train: Split, validation: Split | None
    ) -> Iterator[ResidentLoop]:
        """Lends a loop that continues from the state of ``model``.

        After an error it is not kept: its variables may be half written.

        Args:
            model: Compiled and built. It becomes the loop's own if its structure is new.
            train: Rows to learn from.
            validation: Rows that are measured after each epoch, or None.
        """
        described = structure(model)
        if described is None:
            with alone(model, train, validation) as loop:
                yield loop
            return
        arrays = (*train.arrays, *(validation.arrays if validation else ()))
        # A kept loop holds its arrays, so that no other can have the same id.
        key = (described, *map(id, arrays))
        kept = self._kept.pop(key, None)
        if kept is None:
            kept = ResidentLoop(model, train, validation)
        else:
            _log.debug("the graph of an earlier model of the same structure is used again")
            kept.take_over(model)
        yield kept
        kept.settle()
        self._kept[key] = kept
        self._make_room()

    def _make_room(self) -> None:
        used = _resident_bytes()
        self._began_at = self._began_at or used
        if used - self._began_at <= self._growth and len(self._kept) <= self._most:
            return
        for _ in range((len(self._kept) + 1) // 2):
            self._kept.popitem(last=False)
        gc.collect()  # models and graphs have reference cycles


@contextmanager
def alone(model: keras.Model, train: Split, validation: Split | None) -> Iterator[ResidentLoop]:
    """Lends a loop for one training; the model is the caller's own again afterwards."""
    loop = ResidentLoop(model, train, validation)
    try:
        yield loop
    finally:
        loop.release()


def structure(model: keras.Model) -> str | None:
    """Describes all of a compiled model that its graph depends on.

    Returns:
        JSON; None if its configuration does not show that, as with classes, functions and
        vocabularies of the user's own.
    """
    if not type(model).__module__.startswith("keras."):
        return None
    layers = layers_of(model, include_self=False)
    if any(_adapts(part) or _has_own_function(part) for part in [*layers, model.optimizer]):
        return None
    with numbers.set_aside(numbers.slots(model)), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what cannot be loaded again; this never is
        described = keras.saving.serialize_keras_object(model)
    del described["config"]["name"]
    # Keras counts names up: dense_17 in the fifth model is dense_2 in the first.
    names = {part.name: f"part {i}" for i, part in enumerate([*layers, model.optimizer])}
    try:
        return json.dumps(_nameless(described, names), sort_keys=True)
    except (TypeError, _Foreign):
        return None


class _Foreign(Exception):
    """A part that is not Keras's own."""


def _nameless(part: Any, names: dict[str, str]) -> Any:
    match part:
        case {"class_name": "Lambda" | "__lambda__"}:
            raise _Foreign
        case {"module": module} if str(module).split(".")[0] != "keras":
            raise _Foreign
        case dict():
            return {
                key: names.get(value, value) if key == "name" else _nameless(value, names)
                for key, value in part.items()
                # A plain rate is a variable of the optimizer's; a schedule is described.
                if not (key == "learning_rate" and isinstance(value, float))
            }
        case list() | tuple():
            return [
                names.get(item, item) if isinstance(item, str) else _nameless(item, names)
                for item in part
            ]
    return part


def _adapts(layer: keras.Layer) -> bool:
    """Returns whether a layer learns by ``adapt`` what is in no variable: a vocabulary, bins."""
    return hasattr(layer, "adapt") and not isinstance(layer, keras.layers.Normalization)


def _has_own_function(part: object) -> bool:
    """Returns whether a part holds a function, of which its configuration has the name only."""
    functions = [value for value in vars(part).values() if isinstance(value, FunctionType)]
    return any(not function.__module__.startswith("keras.") for function in functions)


def _resident_bytes() -> int:
    return int(psutil.Process().memory_info().rss)
