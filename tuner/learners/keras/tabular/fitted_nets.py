"""A fitted network for tables: predictions with NumPy alone, and its files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

import numpy as np
from pydantic import Field

from tuner.data.raised import described
from tuner.errors import BundleError, SpecError
from tuner.learners.archives import check_unpacked_size
from tuner.learners.base import Fitted
from tuner.learners.keras.tabular.architecture import Structure, outputs
from tuner.learners.keras.tabular.net_columns import Columns
from tuner.spec.models import Finite, Part
from tuner.spec.reading import read_part
from tuner.wording import Position

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tuner.learners.keras.tabular.architecture import Parts

FILE, WEIGHTS = "net.json", "weights.npz"
_ADVICE = "train the bundle again"
_ROWS = 4096
Finites = Annotated[tuple[Finite, ...], Field(strict=False, min_length=1)]


class TargetScale(Part):
    """Quantities are learned in units of their standard deviation, and predicted within a range.

    Attributes:
        mean: Of each target, over the training rows.
        deviation: The same; 1 where it would be 0.
        low: The least that is predicted.
        high: The most.
        is_vector: Whether the targets are ``(n, k)``, and not ``(n,)``.
    """

    mean: Finites
    deviation: Finites
    low: Finites
    high: Finites
    is_vector: bool

    @classmethod
    def fit(cls, y: NDArray[Any]) -> Self:
        """Measures training targets, ``(n,)`` or ``(n, k)``."""
        columns = y.reshape(len(y), -1).astype(np.float64)
        deviation = columns.std(axis=0)
        return cls(
            mean=tuple(columns.mean(axis=0).tolist()),
            deviation=tuple(np.where(deviation > 0, deviation, 1.0).tolist()),
            low=tuple(columns.min(axis=0).tolist()),
            high=tuple(columns.max(axis=0).tolist()),
            is_vector=y.ndim > 1,
        )

    def sizes(self) -> set[int]:
        """Returns how many targets there are: one number, if its attributes agree."""
        return {len(one) for one in (self.mean, self.deviation, self.low, self.high)}

    def scaled(self, y: NDArray[Any]) -> NDArray[np.float32]:
        """Returns targets as they are learned, ``(n, k)``."""
        columns = y.reshape(len(y), -1).astype(np.float64)
        found = (columns - np.array(self.mean)) / np.array(self.deviation)
        return np.asarray(found, np.float32)

    def restored(self, learned: NDArray[np.float32]) -> NDArray[np.float64]:
        """Returns predictions in the unit of the data: what `scaled` does undone, within range."""
        found = learned.astype(np.float64) * np.array(self.deviation) + np.array(self.mean)
        found = np.asarray(np.clip(found, self.low, self.high))
        return found if self.is_vector else found[:, 0]


class Saved(Part):
    """All of ``net.json``.

    Attributes:
        form: Version of the form in which it is stored.
        structure: Shapes of the weights.
        columns: From rows to numbers and codes.
        target: How quantities are scaled; None for classes.
    """

    form: Annotated[int, Field(ge=1, le=1)] = 1
    structure: Structure
    columns: Columns
    target: TargetScale | None = None

    def fault(self) -> str | None:
        """Returns what does not agree, or None."""
        structure, columns = self.structure, self.columns
        layout = columns.encoder.layout
        numbers = {position for position, column in enumerate(layout) if column.kind == "number"}
        if len(set(columns.embedded)) < len(columns.embedded) or set(columns.embedded) - numbers:
            return "embedded names a column that is not one of numbers, or one twice"
        found = (len(columns.embedded), len(columns.plain), len(columns.codes))
        wanted = (structure.embedded, structure.plain, structure.codes)
        if found != wanted or sum(columns.levels) != structure.levels:
            return "the structure has other columns than the encoder"
        if structure.of_classes != (self.target is None):
            return "quantities need a target, and classes none"
        if self.target is not None and self.target.sizes() != {structure.outputs}:
            return "the target has other columns than the outputs"
        return None


class Nets(Fitted):
    """Networks of one structure, whose predictions are averaged: one for each seed."""

    def __init__(self, saved: Saved, members: Sequence[Parts]) -> None:
        """Wraps weights."""
        self.saved = saved
        self.members = list(members)

    def predict(self, x: Any) -> NDArray[np.floating]:
        step = max(1, _ROWS // self.saved.structure.heads)
        # At least once, so that there is a result for no rows, too.
        return np.concatenate(
            [self._predict(x[start : start + step]) for start in range(0, max(len(x), 1), step)]
        )

    def _predict(self, x: Any) -> NDArray[np.floating]:
        numbers, codes = self.saved.columns.transform(x)
        each = [outputs(self.saved.structure, parts, numbers, codes) for parts in self.members]
        return restored(np.mean(each, axis=0), self.saved.target)

    def n_params(self) -> int:
        return sum(array.size for parts in self.members for array in parts.values())

    def save(self, folder: Path) -> None:
        arrays: dict[str, Any] = {
            name: np.stack([parts[name] for parts in self.members]) for name in self.members[0]
        }
        with (folder / WEIGHTS).open("wb") as file:
            np.savez(file, **arrays)
        text = json.dumps(self.saved.model_dump(mode="json"), ensure_ascii=False, indent=1)
        (folder / FILE).write_bytes(text.encode("utf-8", "surrogatepass"))

    @classmethod
    def read(cls, folder: Path) -> Nets:
        """Reads what `save` wrote.

        Raises:
            BundleError: A file is missing or broken, or they do not belong together.
        """
        file = folder / FILE
        try:
            table = json.loads(file.read_bytes().decode("utf-8", "surrogatepass"))
        except (OSError, ValueError, RecursionError) as exc:
            raise BundleError(f"{file} cannot be read: {exc}; {_ADVICE}") from exc
        if not isinstance(table, dict):
            raise BundleError(f"{file} must hold an object of JSON; {_ADVICE}")
        try:
            saved = read_part(Saved, table, Position(str(file)), _ADVICE)
        except SpecError as error:
            raise BundleError(str(error)) from None
        if (fault := saved.fault()) is not None:
            raise BundleError(f"{file}: {fault}; {_ADVICE}")
        return cls(saved, _read_weights(folder / WEIGHTS, saved.structure))


def restored(predictions: NDArray[np.float32], target: TargetScale | None) -> NDArray[np.floating]:
    """Returns predictions ``(n, outputs)`` in the form of ``Fitted.predict``."""
    return predictions if target is None else target.restored(predictions)


def _read_weights(file: Path, structure: Structure) -> list[dict[str, NDArray[np.float32]]]:
    """Returns the parts of each member.

    Raises:
        BundleError: The file is missing or broken, or holds arrays of other shapes.
    """
    check_unpacked_size(file)
    try:
        with np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except Exception as exc:  # a broken archive may raise anything, and so may a forged one
        said = described(exc, file.parent)
        raise BundleError(f"{file} cannot be read: {said}; {_ADVICE}") from exc
    shapes = structure.shapes()
    if set(arrays) != set(shapes):
        raise BundleError(f"{file} holds other arrays than {FILE} says; {_ADVICE}")
    members = len(arrays["head"]) if arrays["head"].ndim else 0
    for name, shape in shapes.items():
        array = arrays[name]
        if array.dtype != np.float32 or array.shape != (members, *shape) or not members:
            raise BundleError(
                f"{file}: {name} is {array.dtype} {array.shape}, where {FILE} asks for float32 "
                f"{(max(members, 1), *shape)}; {_ADVICE}"
            )
        if not np.isfinite(array).all():
            raise BundleError(f"{file}: {name} holds what is no finite number; {_ADVICE}")
    return [{name: array[member] for name, array in arrays.items()} for member in range(members)]
