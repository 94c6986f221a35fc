"""What a search may see of a data set, and the test rows, sealed.

`Development` is all that reaches a learner, a person's own ``build_model`` among them. It holds
no reference to test rows. `SealedTest` gives them out to whoever says who opens it and why.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tuner.data.split import Kind, Split, Task, concatenated


@dataclass(frozen=True, eq=False)
class Development:
    """Training and validation rows, and what is known of them.

    Attributes:
        train: What models are fitted on.
        validation: What trials are compared by.
        task: ``"regression"``, ``"binary"`` or ``"multiclass"``.
        name: What people call the data.
        feature_names: A name per column of ``x``; empty when ``x`` is not a table.
        class_names: A name per class, in the order of their numbers; empty for a regression.
        source: Where the data comes from, for people.
        licence: Licence of the data, for people.
        note: What a person must know of the splits to read a score.
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

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one row of ``x``, without the number of rows; ``()`` for text."""
        return tuple(self.train.x.shape[1:])

    @property
    def kind(self) -> Kind:
        """What a row of ``x`` is: of a table, an image or a text."""
        if self.train.x.dtype == np.object_:
            return "text"
        return "image" if self.train.x.ndim > 2 else "table"

    @property
    def scale(self) -> float | None:
        """What an image is divided by to come into [0, 1]; None when ``x`` holds no images.

        255 for uint8; for float32 1, or the largest value in training when that is larger.
        """
        if self.kind != "image":
            return None
        if self.train.x.dtype == np.uint8:
            return 255.0
        return max(1.0, float(np.abs(self.train.x).max()))

    @property
    def n_classes(self) -> int:
        """Number of classes; 0 for a regression."""
        return len(self.class_names)

    @property
    def rows(self) -> Split:
        """Training and validation rows in one split; those of a truth table only once."""
        train, validation = self.train, self.validation
        if np.array_equal(train.x, validation.x) and np.array_equal(train.y, validation.y):
            return train
        return concatenated(train, validation)

    def trained_on(self, rows: Split) -> Development:
        """Returns these data with other training rows, whose scaling a learner then takes."""
        return replace(self, train=rows)


class SealedTest:
    """The test rows of a data set. Nothing of them can be read before :meth:`open`.

    Attributes:
        openings: Who has opened it and why, in order.
    """

    def __init__(self, rows: Split) -> None:
        """Seals the rows."""
        self._rows = rows
        self.openings: list[tuple[str, str]] = []

    def __len__(self) -> int:
        """Number of rows, which is no secret."""
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
