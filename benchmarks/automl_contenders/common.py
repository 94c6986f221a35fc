"""What the contenders of benchmarks/automl.py share: they read a table and write predictions.

    python CONTENDER.py TABLE SECONDS PREDICTIONS.csv

TABLE is a folder that automl_tables.py has written. The predictions are one column "prediction"
for quantities, and for classes a column "probability_CLASS" each, as ``tuner predict`` writes them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd


def arguments() -> tuple[dict[str, Any], pd.DataFrame, pd.DataFrame, float, Path]:
    """Returns what is known of the table, its training rows, its test rows, seconds, output."""
    folder, seconds, output = Path(sys.argv[1]), float(sys.argv[2]), Path(sys.argv[3])
    about = json.loads((folder / "table.json").read_text())
    train, test = pd.read_csv(folder / "train.csv"), pd.read_csv(folder / "test.csv")
    if about["classes"]:
        train[about["target"]] = train[about["target"]].astype(str)
    return about, train, test, seconds, output


def write_classes(output: Path, probabilities: Any, classes: Any) -> None:
    """Writes probabilities ``(n, classes)``."""
    frame = pd.DataFrame(probabilities, columns=[f"probability_{name}" for name in classes])
    frame.to_csv(output, index=False)


def write_quantities(output: Path, predictions: Any) -> None:
    """Writes predictions ``(n,)``."""
    pd.DataFrame({"prediction": predictions}).to_csv(output, index=False)
