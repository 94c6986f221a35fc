"""A data set in three splits, as readers and a user's ``load_data`` make it.

Terms and shapes, declared once for the package (``n`` rows, ``k`` targets):

- ``x``: raw, because scaling belongs to the model, so that it takes raw inputs later. Its kind
  says what it is (`Splits.kind`):

  - ``"table"``: float32 ``(n, features)``;
  - ``"image"``: ``(n, height, width, channels)``, uint8 of 0 … 255 or float32. uint8 stays what it
    is, a quarter of the memory in every worker: training casts, batch by batch;
  - ``"text"``: ``(n,)`` of Python's ``str``, dtype object; the model begins with a vocabulary;
  - ``"mixed"``: a frame of pandas, as `tuner.data.mixed` describes it.

- ``y``: float32 ``(n,)`` or ``(n, k)`` for ``"regression"``, float64 where float32 would lose what
  there is to learn (300,000,000.25 among its like); float32 ``(n,)`` of 0 and 1 for
  ``"binary"``; int32 ``(n,)`` of 0 … classes − 1 for ``"multiclass"``.
- ``sample_weight``: float32 ``(n,)`` in every part, or None in all.
- train: what ``fit`` sees; validation: what trials are compared by; test: opened once, by
  ``tuner train``, never by a search: learners get `Splits.development` only.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import get_args

import numpy as np

from tuner.data.development import Development, SealedData, SealedTest, Shaped
from tuner.data.mixed import described, is_frame, row_hashes, with_levels
from tuner.data.schema import Schema, Task
from tuner.data.split import Kind, Split, checked, quantities
from tuner.errors import DataError
from tuner.wording import quoted

PARTS = ("train", "validation", "test")

__all__ = ["PARTS", "Kind", "Split", "Splits", "Task"]


@dataclass(frozen=True, eq=False)
class Splits(Shaped):
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
        note: What the reader of a score must know of these splits, such as which part of the data
            was available; shown with the result.
        schema: What was found in the columns and decided about them; None of data that did not
            come as a table.

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
    note: str = ""
    schema: Schema | None = None

    def __post_init__(self) -> None:
        if self.task not in get_args(Task):
            allowed = ", ".join(repr(task) for task in get_args(Task))
            raise DataError(f"{self.name}: task must be one of {allowed}, but it is {self.task!r}")
        for part in PARTS:
            # A frozen dataclass is written to once, here, so that everybody after sees one dtype.
            object.__setattr__(
                self, part, checked(getattr(self, part), self.task, f"{self.name}, {part}")
            )
        if len({getattr(self, part).sample_weight is None for part in PARTS}) > 1:
            raise DataError(f"{self.name}: give sample_weight for all splits, or for none")
        shapes = {part: getattr(self, part).x.shape[1:] for part in PARTS}
        if len(set(shapes.values())) > 1:
            found = ", ".join(f"{part} {shape}" for part, shape in shapes.items())
            raise DataError(f"{self.name}: rows of x must have one shape in all splits: {found}")
        if len({getattr(self, part).y.shape[1:] for part in PARTS}) > 1:
            raise DataError(f"{self.name}: rows of y must have one shape in all splits")
        if self.task == "regression":
            self._choose_float()
        self._name_classes()
        object.__setattr__(self, "feature_names", tuple(self.feature_names))
        columns = (1,) if self.kind == "text" else self.input_shape
        if self.feature_names and columns != (len(self.feature_names),):
            raise DataError(
                f"{self.name}: {len(self.feature_names)} feature names for rows of shape "
                f"{self.input_shape}: give a name per column, or none"
            )

    def _choose_float(self) -> None:
        """Gives the targets of all parts one dtype."""
        parts = quantities([getattr(self, name) for name in PARTS], self.train, self.name)
        for name, part in zip(PARTS, parts, strict=True):
            object.__setattr__(self, name, part)

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
        if len(set(names)) < len(names):
            twice = next(name for number, name in enumerate(names) if name in names[:number])
            raise DataError(
                f"{self.name}: several classes have the name {quoted(str(twice))}; every class "
                "needs its own name"
            )
        object.__setattr__(self, "class_names", names)

    @cached_property
    def development(self) -> Development:
        """All but the test rows; arrays that are views of larger ones are copied."""
        train, validation = self.train.detached(), self.validation.detached()
        if self.kind == "mixed":
            x, other = with_levels([train.x, validation.x])
            train, validation = replace(train, x=x), replace(validation, x=other)
        return Development(
            train,
            validation,
            self.task,
            self.name,
            self.feature_names,
            self.class_names,
            self.source,
            self.licence,
            self.note,
            self.schema,
        )

    def sealed(self) -> SealedData:
        """Returns the same data with the test rows sealed."""
        return SealedData(self.development, SealedTest(self.test), self.fingerprint)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over dtype, shape and bytes of all arrays, as hex; computed once.

        A text's bytes are its length and its UTF-8; a frame counts by its columns' names and
        dtypes and by pandas' hashes of its rows.
        """
        digest = hashlib.sha256()
        for part in PARTS:
            split: Split = getattr(self, part)
            beside = [array for array in (split.group, split.time) if array is not None]
            for array in (*split.arrays, *beside):
                if is_frame(array):
                    digest.update(described(array).encode() + row_hashes(array).tobytes())
                    continue
                digest.update(f"{array.dtype.str}{array.shape}".encode())
                if array.dtype == np.object_:
                    for text in array.tolist():
                        written = text.encode("utf-8", "surrogatepass")
                        digest.update(len(written).to_bytes(8, "little") + written)
                else:
                    digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()
