"""Networks for tables on the disk: they predict the same, and forged files are refused."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tables import Task, frame, mixed

from tuner.errors import BundleError
from tuner.learners.keras.tabular.architecture import ACTIVATIONS, Structure, initial
from tuner.learners.keras.tabular.columns import Columns
from tuner.learners.keras.tabular.fitted_nets import Nets, Saved, TargetScale

WITHOUT_TENSORFLOW = """
import sys
import numpy as np

class Refuse:
    def find_spec(self, name, path=None, target=None):
        assert name.partition(".")[0] not in ("tensorflow", "keras"), name

sys.meta_path.insert(0, Refuse())
from tuner.learners.registry import open_saved
from tuner.learners.setup import Setup
from tables import frame
from pathlib import Path

learner = open_saved("realmlp", "tensorflow", Setup())
fitted = learner.load(Path(sys.argv[1]), {})
np.save(sys.argv[2], fitted.predict(frame(9, np.random.default_rng(5))))
"""
ROWS = frame(9, np.random.default_rng(5))


def nets(task: Task = "multiclass", members: int = 2, **changed: Any) -> Nets:
    """Networks that are not trained, for a mixed table."""
    data = mixed(task)
    columns = Columns.fit(data.train.x, {}, embed=True)
    fields: dict[str, Any] = {
        "embedded": len(columns.embedded),
        "plain": len(columns.plain),
        "codes": len(columns.codes),
        "levels": sum(columns.levels),
        "heads": 1,
        "units": (5, 4),
        "outputs": data.n_classes or 1,
        "of_classes": bool(data.n_classes),
        "activation": "selu",
        "parametric": True,
        "ntp": True,
        "cosines": 3,
        "embedding_width": 4,
        "table_width": 2,
    }
    structure = Structure(**{**fields, **changed})
    target = None if data.n_classes else TargetScale.fit(data.train.y)
    random = np.random.default_rng(0)
    parts = [initial(structure, random) for _ in range(members)]
    for one in parts:  # they begin with equal outputs for all rows
        one["head"] = random.normal(size=one["head"].shape).astype(np.float32)
    return Nets(Saved(structure=structure, columns=columns, target=target), parts)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_saved_networks_predict_the_same(task: Task, tmp_path: Path) -> None:
    saved = nets(task)
    saved.save(tmp_path)
    read = Nets.read(tmp_path)
    assert read.saved == saved.saved
    np.testing.assert_array_equal(read.predict(ROWS), saved.predict(ROWS))
    assert len(np.unique(saved.predict(ROWS))) > 5


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_predicts_probabilities(activation: str) -> None:
    for changed in ({}, {"heads": 3, "ntp": False, "parametric": False}):
        found = nets(activation=activation, **changed).predict(ROWS)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)


def test_extreme_rows_have_finite_predictions() -> None:
    rows = ROWS.assign(number=1e300, gappy=-1e300, many=None, few="unseen")
    for activation in ACTIVATIONS:
        assert np.isfinite(nets(activation=activation).predict(rows)).all()


def test_predictions_do_not_depend_on_the_other_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    saved = nets("regression")
    whole = saved.predict(ROWS)
    monkeypatch.setattr("tuner.learners.keras.tabular.fitted_nets._ROWS", 4)
    np.testing.assert_allclose(saved.predict(ROWS), whole, rtol=1e-5)


def test_no_rows_have_no_predictions() -> None:
    assert nets().predict(ROWS.iloc[:0]).shape == (0, 3)
    assert nets("regression").predict(ROWS.iloc[:0]).shape == (0,)


def test_columns_of_rows_may_stand_in_another_order() -> None:
    saved = nets()
    np.testing.assert_array_equal(saved.predict(ROWS[ROWS.columns[::-1]]), saved.predict(ROWS))


@pytest.mark.slow
def test_networks_predict_without_tensorflow(tmp_path: Path) -> None:
    saved = nets()
    saved.save(tmp_path)
    script = [sys.executable, "-c", WITHOUT_TENSORFLOW, str(tmp_path), str(tmp_path / "p.npy")]
    done = subprocess.run(
        script, cwd=Path(__file__).parent, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(np.load(tmp_path / "p.npy"), saved.predict(ROWS), rtol=1e-5)


def _changed(key: str, value: object) -> Callable[[dict[str, Any]], None]:
    def change(table: dict[str, Any]) -> None:
        *path, last = key.split(".")
        for step in path:
            table = table[step]
        table[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_changed("structure.units", [5, 3]), r"weights\.npz: .* where net\.json asks for float32"),
        (_changed("structure.units", [5]), r"weights\.npz holds other arrays than net\.json says"),
        (_changed("structure.units", []), r"net\.json: structure\.units"),
        (_changed("structure.levels", 99), "the structure has other columns than the encoder"),
        (_changed("structure.activation", "exec"), r"net\.json: structure\.activation"),
        (_changed("structure.outputs", -1), r"net\.json: structure\.outputs"),
        (_changed("structure.of_classes", False), "quantities need a target, and classes none"),
        (_changed("columns.embedded", [0, 0]), "embedded names a column that is not one of num"),
        (_changed("columns.embedded", [-1]), "embedded names a column that is not one of num"),
        (_changed("form", 2), r"net\.json: form"),
        (_changed("more", 1), r"net\.json: more"),
    ],
)
def test_forged_description_is_refused(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], said: str
) -> None:
    nets().save(tmp_path)
    table = json.loads((tmp_path / "net.json").read_text(encoding="utf-8"))
    change(table)
    (tmp_path / "net.json").write_text(json.dumps(table), encoding="utf-8")
    with pytest.raises(BundleError, match=said):
        Nets.read(tmp_path)


@pytest.mark.parametrize("content", [b"", b"no JSON", b"[]", b"\xff", b"[" * 100_000])
def test_broken_description_is_refused(tmp_path: Path, content: bytes) -> None:
    nets().save(tmp_path)
    (tmp_path / "net.json").write_bytes(content)
    with pytest.raises(BundleError, match=r"net\.json"):
        Nets.read(tmp_path)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    for name in ("weights.npz", "net.json"):
        nets().save(tmp_path)
        (tmp_path / name).unlink()
        with pytest.raises(BundleError, match=rf"{name} cannot be read: .*; train the bundle"):
            Nets.read(tmp_path)


class Harmful:
    """Creates a file when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __reduce__(self) -> Any:
        return Path.touch, (self._file,)


