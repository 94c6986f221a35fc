"""Predictions for raw rows in a file."""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.bundle.folder import writing
from tuner.bundle.load import Bundle, load_bundle
from tuner.data import rows_from_csv, texts_from_file
from tuner.errors import DataError
from tuner.results.configuration_file import write_text
from tuner.results.rendering import Format, as_csv, as_table, document
from tuner.results.replacing import check_replaceable
from tuner.spec import Dialect
from tuner.spec.access import require_regular
from tuner.spec.paths import exists, expanded
from tuner.spec.reading import read_part
from tuner.wording import Position, toml

_TEXT_FILES = (".csv", ".tsv", ".txt")
# One word with a slash or an ending, or any text that ends as files with data in them do.
_LIKE_A_PATH = re.compile(
    r"^[^\s]*[/\\][^\s]*$|^\S+\.[A-Za-z]\w{0,7}$"
    r"|\.(json|jsonl|ndjson|csv|tsv|txt|npy|npz|gz|zip|xlsx?|ods|parquet|md|html?|xml|pdf|docx?)$",
    re.IGNORECASE,
)


def predict(
    bundle: Bundle | Path | str,
    data: Path | str,
    form: Format = "csv",
    *,
    dialect: Mapping[str, str] | None = None,
) -> str:
    """Returns a line a row: the class and the probability of each, or the quantity.

    Args:
        bundle: A bundle or its folder.
        data: A CSV file that has the model's columns among its own. For a model of images a
            ``.npy`` file of shape ``(n, …)``. For a model of texts a ``.txt`` file with one a
            line, a CSV file with the column ``text``, or the text itself.
        form: ``"csv"``, ``"json"`` or ``"table"``.
        dialect: How a CSV file is written where that differs from the file that the model was
            trained on: ``sep``, ``decimal``, ``thousands``, ``encoding`` (:class:`Dialect`).

    Raises:
        BundleError: The folder is no bundle.
        DataError: The file is not what the model takes.
    """
    if not isinstance(bundle, Bundle):
        bundle = load_bundle(bundle)
    rows = _rows(bundle, data if isinstance(data, str) else str(data), dialect or {})
    table = _table(bundle, bundle.predict(rows))
    if form == "json":
        return document(table)
    columns = list(table[0]) if table else ["prediction"]
    if form == "csv":
        return as_csv(table, columns)
    return as_table(columns, ([_cell(row[c]) for c in columns] for row in table), none="no rows")


def write_predictions(
    bundle: Bundle | Path | str,
    data: Path | str,
    path: Path,
    form: Format = "csv",
    *,
    force: bool = False,
    dialect: Mapping[str, str] | None = None,
) -> None:
    """Writes what :func:`predict` returns to a file; earlier predictions in it are replaced.

    Raises:
        RequestError: Another file is there, and ``force`` is not given.
        BundleError: As :func:`predict`, or the file cannot be written.
        DataError: As :func:`predict`.
    """
    with writing(path):
        check_replaceable(path, is_predictions, force=force)
    write_text(path, predict(bundle, data, form, dialect=dialect))


def is_predictions(text: str) -> bool:
    """Returns whether a text is what :func:`predict` returns: every column holds predictions."""
    if text.lstrip().startswith("["):
        try:
            first = (json.loads(text) or [None])[0]
        except (ValueError, RecursionError):
            return False
        columns = list(first) if isinstance(first, dict) else []
    else:
        head = text.partition("\n")[0]
        columns = next(csv.reader([head]), []) if "," in head else head.split()
    classes = columns[:1] == ["prediction"]
    rest = ("probability_",) if classes else ("prediction_",)
    return bool(columns) and all(name.startswith(rest) for name in columns[classes:])


def _dialect(trained: object, given: Mapping[str, str]) -> Dialect:
    """Returns the dialect of the training file, with what is given in its place.

    ``decimal`` and ``thousands`` make one notation: either replaces both.

    Args:
        trained: The dataset that ``bundle.json`` names.
        given: Keys of a dialect.

    Raises:
        SpecError: A key has an impossible value.
    """
    known = dict(trained) if isinstance(trained, Mapping) else {}
    kept = {key: value for key, value in known.items() if key in Dialect.model_fields}
    if "decimal" in given or "thousands" in given:
        kept = {k: v for k, v in kept.items() if k not in ("decimal", "thousands")}
    return read_part(Dialect, {**kept, **given}, Position("how the rows are written"))


def _rows(bundle: Bundle, data: str, given: Mapping[str, str]) -> NDArray[Any]:
    dialect = _dialect(bundle.info.get("dataset"), given)
    about = bundle.info["data"]
    path = expanded(data)
    if about.get("kind") == "text":
        return _texts(data, path, dialect)
    names = about["feature_names"]
    if path.suffix.lower() != ".npy":
        return rows_from_csv(path, names, dialect)
    require_regular(path)
    try:
        rows = np.load(path, allow_pickle=False)
    except FileNotFoundError as exc:
        raise DataError(f"there is no file {path}") from exc
    except (OSError, ValueError, EOFError) as exc:
        raise DataError(f"{path} is no array of numbers: {exc}; write it with numpy.save") from exc
    if not isinstance(rows, np.ndarray) or rows.dtype.kind not in "fiub":
        raise DataError(f"{path} is no array of numbers; write it with numpy.save")
    return rows.astype(np.float32)


def _texts(data: str, path: Path, dialect: Dialect) -> NDArray[Any]:
    """Returns the texts of a file, or the text itself, which must not look like the name of a file.

    Raises:
        DataError: A file has that name which holds no texts, or there is no such file.
    """
    if path.suffix.lower() in _TEXT_FILES:
        return texts_from_file(path, dialect=dialect)
    shown = toml(data)
    todo = (
        "give texts in a .txt file, one a line, or in a CSV file with the column text; a text "
        "that looks like the name of a file must stand in one, too"
    )
    if data and os.path.lexists(path):
        what = "a folder" if exists(path) and path.is_dir() else "a file"
        raise DataError(f"{shown} is {what} from which no texts can be read; {todo}")
    if _LIKE_A_PATH.search(data):
        raise DataError(f"there is no file {shown}; {todo}")
    return np.array([data], dtype=object)


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
    names = _apart([*names, *(str(i) for i in range(len(names), output.shape[1]))])
    return [
        {"prediction": names[int(row.argmax())]}
        | {f"probability_{name}": _number(p) for name, p in zip(names, row, strict=False)}
        for row in output
    ]


def _apart(names: list[str]) -> list[str]:
    """Returns the names, with a number behind those that came before: each is a column."""
    result: list[str] = []
    for name in names:
        other, number = name, 1
        while other in result:
            number += 1
            other = f"{name} ({number})"
        result.append(other)
    return result


def _number(value: np.floating) -> float:
    """Returns the shortest decimal of the model's own precision: 0.1, not 0.10000000149."""
    return float(str(value))


def _cell(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
