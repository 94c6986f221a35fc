"""The form in which every data set reaches models and training: three splits and their description.

Terms and shapes, declared once for the package (``n`` rows, ``k`` targets):

- ``x``: float32 ``(n, …)``, raw: scaling belongs to the model, so that it takes raw inputs later.
- ``y``: float32 ``(n,)`` or ``(n, k)`` for ``"regression"``; float32 ``(n,)`` of 0 and 1 for
  ``"binary"``; int32 ``(n,)`` of 0 … classes − 1 for ``"multiclass"``.
- train: what ``fit`` sees; validation: what trials are compared by; test: opened once, by
  ``tuner train``, never by a search.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from tuner.data.words import count
from tuner.errors import DataError

Task = Literal["regression", "binary", "multiclass"]
PARTS = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class Split:
    """Rows of one split.

    Attributes:
        x: Inputs, float32 ``(n, …)`` once they are part of a `Splits`.
        y: Targets, ``(n,)`` or ``(n, k)``; the dtype follows from the task (see the module).
    """

    x: NDArray[Any]
    y: NDArray[Any]

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.x)


@dataclass(frozen=True, eq=False)
class Splits:
    """A data set in three parts, checked and brought to the module's dtypes when it is made.

    Attributes:
        train: What models are fitted on.
        validation: What trials are compared by.
        test: What no search ever sees.
        task: ``"regression"``, ``"binary"`` or ``"multiclass"``.
        name: What people call it; stored with the study.
        feature_names: A name per column of ``x``; empty when ``x`` is not a table.
        class_names: A name per class, in the order of their numbers; empty for a regression.
        source: Where the data comes from, for people.
        licence: Licence of the data, for people.

    Raises:
        DataError: A part is empty, shapes disagree, or ``y`` does not fit the task.
    """

    train: Split
    validation: Split
    test: Split
    task: Task
    name: str = "data"
    feature_names: tuple[str, ...] = ()
    class_names: tuple[str, ...] = ()
    source: str = ""
    licence: str = ""

    def __post_init__(self) -> None:
        if self.task not in get_args(Task):
            allowed = ", ".join(repr(task) for task in get_args(Task))
            raise DataError(f"{self.name}: task must be one of {allowed}, but it is {self.task!r}")
        for part in PARTS:
            # A frozen dataclass is written to once, here, so that everybody after sees one dtype.
            object.__setattr__(self, part, self._checked(part, getattr(self, part)))
        shapes = {part: getattr(self, part).x.shape[1:] for part in PARTS}
        if len(set(shapes.values())) > 1:
            found = ", ".join(f"{part} {shape}" for part, shape in shapes.items())
            raise DataError(f"{self.name}: rows of x must have one shape in all splits: {found}")
        if len({getattr(self, part).y.shape[1:] for part in PARTS}) > 1:
            raise DataError(f"{self.name}: rows of y must have one shape in all splits")
        self._name_classes()
        object.__setattr__(self, "feature_names", tuple(self.feature_names))
        if self.feature_names and self.input_shape != (len(self.feature_names),):
            raise DataError(
                f"{self.name}: {len(self.feature_names)} feature names for rows of shape "
                f"{self.input_shape}: give a name per column, or none"
            )

    def _checked(self, part: str, split: Split) -> Split:
        """Returns the split in the module's dtypes; says which part is at fault."""
        where = f"{self.name}, {part}"
        x, y = np.asarray(split.x), np.asarray(split.y)
        if x.dtype.kind not in "fiub":
            raise DataError(
                f"{where}: x must hold numbers, but its dtype is {x.dtype}; "
                "encode text and dates as numbers"
            )
        if y.dtype.kind not in "fiub":
            raise DataError(f"{where}: y must hold numbers, but its dtype is {y.dtype}")
        x = x[:, np.newaxis] if x.ndim == 1 else x  # one feature
        y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
        if x.ndim == 0 or y.ndim == 0 or len(x) == 0:
            raise DataError(f"{where}: there are no rows")
        if len(x) != len(y):
            raise DataError(f"{where}: x has {len(x)} rows and y has {len(y)}; they must agree")
        if self.task != "regression":
            self._check_labels(where, y)
        with np.errstate(over="ignore"):  # what float32 cannot hold is refused just below
            x = x.astype(np.float32, copy=False)
            y = y.astype(np.int32 if self.task == "multiclass" else np.float32, copy=False)
        for letter, array in (("x", x), ("y", y)):
            bad = int(array.size - np.isfinite(array).sum())
            if bad:
                raise DataError(
                    f"{where}: {letter} holds {count(bad, 'value that is', 'values that are')} "
                    "NaN, infinite or beyond float32; fill them in or leave those rows out"
                )
        return Split(x, y)

    def _check_labels(self, where: str, y: NDArray[Any]) -> None:
        """Checks class numbers: one a row, whole, from 0 on."""
        if y.ndim != 1:
            raise DataError(
                f"{where}: y must hold one class number a row, but its shape is {y.shape}; "
                "for a one-hot matrix give y.argmax(axis=1)"
            )
        if not np.isfinite(y).all() or (y < 0).any() or (y != np.floor(y)).any():
            raise DataError(f"{where}: y must hold class numbers 0, 1, 2 … for a {self.task} task")
        if self.task == "binary" and (y > 1).any():
            raise DataError(
                f"{where}: y must hold 0 and 1 for a binary task, but holds {y.max():g}; "
                'more classes are task "multiclass"'
            )

    def _name_classes(self) -> None:
        """Completes the class names and checks that every label has one."""
        if self.task == "regression":
            object.__setattr__(self, "class_names", ())
            return
        highest = max(int(getattr(self, part).y.max()) for part in PARTS)
        least = 2 if self.task == "binary" else highest + 1
        names = tuple(self.class_names) or tuple(str(label) for label in range(max(2, least)))
        if len(names) < max(2, least) or (self.task == "binary" and len(names) != 2):
            raise DataError(
                f"{self.name}: {len(names)} class names {names} for labels 0 … {highest}"
            )
        object.__setattr__(self, "class_names", names)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one row of ``x``, without the number of rows."""
        return tuple(self.train.x.shape[1:])

    @property
    def n_classes(self) -> int:
        """Number of classes; 0 for a regression."""
        return len(self.class_names)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over dtype, shape and bytes of all six arrays, as hex; computed once."""
        digest = hashlib.sha256()
        for part in PARTS:
            split: Split = getattr(self, part)
            for array in (split.x, split.y):
                digest.update(f"{array.dtype.str}{array.shape}".encode())
                digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    def describe(self) -> dict[str, Any]:
        """Returns what is stored with a study, as values that JSON holds."""
        return {
            "name": self.name,
            "task": self.task,
            "rows": {part: len(getattr(self, part)) for part in PARTS},
            "input_shape": list(self.input_shape),
            "n_classes": self.n_classes,
            "feature_names": list(self.feature_names),
            "class_names": list(self.class_names),
            "source": self.source,
            "licence": self.licence,
            "fingerprint": self.fingerprint,
        }