@pytest.mark.parametrize(
    ("forge", "said"),
    [
        (lambda array: array.astype(np.float64), "head is float64"),
        (lambda array: array[:, :-1], "head is float32"),
        (lambda array: array * np.nan, "head holds what is no finite number"),
        (lambda _: np.float32(1), "frequency is float32"),  # of two members, where head is of none
    ],
)
def test_forged_weights_are_refused(tmp_path: Path, forge: Callable[[Any], Any], said: str) -> None:
    nets().save(tmp_path)
    with np.load(tmp_path / "weights.npz") as archive:
        arrays: dict[str, Any] = dict(archive)
    np.savez(tmp_path / "weights.npz", **{**arrays, "head": forge(arrays["head"])})
    with pytest.raises(BundleError, match=rf"weights\.npz: {said}.*; train the bundle again"):
        Nets.read(tmp_path)


def test_code_in_a_file_is_not_run(tmp_path: Path) -> None:
    nets().save(tmp_path)
    touched = tmp_path / "touched"
    array = np.array([Harmful(touched)], dtype=object)
    np.savez(tmp_path / "weights.npz", head=array, allow_pickle=True)
    with pytest.raises(BundleError, match=r"weights\.npz cannot be read: ValueError: Object array"):
        Nets.read(tmp_path)
    assert not touched.exists()


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x05\x06" + bytes(18)])
def test_broken_weights_are_refused(tmp_path: Path, content: bytes) -> None:
    nets().save(tmp_path)
    (tmp_path / "weights.npz").write_bytes(content)
    with pytest.raises(BundleError, match=r"weights\.npz"):
        Nets.read(tmp_path)
