"""From the rows of a mixed table to an array of numbers, by what the training rows hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tuner.errors import BundleError, DataError, SpecError
from tuner.learners.encoding.category_encoding import CategoryEncoding
from tuner.learners.encoding.date_encoding import DateEncoding
from tuner.learners.encoding.encoding_options import EncodedColumn, Options, Style, options
from tuner.learners.encoding.number_encoding import NumberEncoding
from tuner.learners.encoding.text_encoding import TextEncoding
from tuner.spec.models import Part
from tuner.spec.reading import read_part
from tuner.wording import Position, quoted

if TYPE_CHECKING:
    import pandas as pd

    from tuner.space import Value

FILE = "features.json"
"""The file of an encoder, in the folder of the model that it belongs to."""

Encoding = NumberEncoding | CategoryEncoding | DateEncoding | TextEncoding
_ADVICE = "train the bundle again"


class Encoder(Part):
    """How each column is encoded; fitted on training rows, and stored as JSON.

    Attributes:
        form: Version of the form in which it is stored.
        style: What the columns are made for.
        columns: One for each column of the table, in their order.
    """

    form: Literal[1] = 1
    style: Style
    columns: Annotated[
        tuple[Annotated[Encoding, Field(discriminator="kind")], ...],
        Field(strict=False, min_length=1),
    ]

    @classmethod
    def fit(cls, x: pd.DataFrame, style: Style, **settings: Value) -> Self:
        """Measures the training rows.

        Args:
            x: ``(n, features)``, as `tuner.data.mixed` describes it.
            style: What the columns are made for.
            settings: Parameters of `tuner.learners.encoding.settings_of`; those not given have
                their defaults.

        Raises:
            ValueError: There is no such parameter, or it cannot have such a value.
        """
        chosen = options(style, settings)
        return cls(
            style=style,
            columns=tuple(_fitted(str(name), x[name], chosen) for name in x.columns),
        )

    @cached_property
    def layout(self) -> tuple[EncodedColumn, ...]:
        """What the columns of the result are."""
        return tuple(column for one in self.columns for column in one.layout)

    def transform(self, x: pd.DataFrame) -> NDArray[np.float32]:
        """Returns rows as numbers, ``(n, len(layout))``; only the style "trees" has NaN.

        Args:
            x: Has the columns of the training rows, by their names, in any order.

        Raises:
            DataError: A column is missing, or holds something else than in the training rows.
        """
        result = np.empty((len(x), len(self.layout)), np.float32)
        start = 0
        for column in self.columns:
            end = start + len(column.layout)
            result[:, start:end] = column.encode(_series(x, column))
            start = end
        return result

    def transform_sparse(self, x: pd.DataFrame) -> Any:
        """Returns the same as a sparse array of SciPy, CSR float32, for texts of many words."""
        from scipy import sparse

        parts = [
            column.encode_sparse(_series(x, column))
            if isinstance(column, TextEncoding)
            else sparse.csr_array(column.encode(_series(x, column)).astype(np.float32))
            for column in self.columns
        ]
        return sparse.csr_array(sparse.hstack(parts))

    def to_dict(self) -> dict[str, Any]:
        """Returns it as values that JSON holds."""
        return self.model_dump(mode="json")

    @classmethod
    def from_dict(cls, table: object, where: str = FILE) -> Self:
        """Returns what `to_dict` returned.

        Raises:
            BundleError: It is something else.
        """
        if not isinstance(table, Mapping):
            raise BundleError(f"{where} must hold a table; {_ADVICE}")
        try:
            return read_part(cls, table, Position(where), _ADVICE)
        except SpecError as error:
            raise BundleError(str(error)) from None

    def write(self, folder: Path) -> None:
        """Writes it into a folder.

        Raises:
            OSError: The file cannot be written.
        """
        text = json.dumps(self.to_dict(), ensure_ascii=False, indent=1)
        (folder / FILE).write_text(text, encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Reads what `write` wrote.

        Raises:
            BundleError: The file is missing or broken.
        """
        file = folder / FILE
        try:
            table = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as exc:
            raise BundleError(f"{file} cannot be read: {exc}; {_ADVICE}") from exc
        return cls.from_dict(table, str(file))


def _fitted(name: str, series: pd.Series[Any], chosen: Options) -> Encoding:
    import pandas as pd

    if isinstance(series.dtype, pd.CategoricalDtype):
        return CategoryEncoding.fit(name, series, chosen)
    match series.dtype.kind:
        case "M":
            return DateEncoding.fit(name, series, chosen)
        case "O":
            return TextEncoding.fit(name, series, chosen)
    return NumberEncoding.fit(name, series.to_numpy(np.float64, na_value=np.nan), chosen)


def _series(x: pd.DataFrame, column: Encoding) -> Any:
    """Returns a column of the rows as its encoding takes it.

    Raises:
        DataError: It is missing, or cannot be read as such.
    """
    import pandas as pd

    if column.name not in x.columns:
        raise DataError(f"the rows have no column {quoted(column.name)}, which the model needs")
    series = x[column.name]
    try:
        match column.kind:
            case "number":
                return pd.to_numeric(series).to_numpy(np.float64, na_value=np.nan)
            case "date":
                return pd.to_datetime(series).astype("datetime64[us]")
            case "text":
                return series.astype(object).map(str, na_action="ignore").astype(object)
    except (TypeError, ValueError) as exc:
        raise DataError(
            f"the column {quoted(column.name)} must hold {column.kind}s, as in the training rows: "
            f"{exc}"
        ) from exc
    return series
