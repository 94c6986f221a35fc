"""``tuner.automl`` from Python: three lines, in a script without a main guard."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd
import pytest
from processes import WAIT_SECONDS

import tuner
from tuner.automl.automl_result import AutoMLResult, _labels, write_frame
from tuner.errors import DataError, RequestError

SCRIPT = """
import json
from pathlib import Path

import numpy as np
import pandas as pd

import tuner

rng = np.random.default_rng(0)
frame = pd.DataFrame({"size": rng.normal(size=200), "color": rng.choice(["red", "blue"], 200)})
frame["price"] = 3 * frame["size"] + (frame["color"] == "red") + rng.normal(0, 0.1, 200)
frame.loc[::9, "size"] = None

result = tuner.automl(frame, target="price", time=TIME, workers=1)
rows = frame[["color", "size"]].assign(other=1)
folder = result.bundle.path
print(json.dumps({
    "learners": result.leaderboard["learner"].tolist(),
    "shares": result.leaderboard["share"].sum(),
    "predictions": len(result.predict(rows)),
    "test": result.scores["test"],
    "columns": [column.name for column in result.schema.columns],
    "trials": len(result.study.trials),
    "there": folder.is_dir(),
    "here": [path.name for path in Path().iterdir()],
}))
del result
assert not folder.exists()
"""


@pytest.mark.slow
def test_three_lines_in_a_script(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT.replace("TIME", "15"))
    done = subprocess.run(
        [sys.executable, "script.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=2 * WAIT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert "linear_model" in found["learners"]
    assert found["shares"] == pytest.approx(1)
    assert found["predictions"] == 200
    assert found["test"]["rmse"] < 2
    assert found["columns"] == ["size", "color", "price"]
    assert found["trials"] > 0
    assert found["there"]
    assert found["here"] == ["script.py"]


def test_package_of_that_name_can_be_called() -> None:
    assert callable(tuner.automl)
    with pytest.raises(RequestError, match=r"data must be a frame of pandas or the path of a file"):
        tuner.automl([[1, 2]], target="price")  # type: ignore[operator]  # a module to mypy


def test_classes_are_those_of_the_frame() -> None:
    class Sure:
        info = MappingProxyType({"data": {"class_names": ["1", "2"]}})

        def predict(self, rows: np.ndarray) -> np.ndarray:
            return np.array([[0.9, 0.1], [0.2, 0.8]])

    for values in ([1, 2], [1.0, 2.0], ["1", "2"]):
        labels = _labels(pd.Series([*values, None], dtype=object))
        result = AutoMLResult(Sure(), None, "", None, labels)  # type: ignore[arg-type]  # scripted
        assert result.predict(np.zeros((2, 1))).tolist() == values
        assert list(result.predict_proba(np.zeros((2, 1)))) == ["1", "2"]


def test_frame_of_any_columns_is_written(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "mixed": [1, "two", None],
            3: [1.5, np.nan, 2.0],
            "when": pd.to_datetime(["2024-01-01", None, "2024-01-03"]),
            "level": pd.Categorical(["a", None, "b"]),
            "month": pd.period_range("2024-01", periods=3, freq="M"),
            "complex": [1j, 2j, 3j],
        },
        index=[5, 5, 7],
    )
    write_frame(frame, tmp_path / "t.parquet")
    found = pd.read_parquet(tmp_path / "t.parquet")
    assert list(found) == ["mixed", "3", "when", "level", "month", "complex"]
    assert found["mixed"].tolist()[:2] == ["1", "two"]
    assert found["mixed"].isna().tolist() == [False, False, True]
    assert found["3"].isna().tolist() == [False, True, False]
    assert found["when"].isna().tolist() == [False, True, False]
    assert found["month"].astype(str).tolist() == ["2024-01", "2024-02", "2024-03"]
    assert found["complex"].tolist()[0] == "1j"


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    frame = pd.DataFrame([[1, 2]], columns=["a", "a"])
    with pytest.raises(DataError, match='has two columns "a"; rename one of them'):
        write_frame(frame, tmp_path / "t.parquet")
