"""How much each column moved the prediction for a row, by any model.

A column of the row is replaced by the values that it has in a small sample of training rows, which
the bundle holds; the mean of the predictions for these rows is subtracted from that for the row.
So a column alone is looked at: where two say the same, neither moves much. Source: the one-column
case of Štrumbelj and Kononenko, Explaining prediction models and individual predictions, 2014.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tuner.bundle.input_rows import Note, ignored, input_rows
from tuner.bundle.inputs_by_name import as_inputs
from tuner.bundle.members import replaced, take_rows
from tuner.data.mixed import is_frame
from tuner.data.split import Inputs
from tuner.errors import BundleError, RequestError
from tuner.results.rendering import as_table, document
from tuner.units import figure

if TYPE_CHECKING:
    from tuner.bundle.load import Bundle


def background_of(x: Inputs, names: Sequence[str]) -> dict[str, list[Any]]:
    """Returns rows as columns that JSON holds; None where a value is missing.

    Args:
        x: ``(n, columns)``, an array of numbers or a frame.
        names: Of the columns.
    """
    if not is_frame(x):
        return {name: x[:, n].astype(float).tolist() for n, name in enumerate(names)}
    return {str(name): [_plain(cell) for cell in column] for name, column in x.items()}


def _plain(cell: Any) -> Any:
    """Returns a cell as JSON has it; dates in ISO 8601."""
    if cell is None or cell != cell:  # NaN and NaT are not equal to themselves
        return None
    return cell if isinstance(cell, str | float | int) else cell.isoformat()


def explain(bundle: Bundle, rows: Inputs) -> list[dict[str, Any]]:
    """Explains the predictions for some rows.

    Args:
        bundle: A bundle of `tuner automl`, which holds training rows to compare with.
        rows: What the model takes, few rows: each costs as many predictions as columns times
            training rows in the bundle.

    Returns:
        A mapping a row: ``row`` (1-based), ``prediction`` (a quantity, or the likeliest class),
        ``explains`` (the quantity, or the probability of that class), ``usual`` (its mean over
        the training rows) and ``moved`` (column to what it moved that by, largest first).

    Raises:
        RequestError: The bundle holds no training rows.
        BundleError: They do not fit the model.
    """
    info = bundle.info
    about, columns = info["data"], info.get("background")
    if not columns:
        raise RequestError(
            f"{bundle.path} holds no training rows to compare with, so nothing can be explained; "
            "`tuner automl` writes some into the bundle of a table"
        )
    try:
        background = as_inputs(_with_dates(columns, about), about, f"the model in {bundle.path}")
        return [
            _explained(bundle, take_rows(rows, np.array([n])), background, n)
            for n in range(len(rows))
        ]
    except (TypeError, ValueError, KeyError) as exc:  # forged rows
        raise BundleError(f"{bundle.path}: background does not fit the model: {exc}") from exc


def _with_dates(columns: Mapping[str, list[Any]], about: Mapping[str, Any]) -> dict[str, Any]:
    """Returns columns in which dates are dates, however the training file wrote them."""
    import pandas as pd

    described = (about.get("schema") or {}).get("columns", ())
    dates = {one["name"] for one in described if one["treatment"] == "date"}
    return {
        name: pd.to_datetime(pd.Series(cells), format="ISO8601") if name in dates else cells
        for name, cells in columns.items()
    }


def _explained(bundle: Bundle, row: Inputs, background: Inputs, number: int) -> dict[str, Any]:
    about = bundle.info["data"]
    size = len(background)
    repeated = take_rows(row, np.zeros(size, np.intp))
    stacked = [row, background]
    for column in range(len(about["feature_names"])):
        stacked.append(replaced(repeated, column, background, np.arange(size)))
    output = bundle.fitted.predict(_concatenated(stacked))
    target, prediction = 0, None
    if about["n_classes"]:
        target = int(output[0].argmax())
        prediction = about["class_names"][target]
    values = (output[:, target] if output.ndim == 2 else output).astype(np.float64)
    means = values[1 + size :].reshape(-1, size).mean(axis=1)
    moved = dict(zip(about["feature_names"], (values[0] - means).tolist(), strict=True))
    return {
        "row": number + 1,
        "prediction": float(values[0]) if prediction is None else prediction,
        "explains": float(values[0]),
        "usual": float(values[1 : 1 + size].mean()),
        "moved": dict(sorted(moved.items(), key=lambda item: -abs(item[1]))),
    }


def explain_file(
    bundle: Bundle,
    data: str,
    n: int,
    *,
    as_json: bool = False,
    dialect: Mapping[str, str] | None = None,
    note: Note = ignored,
) -> str:
    """Explains the predictions for the first rows of a file.

    Args:
        bundle: As in :func:`explain`.
        data: As in `tuner.bundle.predict.predict`.
        n: How many rows.
        as_json: Whether to return JSON and no table for people.
        dialect: As in `tuner.bundle.predict.predict`.
        note: As in `tuner.bundle.predict.iter_predictions`.

    Raises:
        RequestError: As :func:`explain`.
        DataError: The file is not what the model takes.
    """
    rows = next(input_rows(bundle, data, dialect, note))
    found = explain(bundle, take_rows(rows, np.arange(min(n, len(rows)))))
    if as_json:
        return document(found)
    header = ["row", "prediction", "column", "moved it by"]
    return as_table(header, explained_words(found), none="no rows")


def explained_words(explained: Sequence[Mapping[str, Any]], most: int = 10) -> list[list[str]]:
    """Returns rows of a table for people: row, prediction, column, what it moved.

    Args:
        explained: What :func:`explain` returns.
        most: Columns to show a row, at most.
    """
    table = []
    for one in explained:
        shown = one["prediction"]
        text = figure(shown) if isinstance(shown, float) else f"{shown} ({figure(one['explains'])})"
        for position, (column, by) in enumerate(list(one["moved"].items())[:most]):
            first = ["", ""] if position else [str(one["row"]), text]
            table.append([*first, column, f"{'+' if by >= 0 else '−'}{figure(abs(by))}"])
    return table


def _concatenated(parts: Sequence[Inputs]) -> Inputs:
    if not is_frame(parts[0]):
        return np.concatenate(parts)
    import pandas as pd

    return pd.concat(parts, ignore_index=True)
