"""Bundles of a mixed table: raw rows as people have them, and files that somebody has forged."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from commands import Command
from made_members import about, folds_of, member

from tuner.automl.ensemble import Judge
from tuner.automl.facts import facts
from tuner.bundle import Bundle, load_bundle, train
from tuner.bundle.explain import explain
from tuner.bundle.write_members import write_members
from tuner.data import SealedData, load
from tuner.errors import BundleError, DataError
from tuner.results import Configuration
from tuner.spec import CsvDataset, Objective


def write_houses(folder: Path) -> Path:
    """Prices of houses: sizes with decimal commas and gaps, days first in dates, a category."""
    rng = np.random.default_rng(0)
    n = 150
    size = rng.uniform(20, 200, n)
    place = rng.choice(["Berlin", "Köln", "서울"], n)
    built = pd.Timestamp("1990-01-01") + pd.to_timedelta(rng.integers(0, 12_000, n), unit="D")
    price = 3 * size + 100 * (place == "서울") + rng.normal(0, 5, n)
    cells = ["" if i % 9 == 0 else f"{one:.1f}".replace(".", ",") for i, one in enumerate(size)]
    frame = pd.DataFrame(
        {"size": cells, "place": place, "built": built.strftime("%d.%m.%Y")}
        | {"price": [f"{one:.2f}".replace(".", ",") for one in price]}
    )
    frame.to_csv(folder / "houses.csv", sep=";", index=False)
    return folder / "houses.csv"


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SealedData]:
    folder = tmp_path_factory.mktemp("houses")
    write_houses(folder)
    data = load(CsvDataset(csv="houses.csv", target="price", decimal=","), folder)
    assert data.development.kind == "mixed"
    return folder, data


@pytest.fixture(scope="module")
def bundle(houses: tuple[Path, SealedData]) -> Bundle:
    folder, data = houses
    members = [
        member(data, folder / "one", 1, weight=0.5),
        member(data, folder / "two", 2, "linear_model", weight=0.5),
    ]
    judge = Judge("regression", Objective(metric="rmse", direction="minimize"))
    predictions = (members[0].out_of_fold + members[1].out_of_fold) / 2
    dataset = {"csv": "houses.csv", "target": "price", "decimal": ","}
    return write_members(
        folder / "model",
        members,
        data,
        folds_of(data),
        {**about(data), "dataset": dataset},
        lambda one: facts(one, data, folds_of(data), predictions, judge, seed=0, seconds=2.0),
    )


@pytest.fixture
def copy(bundle: Bundle, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bundle.path, tmp_path / "model"))


ROWS = pd.DataFrame(
    {
        "owner": ["Kim", "Ng"],
        "built": pd.to_datetime(["2001-02-13", "1995-12-01"]),
        "place": ["서울", "Paris"],
        "size": [80.5, np.nan],
    }
)


def test_files_and_frames_of_the_same_rows_are_predicted_alike(
    bundle: Bundle, tmp_path: Path, command: Command
) -> None:
    expected = load_bundle(bundle.path).predict(ROWS)
    (tmp_path / "rows.csv").write_text(
        "owner;built;place;size\nKim;13.02.2001;서울;80,5\nNg;01.12.1995;Paris;\n", encoding="utf-8"
    )
    ROWS.to_parquet(tmp_path / "rows.parquet")
    for name in ("rows.csv", "rows.parquet"):
        done = command("predict", bundle.path, tmp_path / name, "--json")
        found = [one["prediction"] for one in json.loads(done.out)]
        assert found == pytest.approx(expected.tolist())
    np.testing.assert_allclose(bundle.predict(ROWS.iloc[0].to_dict()), expected[:1])
    cells = ROWS[["size", "place", "built"]].to_numpy(dtype=object)
    np.testing.assert_allclose(bundle.predict(cells), expected)


def test_missing_column_of_a_file_is_named(
    bundle: Bundle, tmp_path: Path, command: Command
) -> None:
    (tmp_path / "rows.csv").write_text("size;built\n1,5;13.02.2001\n")
    done = command("predict", bundle.path, tmp_path / "rows.csv")
    done.refused(2, 'lacks 1 column that the model takes: "place"')
    with pytest.raises(DataError, match='lack 1 column that the model takes: "place"'):
        bundle.predict(ROWS.drop(columns="place"))


def test_cells_that_count_as_missing_are_noted(
    bundle: Bundle, tmp_path: Path, command: Command
) -> None:
    (tmp_path / "rows.csv").write_text("size;built;place\nlarge;13.02.2001;Berlin\n")
    done = command("predict", bundle.path, tmp_path / "rows.csv")
    assert done.status == 0
    assert 'column "size"' in done.err
    assert "large" in done.err


def test_dates_of_the_stored_training_rows_are_read_as_they_were(bundle: Bundle) -> None:
    assert bundle.info["background"]["built"][0].startswith(("19", "20"))
    inputs = ROWS[["size", "place", "built"]].assign(place=ROWS["place"].astype(object))
    (found, _) = explain(bundle, inputs)
    assert set(found["moved"]) == {"size", "place", "built"}
    assert abs(found["moved"]["place"]) > 5
    assert np.isfinite(list(found["moved"].values())).all()


def test_card_lists_the_columns(bundle: Bundle) -> None:
    card = (bundle.path / "MODEL.md").read_text(encoding="utf-8")
    assert "| place | category | category | 0 |  |" in card
    assert 'It is read as the training file was, with `decimal = ","`' in card


def test_plain_bundle_of_a_mixed_table_takes_frames(
    houses: tuple[Path, SealedData], tmp_path: Path
) -> None:
    folder, _ = houses
    made = Configuration(
        study="houses",
        trial=1,
        metric="rmse",
        direction="minimize",
        value=1.0,
        dataset=CsvDataset(csv="houses.csv", target="price", decimal=","),
        model="hist_gradient_boosting",
        params={"max_iter": 10, "min_samples_leaf": 4},
        epochs=10,
        batch_size=32,
        seed=0,
        base=folder,
    )
    plain = train(made, tmp_path / "model")
    assert np.isfinite(plain.predict(ROWS)).all()
    np.testing.assert_allclose(load_bundle(plain.path).predict(ROWS), plain.predict(ROWS))


# A stranger's bundle.


def forge_call(file: Path, target: Path) -> None:
    """Makes the file call ``os.mkdir`` when it is loaded without a check."""
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(parts["schema.json"])
    schema["content"] = {
        "__class__": "mkdir",
        "__module__": "os",
        "__loader__": "FunctionNode",
        "content": {"module_path": "os", "function": "mkdir"},
        "args": [str(target)],
        "__id__": 1,
    }
    parts["schema.json"] = json.dumps(schema).encode()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def outcome(copy: Path) -> Any:
    """What the bundle predicts; None if it was refused, in one line."""
    try:
        return load_bundle(copy).predict(ROWS)
    except BundleError as error:
        said = str(error)
    assert "\n" not in said
    return None


def test_code_in_the_trees_of_a_member_is_not_run(copy: Path, tmp_path: Path) -> None:
    forge_call(copy / "members/1/fold-0/model.skops", tmp_path / "made")
    assert outcome(copy) is None
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "made_up:Learner", "library": "own"},
        {"model": "../../made_up", "library": "sklearn"},
        {"model": "k_neighbors", "library": "sklearn"},
        {"info": {"encoder": "../../../etc/passwd"}},
        {"params": {"max_iter": [1]}},
    ],
)
def test_forged_description_runs_no_code(
    copy: Path, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    (copy / "made_up.py").write_text("raise SystemExit('the code of a bundle was run')")
    monkeypatch.chdir(copy)
    monkeypatch.syspath_prepend(copy)
    file = copy / "members/1/fold-0/fitted.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))
    found = outcome(copy)
    assert found is None or np.isfinite(found).all()


def test_every_damaged_file_of_a_member_is_refused_or_ignored(copy: Path) -> None:
    expected = load_bundle(copy).predict(ROWS)
    for file in sorted(p for p in copy.glob("members/*/fold-1/*") if p.is_file()):
        whole = file.read_bytes()
        for damaged in (b"", whole[: len(whole) // 2], b"\x00" * 100, b"{}"):
            file.write_bytes(damaged)
            found = outcome(copy)
            if found is not None:
                np.testing.assert_allclose(found, expected, err_msg=str(file))
        file.write_bytes(whole)
