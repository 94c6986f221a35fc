"""Members that read texts: the only feature of a table of one's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_members import about, describe, folds_of, member

from tuner.bundle import Bundle, load_bundle, predict
from tuner.bundle.write_members import write_members
from tuner.data import load
from tuner.spec import CsvDataset


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = tmp_path_factory.mktemp("reviews")
    rng = np.random.default_rng(0)
    words = {"good": ["great", "lovely", "fine"], "bad": ["awful", "dull", "poor"]}
    lines = [
        f"{i} {' '.join(rng.choice([*words[kind], 'film', 'plot', 'it'], 6))},{kind}"
        for i, kind in enumerate(rng.choice(["good", "bad"], 150))
    ]
    (folder / "reviews.csv").write_text("review,kind\n" + "\n".join(lines) + "\n")
    data = load(CsvDataset(csv="reviews.csv", target="kind"), folder)
    assert data.development.kind == "text"
    members = [member(data, folder / "models", name="linear_model")]
    return write_members(folder / "model", members, data, folds_of(data), about(data), describe)


def test_texts_come_in_files_frames_arrays_or_by_themselves(bundle: Bundle, tmp_path: Path) -> None:
    texts = ["a great and lovely film", "dull plot, awful"]
    expected = load_bundle(bundle.path).predict(np.array(texts, dtype=object))
    assert expected.argmax(axis=1).tolist() == [1, 0]
    frame = pd.DataFrame({"other": [1, 2], "review": texts})
    np.testing.assert_allclose(bundle.predict(frame), expected)
    frame.to_csv(tmp_path / "rows.csv", index=False)
    (tmp_path / "rows.txt").write_text("\n".join(texts))
    for name in ("rows.csv", "rows.txt"):
        lines = predict(bundle, tmp_path / name).splitlines()
        assert [line.partition(",")[0] for line in lines] == ["prediction", "good", "bad"]
    assert predict(bundle, texts[1]).splitlines()[1].startswith("bad,")
