"""What a search may see of a data set, and the test rows, sealed.

`Development` is all that reaches a learner, a user's own ``build_model`` included. It holds no
reference to test rows, not even as the base of a NumPy view. `SealedTest` returns the test rows to
a caller that names itself and its purpose. `SealedData` is both, as `tuner.data.load` returns them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.data.schema import Schema, Task
from tuner.data.split import Kind, Split, concatenated


class Shaped:
    """What is known of data by their training rows and class names."""

    train: Split
    class_names: tuple[str, ...]

    @property
    def input_shape(self) -> tuple[int, ...]:
        """See `Split`."""
        return self.train.input_shape

    @property
    def kind(self) -> Kind:
        """See `Split`."""
        return self.train.kind

    @property
    def scale(self) -> float | None:
        """See `Split`; that of the training rows."""
        return self.train.scale

    @property
    def n_classes(self) -> int:
        """Number of classes; 0 for a regression."""
        return len(self.class_names)


@dataclass(frozen=True, eq=False)
class Development(Shaped):
    """Training and validation rows, and what is known of them.

    Attributes:
        train: What models are fitted on.
        validation: What trials are compared by.
        task: ``"regression"``, ``"binary"`` or ``"multiclass"``.
        name: The data set's name.
        feature_names: A name per column of ``x``; empty when ``x`` is not a table.
        class_names: A name per class, in the order of their numbers; empty for a regression.
        source: Where the data comes from, for people.
        licence: Licence of the data, for people.
        note: What the reader of a score must know of the splits.
        schema: What was found in the columns and decided about them; None of data that did not
            come as a table.
    """

    train: Split
    validation: Split
    task: Task
    name: str = "data"
    feature_names: tuple[str, ...] = ()
    class_names: tuple[str, ...] = ()
    source: str = ""
    licence: str = ""
    note: str = ""
    schema: Schema | None = None

    @property
    def rows(self) -> Split:
        """Training and validation rows in one split; those of a truth table only once."""
        train, validation = self.train, self.validation
        if self.kind == "mixed":
            return concatenated(train, validation)
        if np.array_equal(train.x, validation.x) and np.array_equal(train.y, validation.y):
            return train
        return concatenated(train, validation)

    def fold(self, train: NDArray[np.intp], validation: NDArray[np.intp]) -> Development:
        """Returns these data divided otherwise.

        Args:
            train: Positions in ``rows`` to fit on.
            validation: Positions in ``rows`` that are held out.
        """
        rows = self.rows
        return replace(self, train=rows.take(train), validation=rows.take(validation))

    def trained_on(self, rows: Split) -> Development:
        """Returns these data with other training rows, whose scaling a learner then takes."""
        return replace(self, train=rows)


class SealedTest:
    """The test rows of a data set, which only :meth:`open` returns.

    Attributes:
        openings: Who has opened it and why, in order.
    """

    def __init__(self, rows: Split) -> None:
        """Seals the rows."""
        self._rows = rows
        self.openings: list[tuple[str, str]] = []

    def __len__(self) -> int:
        """Number of rows; the only thing that is known without opening."""
        return len(self._rows)

    def open(self, by: str, why: str) -> Split:
        """Returns the test rows and records the opening.

        Args:
            by: Who opens it, such as ``"tuner train"``.
            why: What for, such as ``"score the final model"``.

        Raises:
            ValueError: One of them is empty.
        """
        if not by.strip() or not why.strip():
            raise ValueError("say who opens the test split and why")
        self.openings.append((by, why))
        return self._rows


@dataclass(frozen=True, eq=False)
class SealedData:
    """A loaded data set.

    Attributes:
        development: Training and validation rows.
        sealed_test: The test rows.
        fingerprint: `Splits.fingerprint`, over all three parts.
    """

    development: Development
    sealed_test: SealedTest
    fingerprint: str

    def describe(self) -> dict[str, Any]:
        """Returns what is stored with a study, as values that JSON holds."""
        data = self.development
        return {
            "name": data.name,
            "task": data.task,
            "rows": {
                "train": len(data.train),
                "validation": len(data.validation),
                "test": len(self.sealed_test),
            },
            "kind": data.kind,
            "input_shape": list(data.input_shape),
            "input_dtype": data.kind if data.kind in ("text", "mixed") else str(data.train.x.dtype),
            "scale": data.scale,
            **({} if data.train.sample_weight is None else {"weighted": True}),
            "n_classes": data.n_classes,
            "feature_names": list(data.feature_names),
            "class_names": list(data.class_names),
            "source": data.source,
            "licence": data.licence,
            "note": data.note,
            **({} if data.schema is None else {"schema": data.schema.to_dict()}),
            "fingerprint": self.fingerprint,
        }
