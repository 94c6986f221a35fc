"""Predictions for raw rows in a file."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.bundle.folder import writing
from tuner.bundle.input_rows import Note, ignored, image_names, input_rows
from tuner.bundle.load import Bundle, load_bundle
from tuner.bundle.parquet import is_parquet_of_ours, write_parquet
from tuner.errors import RequestError
from tuner.results.configuration_file import write_text
from tuner.results.rendering import Format, as_csv, as_table, document
from tuner.results.replacing import check_replaceable

Observe = Callable[[Iterator[list[dict[str, Any]]]], Iterator[list[dict[str, Any]]]]

LEVEL = 0.9
"""Of the interval that is added to a quantity."""
INTERVAL = ("lower", "upper")
FILE = "file"
"""Column of the names of images, if files of images are predicted."""


def predict(
    bundle: Bundle | Path | str,
    data: Path | str,
    form: Format = "csv",
    *,
    dialect: Mapping[str, str] | None = None,
    interval: bool = False,
) -> str:
    """Returns a line a row: the class and the probability of each, or the quantity.

    Args:
        bundle: A bundle or its folder.
        data: A CSV, Parquet or Excel file that has the model's columns among its own. For a model
            of images a ``.npy`` file of shape ``(n, …)``; if it was trained on a folder of
            images, also an image or a folder of them: column ``file`` then names each. For a model
            of texts a ``.txt`` file with one a line, a file with the column of texts, or the text
            itself.
        form: ``"csv"``, ``"json"`` or ``"table"``.
        dialect: How a CSV file is written where that differs from the file that the model was
            trained on: ``sep``, ``decimal``, ``thousands``, ``encoding``
            (`tuner.spec.Dialect`); ``sheet`` of a workbook, the first if it is not given.
        interval: Add the bounds ``lower`` and ``upper`` of the 90 % conformal interval to a
            quantity.

    Raises:
        RequestError: The bundle has no interval.
        BundleError: The folder is no bundle.
        DataError: The file is not what the model takes.
    """
    tables = iter_predictions(bundle, data, dialect=dialect, interval=interval)
    return "".join(formatted(tables, form))


def iter_predictions(
    bundle: Bundle | Path | str,
    data: Path | str,
    *,
    dialect: Mapping[str, str] | None = None,
    interval: bool = False,
    note: Note = ignored,
) -> Iterator[list[dict[str, Any]]]:
    """Yields predictions chunk by chunk, so that a large file is never in memory as a whole.

    Args:
        bundle: As in :func:`predict`, and so are the others.
        data: See there.
        dialect: See there.
        interval: See there.
        note: Called with lines that people should see: cells that count as missing.

    Yields:
        A mapping a row: name of a column of the output to its value.
    """
    opened = bundle if isinstance(bundle, Bundle) else load_bundle(bundle)
    half_width = _half_width(opened) if interval else None
    names = image_names(opened, str(data))
    begin = 0
    for rows in input_rows(opened, str(data), dialect, note):
        ready = not isinstance(rows, np.ndarray)
        output = opened.predict_inputs(rows) if ready else opened.predict(rows)
        table = _table(opened, output, half_width)
        if names is not None:
            files = names[begin : begin + len(table)]
            table = [{FILE: file} | row for file, row in zip(files, table, strict=True)]
            begin += len(table)
        yield table


def formatted(tables: Iterable[list[dict[str, Any]]], form: Format) -> Iterator[str]:
    """Yields the text of tables that come one after another; that for people in one piece."""
    if form == "table":
        table = [row for some in tables for row in some]
        columns = list(table[0]) if table else ["prediction"]
        cells = ([_cell(row[c]) for c in columns] for row in table)
        yield as_table(columns, cells, none="no rows")
        return
    begun = False
    for table in filter(None, tables):
        if form == "csv":
            text = as_csv(table, list(table[0]))
            yield text.partition("\n")[2] if begun else text
        else:
            text = document(table)  # "[", a line break, the rows, a line break, "]"
            yield f"{',' if begun else '['}{text[1:].rstrip().removesuffix(']').rstrip()}"
        begun = True
    if form == "json":
        yield "\n]\n" if begun else "[]\n"
    elif not begun:
        yield as_csv([], ["prediction"])


def write_predictions(
    bundle: Bundle | Path | str,
    data: Path | str,
    path: Path,
    form: Format = "csv",
    *,
    force: bool = False,
    dialect: Mapping[str, str] | None = None,
    interval: bool = False,
    note: Note = ignored,
    observe: Observe | None = None,
) -> None:
    """Writes what :func:`predict` returns to a file; earlier predictions in it are replaced.

    Args:
        bundle: As in :func:`predict`, and so are the others.
        data: See there.
        path: The file; one that ends in ``.parquet`` is written in that form.
        form: See there.
        force: Replace any other file.
        dialect: See there.
        interval: See there.
        note: As in :func:`iter_predictions`.
        observe: Returns the predictions that it is given, and shows how many there are.

    Raises:
        RequestError: Another file is there, and ``force`` is not given.
        BundleError: As :func:`predict`, or the file cannot be written.
        DataError: As :func:`predict`.
    """
    is_parquet = path.suffix.lower() == ".parquet"
    with writing(path):
        check_replaceable(
            path, lambda text: is_parquet_of_ours(path) or is_predictions(text), force=force
        )
    tables = iter_predictions(bundle, data, dialect=dialect, interval=interval, note=note)
    shown = tables if observe is None else observe(tables)
    if is_parquet:
        with writing(path):
            write_parquet(path, shown)
    else:
        write_text(path, formatted(shown, form))


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
    columns = columns[columns[:1] == [FILE] :]
    classes = columns[:1] == ["prediction"]
    rest = ("probability_", *INTERVAL) if classes else ("prediction_",)
    return bool(columns) and all(name.startswith(rest) for name in columns[classes:])


def _half_width(bundle: Bundle) -> float:
    """Returns half of the width of the 90 % interval.

    Raises:
        RequestError: The bundle has none.
    """
    for one in bundle.info.get("intervals", ()):
        if one["level"] == LEVEL:
            return float(one["half_width"])
    raise RequestError(
        f"{bundle.path} has no {LEVEL:.0%} interval; `tuner automl` computes one for a quantity "
        "if there are rows enough"
    )


def _table(
    bundle: Bundle, output: NDArray[np.floating], half_width: float | None = None
) -> list[dict[str, Any]]:
    if bundle.info["data"]["task"] != "regression":
        return _classes(bundle.info["data"]["class_names"], output)
    if output.ndim == 1 and half_width is not None:
        return [
            {"prediction": _number(value)}
            | {
                name: float(value) + sign * half_width
                for name, sign in zip(INTERVAL, (-1, 1), strict=True)
            }
            for value in output
        ]
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
