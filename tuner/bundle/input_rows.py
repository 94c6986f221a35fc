"""The rows of a file to predict, in chunks."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.bundle.inputs_by_name import schema_of
from tuner.bundle.load import Bundle
from tuner.data import rows_from_csv, texts_from_file
from tuner.data.rows_to_predict import ROWS_PER_CHUNK, iter_rows
from tuner.data.split import Inputs
from tuner.errors import DataError
from tuner.spec import Dialect
from tuner.spec.access import require_regular
from tuner.spec.paths import exists, expanded
from tuner.spec.reading import read_part
from tuner.wording import Position, toml

_IMAGES_PER_CHUNK = 1_000
_TEXT_FILES = (".csv", ".tsv", ".txt")
_TABLES = (".gz", ".zip", ".parquet", ".pq", ".xlsx", ".xls", ".xlsm", ".ods")
# One word with a slash or an ending, or any text that ends as files with data in them do.
_LIKE_A_PATH = re.compile(
    r"^[^\s]*[/\\][^\s]*$|^\S+\.[A-Za-z]\w{0,7}$"
    r"|\.(json|jsonl|ndjson|csv|tsv|txt|npy|npz|gz|zip|xlsx?|ods|parquet|md|html?|xml|pdf|docx?)$",
    re.IGNORECASE,
)


Note = Callable[[str], None]


def ignored(note: str) -> None:
    """Does nothing with a note."""


def input_rows(
    bundle: Bundle, data: str, given: Mapping[str, str] | None = None, note: Note = ignored
) -> Iterator[Inputs]:
    """Yields the rows of a file in chunks, as the model takes them.

    Args:
        bundle: The bundle.
        data: As in `tuner.bundle.predict.predict`.
        given: The keys of ``dialect`` there.
        note: See there.

    Raises:
        DataError: The file is not what the model takes.
    """
    given = dict(given or {})
    sheet = given.pop("sheet", None)
    dialect = _dialect(bundle.info, given)
    about = bundle.info["data"]
    path = expanded(data)
    is_text = about.get("kind") == "text"
    is_array = path.suffix.lower() == ".npy" and not is_text
    is_raw_text = is_text and not _is_table(path)
    schema = schema_of(about)
    if schema is not None and not is_array and not is_raw_text:
        try:
            yield from iter_rows(path, schema, dialect, ROWS_PER_CHUNK, sheet=sheet, note=note)
        except DataError as error:
            raise DataError(f"{error}{_notation(dialect)}") from error.__cause__
        return
    if is_text:
        rows = _texts(data, path, dialect, about["feature_names"])
    elif is_array:
        rows = _array(path)
    else:
        rows = rows_from_csv(path, about["feature_names"], dialect)
    size = ROWS_PER_CHUNK if rows.ndim < 3 else _IMAGES_PER_CHUNK
    for begin in range(0, max(1, len(rows)), size):
        yield rows[begin : begin + size]


def _notation(dialect: Dialect) -> str:
    """Returns how numbers were read, if that was declared; to follow an error."""
    keys = [key for key in ("decimal", "thousands") if getattr(dialect, key) is not None]
    if not keys:
        return ""
    declared = " and ".join(f"--{key} {toml(getattr(dialect, key))}" for key in keys)
    return f"; numbers were read with {declared}, which may be given otherwise"


def _dialect(info: Mapping[str, Any], given: Mapping[str, str]) -> Dialect:
    """Returns the dialect of the training file, with what is given in its place.

    A separator or an encoding that was only found out is found out again. ``decimal`` and
    ``thousands`` make one notation: either replaces both.

    Args:
        info: What ``bundle.json`` holds.
        given: Keys of a dialect.

    Raises:
        SpecError: A key has an impossible value.
    """
    declared, found = info.get("dataset"), (info["data"].get("schema") or {}).get("dialect") or {}
    kept = {key: found[key] for key in found if key not in ("sep", "encoding")}
    if isinstance(declared, Mapping):
        kept |= {key: value for key, value in declared.items() if key in Dialect.model_fields}
    if "decimal" in given or "thousands" in given:
        kept = {k: v for k, v in kept.items() if k not in ("decimal", "thousands")}
    return read_part(Dialect, {**kept, **given}, Position("how the rows are written"))


def _is_table(path: Path) -> bool:
    """Returns whether something that may be a text, too, is the name of a table."""
    suffix = path.suffix.lower()
    return suffix in (".csv", ".tsv") or (suffix in _TABLES and exists(path))


def _array(path: Path) -> NDArray[Any]:
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


def _texts(data: str, path: Path, dialect: Dialect, names: Sequence[str]) -> NDArray[Any]:
    """Returns the texts of a file, or the text itself, which must not look like the name of a file.

    Raises:
        DataError: A file has that name which holds no texts, or there is no such file.
    """
    if path.suffix.lower() in _TEXT_FILES:
        return texts_from_file(path, names[0] if names else "text", dialect)
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
