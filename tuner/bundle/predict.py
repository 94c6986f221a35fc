"""Predictions for raw rows in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.bundle.load import Bundle, load_bundle
from tuner.data import rows_from_csv, texts_from_file
from tuner.errors import DataError
from tuner.results.rendering import Format, as_csv, as_table, document

_TEXT_FILES = (".csv", ".tsv", ".txt")


def predict(bundle: Bundle | Path | str, data: Path | str, form: Format = "csv") -> str:
    """Returns a line a row: the class and the probability of each, or the quantity.

    Args:
        bundle: A bundle or its folder.
        data: A CSV file that has the model's columns among its own. For a model of images a
            ``.npy`` file of shape ``(n, …)``. For a model of texts a ``.txt`` file with one a
            line, a CSV file with the column ``text``, or the text itself.
        form: ``"csv"``, ``"json"`` or ``"table"``.

    Raises:
        BundleError: The folder is no bundle.
        DataError: The file is not what the model takes.
    """
    if not isinstance(bundle, Bundle):
        bundle = load_bundle(bundle)
    rows = _rows(bundle, data)
    table = _table(bundle, bundle.predict(rows))
    if form == "json":
        return document(table)
    columns = list(table[0]) if table else ["prediction"]
    if form == "csv":
        return as_csv(table, columns)
    return as_table(columns, ([_cell(row[c]) for c in columns] for row in table), none="no rows")


def _rows(bundle: Bundle, data: Path | str) -> NDArray[Any]:
    about = bundle.info["data"]
    path = Path(data)
    if about.get("kind") == "text":
        is_file = path.suffix.lower() in _TEXT_FILES
        return texts_from_file(path) if is_file else np.array([str(data)], dtype=object)
    names = about["feature_names"]
    if path.suffix.lower() != ".npy":
        return rows_from_csv(path, names)
    try:
        rows = np.load(path, allow_pickle=False)
    except FileNotFoundError as exc:
        raise DataError(f"there is no file {path}") from exc
    except (OSError, ValueError, EOFError) as exc:
        raise DataError(f"{path} is no array of numbers: {exc}; write it with numpy.save") from exc
    if not isinstance(rows, np.ndarray) or rows.dtype.kind not in "fiub":
        raise DataError(f"{path} is no array of numbers; write it with numpy.save")
    return rows.astype(np.float32)


def _table(bundle: Bundle, output: NDArray[np.floating]) -> list[dict[str, Any]]:
    if bundle.info["data"]["task"] != "regression":
        return _classes(bundle.info["data"]["class_names"], output)
    if output.ndim == 1:
        return [{"prediction": _number(value)} for value in output]
    return [
        {f"prediction_{i}": _number(value) for i, value in enumerate(row, start=1)}
        for row in output
    ]


def _classes(names: list[str], output: NDArray[np.floating]) -> list[dict[str, Any]]:
    # A model of the user's own may have more outputs than there are classes.
    names = names + [str(i) for i in range(len(names), output.shape[1])]
    return [
        {"prediction": names[int(row.argmax())]}
        | {f"probability_{name}": _number(p) for name, p in zip(names, row, strict=False)}
        for row in output
    ]


def _number(value: np.floating) -> float:
    """Returns the shortest decimal of the model's own precision: 0.1, not 0.10000000149."""
    return float(str(value))


def _cell(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
