"""A user's module whose test rows are poisoned; it is copied beside a study file.

Test rows hold `MARK` everywhere. If a file ``poisoned`` lies beside the module, they are replaced,
once the fingerprint is known, by objects that raise on any access but the number of rows.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import FunctionType, MethodType
from typing import Any

import numpy as np
import pandas as pd

from tuner import Split, Splits

MARK = 98765.0
ROWS = 20  # of each part


class Poison:
    """Stands for an array; only its length is known."""

    def __init__(self, rows: int) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return self.rows

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(f"test rows were read: {name}")

    def __array__(self, *args: Any, **how: Any) -> Any:
        raise RuntimeError("test rows were read as an array")

    def __getitem__(self, rows: Any) -> Any:
        raise RuntimeError("test rows were read by their numbers")


def load_table() -> Splits:
    return poisoned(np.random.default_rng(0).normal(size=(3 * ROWS, 2)), "regression")


def load_images() -> Splits:
    return poisoned(np.random.default_rng(0).random((3 * ROWS, 6, 6, 1)), "multiclass")


def load_texts() -> Splits:
    words = np.array([f"film {n % 7}" for n in range(3 * ROWS)], dtype=object)
    return poisoned(words, "binary")


def poisoned(x: np.ndarray, task: Any) -> Splits:
    """Divides one array by slicing, so that all parts are views of it."""
    y = np.arange(3 * ROWS) % 3 if task == "multiclass" else np.arange(3 * ROWS) % 2
    y = y.astype(np.float32)
    x[-ROWS:] = str(MARK) if x.dtype == object else MARK
    x = x if x.dtype == object else x.astype(np.float32)
    if task == "regression":
        y += np.linspace(0, 1, 3 * ROWS, dtype=np.float32)
        y[-ROWS:] = MARK
    parts = [slice(0, ROWS), slice(ROWS, 2 * ROWS), slice(2 * ROWS, None)]
    data = Splits(*(Split(x[rows], y[rows]) for rows in parts), task=task, name="poisoned")
    assert data.fingerprint
    if Path(__file__).with_name("poisoned").exists():
        object.__setattr__(data, "test", Split(Poison(ROWS), Poison(ROWS)))  # type: ignore[arg-type]
    return data


def build_model(params: Any, data: Any) -> Any:
    """Looks for test rows wherever the data and the calling functions lead."""
    import keras

    frame: Any = sys._getframe()
    roots = [data]
    while frame is not None:
        roots.append(dict(frame.f_locals))
        frame = frame.f_back
    reached = list(arrays_from(roots))
    assert any(array is data.train.x for array in reached)
    assert not any(map(is_marked, reached)), "build_model reaches test rows"
    model = keras.Sequential([keras.Input(data.input_shape), keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(params["learning_rate"]), loss="mse")
    return model


def is_marked(array: np.ndarray) -> bool:
    """Returns whether an array holds a test row."""
    values = array.ravel().tolist()
    return MARK in values or str(MARK) in values


def arrays_from(roots: Iterable[Any]) -> Iterator[np.ndarray]:
    """Yields every array that attributes, items, closures and bases of views lead to."""
    waiting, seen = list(roots), {}
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen[id(value)] = value  # kept, so that no other object gets its id
        if isinstance(value, np.ndarray):
            yield value
            waiting.append(value.base)
        elif isinstance(value, dict):
            waiting += [*value.keys(), *value.values()]
        elif isinstance(value, list | tuple | set | frozenset):
            waiting += value
        elif isinstance(value, pd.DataFrame):
            waiting += [_array_of(value[name]) for name in value]
            waiting += [levels_of(value[name]) for name in value]
        elif isinstance(value, MethodType):
            waiting += [value.__self__, value.__func__]
        elif isinstance(value, FunctionType):
            waiting += [cell.cell_contents for cell in value.__closure__ or () if _is_full(cell)]
            waiting += [value.__defaults__, value.__kwdefaults__, value.__dict__]
        elif type(value).__module__.partition(".")[0] in ("tuner", __name__):
            waiting += [getattr(value, "__dict__", None), dict(vars(type(value)))]
            waiting += [_attribute(value, name) for name in dir(value)]


def _array_of(column: pd.Series) -> np.ndarray:
    """Returns the array of a column, whose base is what pandas keeps; codes of a category."""
    values = column.array
    codes = getattr(values, "codes", None)
    return np.asarray(values) if codes is None else codes


def levels_of(column: pd.Series) -> np.ndarray | None:
    """Returns the levels of a category."""
    return column.cat.categories.to_numpy() if hasattr(column, "cat") else None


def _is_full(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:  # a variable that is not bound yet
        return False


def _attribute(value: Any, name: str) -> Any:
    try:
        return getattr(value, name)
    except Exception:  # noqa: BLE001 - a property of any class may raise anything
        return None
