from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from whole_table import whole

from tuner.data import load_splits as load


def least_squares(name: str) -> tuple[float, float, float]:
    """Slope, offset and mean squared error of the line through all rows."""
    rows = whole(load(name, Path()))
    x, y = rows.x[:, 0].astype(np.float64), rows.y.astype(np.float64)
    slope, offset = np.polyfit(x, y, 1)
    return slope, offset, float(np.mean((slope * x + offset - y) ** 2))


def test_line_is_that_of_the_note() -> None:
    rows = whole(load("line", Path()))
    np.testing.assert_allclose(np.sort(rows.x[:, 0]), np.linspace(0, 1, 100), rtol=1e-6)
    # What the note's network ended with scores as it did there, to the noise that was drawn.
    assert np.mean((0.821 * rows.x[:, 0] + 2.080 - rows.y) ** 2) == pytest.approx(0.0402, abs=1e-4)
    assert least_squares("line")[2] == pytest.approx(0.0367, abs=1e-4)


def test_elderly_has_the_least_squares_of_the_note() -> None:
    slope, offset, _ = least_squares("elderly")
    assert slope == pytest.approx(-0.3558, abs=5e-5)
    assert offset == pytest.approx(15.6693, abs=5e-5)


@pytest.mark.parametrize(("name", "outputs"), [("and", [0, 0, 0, 1]), ("xor", [0, 1, 1, 0])])
def test_truth_tables_are_whole_in_every_split(name: str, outputs: list[int]) -> None:
    data = load(name, Path())
    for part in (data.train, data.validation, data.test):
        assert part.x.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
        assert part.y.tolist() == outputs
    assert data.class_names == ("false", "true")
    assert "the same four rows" in data.sealed().describe()["note"]


def test_few_rows_are_held_out_as_well() -> None:
    data = load("elderly", Path())
    assert [len(part) for part in (data.train, data.validation, data.test)] == [9, 3, 4]
    assert "16 rows" in data.note
