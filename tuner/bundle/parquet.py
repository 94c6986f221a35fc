"""Predictions as a Parquet file."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def write_parquet(path: Path, tables: Iterable[list[dict[str, Any]]]) -> None:
    """Writes tables one after another, in one step: the whole file or nothing.

    Raises:
        OSError: The file cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
        temporary = Path(folder) / path.name
        writer = None
        try:
            for table in tables:
                part = pa.Table.from_pylist(table, schema=writer.schema if writer else None)
                writer = writer or pq.ParquetWriter(temporary, part.schema)
                writer.write_table(part)
        finally:
            if writer is not None:
                writer.close()
        if writer is not None:
            temporary.replace(path)


def is_parquet_of_ours(path: Path) -> bool:
    """Returns whether a file is a Parquet file in which every column holds predictions."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        return False
    try:
        columns = pq.read_schema(path).names
    except (pa.ArrowException, OSError):
        return False
    return all(
        name.startswith(("prediction", "probability_", "lower", "upper")) for name in columns
    )
