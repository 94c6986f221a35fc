"""Dates: the time since the first training row, and the parts that vary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from tuner.learners.encoding.encoding_options import EncodedColumn, Options
from tuner.learners.encoding.number_encoding import NumberEncoding
from tuner.spec.models import Part

if TYPE_CHECKING:
    import pandas as pd

Cycle = Literal["month", "day", "weekday", "hour"]
_CYCLES: dict[Cycle, tuple[str, int, int]] = {  # pandas' name, first value, how many there are
    "month": ("month", 1, 12),
    "day": ("day", 1, 31),
    "weekday": ("day_of_week", 0, 7),
    "hour": ("hour", 0, 24),
}
_DAY = np.timedelta64(1, "D")


class DateEncoding(Part):
    """How a date is encoded.

    Attributes:
        name: The column.
        first: The earliest of the training rows, as ISO 8601.
        days: How the days since then are encoded.
        year: How the year is encoded; None if it does not vary.
        cycles: The parts that vary.
        form: "circle" is two columns for each of ``cycles``, sine and cosine, both 0 where the
            date is missing; "raw" is a number, NaN where it is missing.
    """

    kind: Literal["date"] = "date"
    name: str
    first: str
    days: NumberEncoding
    year: NumberEncoding | None = None
    cycles: Annotated[tuple[Cycle, ...], Field(strict=False)] = ()
    form: Literal["circle", "raw"]

    @field_validator("first")
    @classmethod
    def _is_date(cls, first: str) -> str:
        """Refuses what is no date."""
        try:
            is_date = not np.isnat(np.datetime64(first, "us"))
        except ValueError:
            is_date = False
        if not is_date:
            raise ValueError("must be a date as ISO 8601 has it")
        return first

    @classmethod
    def fit(cls, name: str, series: pd.Series[Any], options: Options) -> Self:
        """Measures the training rows.

        Args:
            name: The column.
            series: Dates, NaT where missing.
            options: How to encode.
        """
        present = series.dropna()
        moments = present.to_numpy("datetime64[us]")
        first = moments.min() if len(moments) else np.datetime64(0, "us")
        years = _part(series, "year")
        parts = {cycle: getattr(present.dt, part) for cycle, (part, _, _) in _CYCLES.items()}
        varying = [cycle for cycle, values in parts.items() if values.nunique() > 1]
        year = NumberEncoding.fit(f"{name} (year)", years, options)
        return cls(
            name=name,
            first=str(first),
            days=NumberEncoding.fit(f"{name} (days)", _days(series, first), options),
            # The indicator of the days says what is missing.
            year=year.model_copy(update={"indicator": False})
            if present.dt.year.nunique() > 1
            else None,
            cycles=tuple(varying),
            form="raw" if options.style == "trees" else "circle",
        )

    @property
    def layout(self) -> tuple[EncodedColumn, ...]:
        """The columns that it becomes."""
        numbers = (*self.days.layout, *(self.year.layout if self.year else ()))
        ends = ("",) if self.form == "raw" else (" sine", " cosine")
        parts = [f"{self.name} ({part}{end})" for part in self.cycles for end in ends]
        names = [*(column.name for column in numbers), *parts]
        return tuple(EncodedColumn(name, self.name) for name in names)

    def encode(self, series: pd.Series[Any]) -> NDArray[np.float64]:
        """Returns a date as it becomes, ``(n, k)``."""
        columns = [self.days.encode(_days(series, np.datetime64(self.first, "us")))]
        if self.year is not None:
            columns.append(self.year.encode(_part(series, "year")))
        for cycle in self.cycles:
            part, first, length = _CYCLES[cycle]
            values = _part(series, part)
            if self.form == "raw":
                columns.append(values[:, np.newaxis])
                continue
            angle = 2 * np.pi * (values - first) / length
            columns.append(np.nan_to_num(np.stack([np.sin(angle), np.cos(angle)], axis=1)))
        return np.concatenate(columns, axis=1)


def _days(series: pd.Series[Any], first: np.datetime64) -> NDArray[np.float64]:
    moments = series.to_numpy("datetime64[us]")
    return np.asarray((moments - first) / _DAY, dtype=np.float64)


def _part(series: pd.Series[Any], part: str) -> NDArray[np.float64]:
    return np.asarray(getattr(series.dt, part).to_numpy(np.float64, na_value=np.nan))
