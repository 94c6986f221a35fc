"""Categories: a column for each level, or a code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import field_validator

from tuner.learners.encoding.encoding_options import EncodedColumn, Names, Options
from tuner.spec.models import Part

if TYPE_CHECKING:
    import pandas as pd


class CategoryEncoding(Part):
    """How a category is encoded.

    Each level that is encoded on its own has a number, in the order of ``levels``. Rare levels
    share the next number, and missing values have the one after that. A level that no training row
    has counts as rare.

    Attributes:
        name: The column.
        levels: Those that are encoded on their own, the most frequent first.
        form: "columns" is one for each number, which holds 1 in its rows and 0 in others; "code"
            is one column with 1 plus that number, and 0 for what has none; "code_or_nan" is one
            with that number, and NaN for what has none.
        rare: Whether training rows hold rare levels.
        missing: Whether missing values are a level of their own.
    """

    kind: Literal["category"] = "category"
    name: str
    levels: Names = ()
    form: Literal["columns", "code", "code_or_nan"]
    rare: bool = False
    missing: bool = False

    @field_validator("levels")
    @classmethod
    def _differ(cls, levels: tuple[str, ...]) -> tuple[str, ...]:
        """Refuses a level that stands there twice."""
        if len(set(levels)) < len(levels):
            raise ValueError("levels must differ from each other")
        return levels

    @classmethod
    def fit(cls, name: str, series: pd.Series[Any], options: Options) -> Self:
        """Counts the levels of the training rows.

        Args:
            name: The column.
            series: Categories of texts, missing where there is none.
            options: How to encode.
        """
        categories, codes = _as_categories(series)
        counts = np.bincount(codes[codes >= 0], minlength=len(categories))
        found = sorted(
            ((-count, level) for level, count in zip(categories, counts, strict=True) if count)
        )
        frequent = [level for count, level in found if -count >= options.min_rows]
        is_coded = options.style == "embedding" and len(found) > options.max_levels
        kept = frequent if is_coded else frequent[: options.max_levels]
        n_missing = int((codes < 0).sum())
        return cls(
            name=name,
            levels=tuple(kept),
            form="code_or_nan" if options.style == "trees" else "code" if is_coded else "columns",
            # A column that would be 0 in all rows, or no code at all, teaches nothing.
            rare=len(kept) < len(found) and not is_coded,
            missing=options.style != "trees" and n_missing >= (options.min_rows if is_coded else 1),
        )

    @property
    def layout(self) -> tuple[EncodedColumn, ...]:
        """The columns that it becomes."""
        if self.form == "columns":
            said = [f"= {level}" for level in self.levels]
            said += ["is rare"] * self.rare + ["is missing"] * self.missing
            return tuple(EncodedColumn(f"{self.name} {end}", self.name) for end in said)
        first = self.form == "code"  # 0 stands for what has no number
        return (EncodedColumn(self.name, self.name, "code", first + self._n_numbers),)

    @property
    def _n_numbers(self) -> int:
        return len(self.levels) + self.rare + self.missing

    def encode(self, series: pd.Series[Any]) -> NDArray[np.float32]:
        """Returns a category as it becomes, ``(n, k)``; see ``form``."""
        import pandas as pd

        categories, codes = _as_categories(series)
        known = pd.Index(self.levels, dtype=object).get_indexer(pd.Index(categories, dtype=object))
        numbers = np.where(known < 0, len(self.levels) if self.rare else -1, known)
        absent = self._n_numbers - 1 if self.missing else -1
        found = np.append(numbers, absent)[codes]  # the code of what is missing is -1
        match self.form:
            case "code":
                return (found + 1)[:, np.newaxis].astype(np.float32)
            case "code_or_nan":
                return np.where(found < 0, np.nan, found)[:, np.newaxis].astype(np.float32)
        columns = np.zeros((len(found), self._n_numbers), np.float32)
        rows = np.flatnonzero(found >= 0)
        columns[rows, found[rows]] = 1
        return columns


def _as_categories(series: pd.Series[Any]) -> tuple[list[str], NDArray[np.intp]]:
    """Returns levels, and for each row the position of its level, -1 where missing."""
    import pandas as pd

    found = series if isinstance(series.dtype, pd.CategoricalDtype) else series.astype("category")
    texts = np.array([_storable(level) for level in found.cat.categories], dtype=object)
    levels, numbers = np.unique(texts, return_inverse=True)
    codes = np.asarray(found.cat.codes, dtype=np.intp)
    return levels.tolist(), np.append(numbers, -1)[codes]


def _storable(level: object) -> str:
    """Returns a level as text that UTF-8 holds: half a character becomes a question mark."""
    return str(level).encode("utf-8", "replace").decode("utf-8")
