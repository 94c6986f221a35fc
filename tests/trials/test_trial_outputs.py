"""What complete trials leave, and files of strangers in its place."""

from __future__ import annotations

import io
import logging
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState, create_trial

from tuner.data import Splits
from tuner.errors import BundleError
from tuner.learners.registry import open_learner
from tuner.learners.saved import FILE, load_model, pack_model, unpack_model
from tuner.learners.setup import Setup
from tuner.learners.watch import Watch
from tuner.storage.database import Database
from tuner.trials.checkpoints import remove_of
from tuner.trials.trial_outputs import (
    outputs_of,
    read_models,
    read_out_of_fold,
    remove_outputs,
    write_outputs,
)

PREDICTED = np.array([[0.25, 0.75], [np.nan, np.nan], [0.5, 0.5]], dtype=np.float32)
NAME = f"s-0-{'0a' * 16}.npz"


def archive(**files: bytes | str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as made:
        for name, text in files.items():
            made.writestr(name, text)
    return content.getvalue()


@pytest.fixture
def database(tmp_path: Path) -> Database:
    made = Database(f"sqlite:///{tmp_path}/t.db", lease={})
    made.upgrade()
    return made


def left(database: Database, location: Path, *models: bytes) -> FrozenTrial:
    """Runs a trial that leaves outputs."""
    study = optuna.create_study(storage=database.storage, study_name="s", load_if_exists=True)
    trial = study.ask()
    written = write_outputs(trial, database, str(location), PREDICTED, models)
    if written is not None:
        database.write_attrs(trial._trial_id, {"outputs": written})
    study.tell(trial, 0.5)
    return study.trials[-1]


def test_outputs_are_read_as_they_were_written(database: Database, tmp_path: Path) -> None:
    location = tmp_path / "outputs"
    trial = left(database, location, archive(a="1"), archive(b="2"))
    found = outputs_of(trial)
    assert found is not None
    assert (found.models, found.size) == (2, (location / found.id).stat().st_size)
    np.testing.assert_array_equal(read_out_of_fold(str(location), trial), PREDICTED)
    folders = read_models(str(location), trial, tmp_path / "m")
    assert [folder.name for folder in folders] == ["fold-0", "fold-1"]
    assert (folders[1] / "b").read_text() == "2"
    remove_outputs(str(location), [trial])
    assert list(location.iterdir()) == []
    with pytest.raises(BundleError, match=r"outputs of trial 0 cannot be read: s-0-\w+.npz is not"):
        read_out_of_fold(str(location), trial)


def test_retried_trial_replaces_what_its_first_attempt_has_left(
    database: Database, tmp_path: Path
) -> None:
    study = optuna.create_study(storage=database.storage, study_name="s")
    trial = study.ask()
    assert write_outputs(trial, database, str(tmp_path / "o"), PREDICTED, []) is not None
    again = optuna.Trial(study, trial._trial_id)
    written = write_outputs(again, database, str(tmp_path / "o"), PREDICTED, [])
    assert written is not None
    assert [file.name for file in (tmp_path / "o").iterdir()] == [written["id"]]
    # Its process dies before the attribute is whole, and it fails.
    study.tell(trial, state=TrialState.FAIL)
    assert outputs_of(study.trials[0]) is None
    remove_of(database, study, 0, str(tmp_path / "o"))
    assert list((tmp_path / "o").iterdir()) == []


def test_trial_without_outputs_is_named(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    with caplog.at_level(logging.WARNING):
        trial = left(database, tmp_path / "file")
    assert "trial 0 leaves no outputs: cannot write to" in caplog.text
    assert trial.state is TrialState.COMPLETE
    with pytest.raises(BundleError, match="trial 0 has left no models; a study keeps them with"):
        read_models(str(tmp_path), trial, tmp_path)


def bomb() -> bytes:
    return archive(**{"out_of_fold.npy": b"\0" * 2**27})


def numbers(**arrays: Any) -> bytes:
    content = io.BytesIO()
    np.savez(content, **arrays)
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (lambda: b"text", "are broken"),
        (lambda: numbers(out_of_fold=np.array([{}], dtype=object)), "are broken: Object arrays"),
        (lambda: numbers(other=PREDICTED), "are broken"),
        (lambda: numbers(out_of_fold=np.array(["a"])), "broken: its predictions are <U1 of shape"),
        (lambda: numbers(out_of_fold=PREDICTED)[:-40], "are broken"),
        (bomb, "unpacks from .* to 128 MiB, which no saved model"),
    ],
)
def test_outputs_of_a_stranger_are_refused(
    content: Callable[[], bytes], match: str, tmp_path: Path
) -> None:
    made = content()
    (tmp_path / NAME).write_bytes(made)
    attrs = {"outputs": {"id": NAME, "size": len(made)}}
    trial = create_trial(state=TrialState.COMPLETE, value=1.0, user_attrs=attrs)
    with pytest.raises(BundleError, match=match):
        read_out_of_fold(str(tmp_path), trial)


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/../../evil", "..\\evil", "C:evil"])
def test_archive_that_names_a_file_outside_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="cannot be unpacked: it names the file"):
        unpack_model(archive(**{name: "x"}), tmp_path / "a" / "b")
    assert not any(tmp_path.rglob("*evil*"))
    with pytest.raises(BundleError, match="cannot be unpacked: File is not a zip file"):
        unpack_model(b"no archive", tmp_path / "a")


def test_packed_model_predicts_the_same_after_it_is_loaded(
    make_splits: Callable[[], Splits], tmp_path: Path
) -> None:
    data = make_splits().sealed()
    learner = open_learner("hist_gradient_boosting", Setup())
    params = MappingProxyType({"max_iter": 3})
    fitted = learner.fit(params, data.development, 1, Watch(3))
    unpack_model(pack_model(fitted, learner, params), tmp_path / "m")
    loaded = load_model(tmp_path / "m", {"data": data.describe()})
    x = data.development.validation.x
    np.testing.assert_array_equal(loaded.predict(x), fitted.predict(x))
    written = (tmp_path / "m" / FILE).read_text()
    for changed, match in (
        (written.replace('"hist_gradient_boosting"', '"os:system"'), "no learner 'os:system'"),
        (written.replace('"library"', '"libary"'), "is broken: library: Field required"),
        ("[]", "is broken"),
    ):
        (tmp_path / "m" / FILE).write_text(changed)
        with pytest.raises(BundleError, match=match):
            load_model(tmp_path / "m", {"data": data.describe()})
