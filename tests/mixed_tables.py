"""A small mixed table, as splits and as a CSV file: what was paid for shirts, and which came back.

Every feature matters, and each in another way: the size by its number, which is often missing, the
shop by its level, the date by its weekday, and the note by a word of it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from tuner.data import Split, Splits

FEATURES = ("size", "shop", "sold", "note")
_SHOPS = {"Köln": 0.0, "서울": 3.0, "São Paulo": 1.0, "Oslo": -2.0}


def mixed_rows(rows: int, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Returns features as `tuner.data.mixed` describes them, and a quantity."""
    rng = np.random.default_rng(seed)
    size = rng.normal(40, 5, rows).round(1)
    shop = rng.choice(list(_SHOPS), rows)
    days = rng.integers(0, 700, rows)
    sold = np.datetime64("2024-01-01", "us") + days.astype("timedelta64[D]")
    red = rng.random(rows) < 0.5
    price = (size - 40) / 5 + np.array([_SHOPS[name] for name in shop]) + 2.0 * red
    price += np.isin(days % 7, (5, 6))  # the first day is a Monday
    size[rng.random(rows) < 0.15] = np.nan
    levels = pd.Index(sorted(_SHOPS), dtype=object)
    codes = levels.get_indexer(shop)
    codes[rng.random(rows) < 0.1] = -1
    notes = [
        f"a {'red' if is_red else 'blue'} shirt, number {number}"
        for number, is_red in zip(rng.integers(0, 10**6, rows), red, strict=True)
    ]
    frame = pd.DataFrame(
        {
            "size": size,
            "shop": pd.Categorical.from_codes(codes, levels),
            "sold": sold,
            "note": pd.Series(notes, dtype=object),
        }
    )
    return frame, price


def mixed_splits(task: str = "binary", rows: int = 80) -> Splits:
    """Returns three parts of that many rows each."""
    x, price = mixed_rows(3 * rows)
    if task == "regression":
        y = price
    else:
        n_classes = 2 if task == "binary" else 3
        y = np.searchsorted(np.quantile(price, np.arange(1, n_classes) / n_classes), price)
    parts = [Split(x.iloc[i::3].reset_index(drop=True), y[i::3]) for i in range(3)]
    return Splits(*parts, task=task, name="shirts", feature_names=FEATURES)  # type: ignore[arg-type]


def write_mixed_csv(file: Path, rows: int = 300) -> None:
    """Writes the table with the column ``returned``, "yes" for the dearer half."""
    x, price = mixed_rows(rows)
    x["returned"] = np.where(price > np.median(price), "sent back", "kept")
    x.to_csv(file, index=False, date_format="%Y-%m-%d")
