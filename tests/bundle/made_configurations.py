"""A small table of the user's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tuner.data import load
from tuner.results import Configuration
from tuner.spec import CsvDataset

MakeConfiguration = Callable[..., Configuration]


def write_table(path: Path, target: str = "class") -> Path:
    """150 rows of two measurements; the class or the price follows from them."""
    rng = np.random.default_rng(0)
    rows = rng.uniform(0, 10, size=(150, 2))
    lines = ["width,height," + target]
    for width, height in rows:
        known = {
            "class": "large" if width + height > 12 else "small",
            "price": f"{2 * width - height:.3f}",
        }
        lines.append(f"{width:.3f},{height:.3f},{known[target]}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def configuration(folder: Path, target: str, **changes: Any) -> Configuration:
    """A configuration on the table that it writes into ``folder``."""
    write_table(folder / f"{target}.csv", target)
    dataset = CsvDataset(csv=f"{target}.csv", target=target)
    values: dict[str, Any] = {
        "study": "boxes",
        "trial": 7,
        "metric": "accuracy" if target == "class" else "mse",
        "direction": "maximize" if target == "class" else "minimize",
        "value": 0.9,
        "dataset": dataset,
        "model": "mlp",
        "params": {"n_layers": 1, "units_1": 8, "dropout": 0.1, "learning_rate": 0.05},
        "epochs": 3,
        "batch_size": 16,
        "seed": 11,
        "data_fingerprint": load(dataset, folder).fingerprint,
        "base": folder,
    }
    return Configuration(**values | changes)
