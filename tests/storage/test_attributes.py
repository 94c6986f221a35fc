"""Attributes in the database may have been changed by anyone: they are validated, or refused."""

from __future__ import annotations

import copy
import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
import pytest
from commands import Command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from laboratory import DATA, Laboratory
from optuna.trial import TrialState

from tuner import api
from tuner.errors import SpecError, TunerError
from tuner.results.listing import list_studies
from tuner.spec import Role
from tuner.storage.attributes import QueueEntry, TrialAttrs, read, study_attr, trial_attrs
from tuner.storage.database import Database
from tuner.storage.lease import own_lease
from tuner.studies import definition, lifecycle, provenance, queue
from tuner.studies.catalog import find_study
from tuner.trials.checkpoints import remove_of

POINTER = {"id": "s-0-ab.npz", "epoch": 2, "files": ["s-0-ab.npz"]}
TRIAL = {
    "role": "reference",
    "origin": "document",
    "worker": own_lease(),
    "seed": 3,
    "epochs_wanted": 3,
    "epoch": 2,
    "epochs": 3,
    "reason": "stopped early",
    "attempts": 1,
    "checkpoint": POINTER,
}
PLACE = {"standing": "open", "n_trials": 9, "priority": 1, "workers": 2, "reason": None}
KEYS = [
    *("tuner:spec", "tuner:data", "tuner:queue", "tuner:versions", "tuner:base"),
    *TRIAL,
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=4,
)


class Stored:
    """A database with a study and trials that have every attribute, one of them running."""

    def __init__(self, laboratory: Laboratory) -> None:
        laboratory.store("complete", "pruned")
        self.laboratory = laboratory
        self.database = Database(laboratory.url)
        self.study = self.database.study("scripted")
        self.study.set_user_attr("tuner:queue", PLACE)
        self.running = self.study.ask()._trial_id
        self._file = sqlite3.connect(laboratory.database)
        with self._file:
            for trial_id in (1, self.running):
                for key, value in TRIAL.items():
                    self._write(key, json.dumps(value), trial_id)

    def _write(self, key: str, text: str, trial_id: int) -> None:
        table, owner = ("trial", trial_id) if key in TRIAL else ("study", 1)
        of = (key, owner)
        self._file.execute(
            f"DELETE FROM {table}_user_attributes WHERE key = ? AND {table}_id = ?", of
        )
        self._file.execute(
            f"INSERT INTO {table}_user_attributes (key, {table}_id, value_json) VALUES (?, ?, ?)",
            (*of, text),
        )

    def value(self, key: str) -> Any:
        return copy.deepcopy(TRIAL[key] if key in TRIAL else self.study.user_attrs[key])

    @contextmanager
    def having(self, key: str, text: str) -> Iterator[None]:
        """Within it the study, or two of its trials, have this attribute."""
        before = json.dumps(self.value(key))
        for written in (text, before):
            with self._file:
                for trial_id in (1, self.running):
                    self._write(key, written, trial_id)
            if written is text:
                yield

    def readers(self) -> list[Any]:
        url, spec = self.laboratory.url, find_study(str(self.laboratory.study))
        data = {**DATA, "fingerprint": "0" * 64}
        return [
            lambda: api.load("scripted", url).configuration().to_dict(Path()),
            lambda: list_studies(url),
            lambda: queue.status_of(self.study, self.database),
            lambda: self.database.running(self.study),
            lambda: lifecycle.find_resumable(self.database, "scripted", spec),
            lambda: definition.stored_spec(self.database, self.study),
            lambda: provenance.accept_data(self.database, self.study, data),
            lambda: remove_of(self.database, self.study, 2, str(self.laboratory.folder)),
        ]

    def refusals(self) -> list[str]:
        """The errors of the readers that refuse what is stored; they may raise nothing else."""
        said = []
        for reader in self.readers():
            try:
                reader()
            except TunerError as error:
                said.append(str(error))
        return said

    def close(self) -> None:
        self._file.close()
        self.database.close()


@pytest.fixture
def stored(laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stored]:
    monkeypatch.chdir(laboratory.folder)
    made = Stored(laboratory)
    yield made
    made.close()


def paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path to everything inside a JSON value."""
    inner = value.items() if isinstance(value, dict) else ()
    inner = enumerate(value) if isinstance(value, list) else inner
    return [here, *(path for key, one in inner for path in paths(one, (*here, key)))]


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    holder = value
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = new
    return value


def test_stored_attributes_are_read(stored: Stored) -> None:
    for reader in stored.readers():
        reader()
    (running,) = stored.database.running(stored.study)
    assert (running.lease, running.attempts) == (TRIAL["worker"], 1)


@pytest.mark.slow
@settings(
    max_examples=30,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_changed_attribute_is_refused_in_one_line_or_harmless(
    stored: Stored, data: st.DataObject
) -> None:
    key = data.draw(st.sampled_from(KEYS))
    value = stored.value(key)
    new = changed(value, data.draw(st.sampled_from(paths(value))), data.draw(JSON))
    with stored.having(key, json.dumps(new)):
        for text in stored.refusals():
            assert "\n" not in text or "made with other settings" in text


# A checkpoint that cannot be read is one that is not there, and a line in the log.
MAY_BE_ANY_TEXT = ("tuner:base", "role", "origin", "reason", "checkpoint")


@pytest.mark.parametrize("key", KEYS)
def test_attribute_that_is_not_json_is_an_error_in_one_line(key: str, stored: Stored) -> None:
    with stored.having(key, "oops{"):
        refusals = stored.refusals()
    assert bool(refusals) == (key not in MAY_BE_ANY_TEXT)
    assert all("oops{" in text for text in refusals)


@pytest.mark.parametrize("key", KEYS)
def test_json_that_is_nested_too_deeply_is_an_error_in_one_line(key: str, stored: Stored) -> None:
    with stored.having(key, "[" * 20_000):
        assert all("\n" not in text for text in stored.refusals())


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE trials SET state = 'ODD' WHERE trial_id = 1",
        "UPDATE trials SET datetime_start = 'yesterday'",
        "UPDATE study_directions SET direction = 'up'",
        "UPDATE trial_values SET value = 'much'",
        "UPDATE trial_values SET objective = 1000000000000",
        "UPDATE trial_values SET value = NULL",
        "INSERT INTO trial_values (trial_id, objective, value, value_type) "
        "VALUES (1, 1, 0.5, 'FINITE')",
        "UPDATE trial_params SET distribution_json = 'oops{'",
        "UPDATE trial_params SET distribution_json = '{}'",
        "UPDATE trial_params SET param_value = NULL",
    ],
)
def test_rows_that_optuna_never_stores_are_an_error_in_one_line(
    change: str, stored: Stored
) -> None:
    with sqlite3.connect(stored.laboratory.database) as file:
        file.execute(change)
    file.close()
    fresh = stored.laboratory.url
    with pytest.raises(TunerError, match=r"cannot be read|is damaged|more than one value") as error:
        api.load("scripted", fresh)
    assert "\n" not in str(error.value)
    assert "scripted" in [study.name for study in list_studies(fresh)]
    assert [name for name, *_ in stored.database.studies_with("tuner:queue")] == ["scripted"]


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("epoch", "2", 'trial 0: epoch: must be a whole number, but got "2", a string'),
        ("epoch", 0, "trial 0: epoch: input should be greater than or equal to 1, but got 0"),
        ("epochs", True, "trial 0: epochs: must be a whole number, but got true, a boolean"),
        ("seed", 1.5, "trial 0: seed: must be a whole number, but got 1.5"),
        ("reason", ["x"], 'trial 0: reason: must be a string, but got ["x"], a list'),
        ("origin", 3, "trial 0: origin: must be a string, but got 3"),
        ("attempts", "many", 'trial 0: attempts: must be a whole number, but got "many"'),
        ("worker", 7, "trial 0: worker: must be a table, but got 7"),
        ("worker", {"host": "a", "machine": "b"}, "worker: must have host, pid and started"),
        ("tuner:data", {"rows": {}}, "stored study scripted: tuner:data.fingerprint: field requ"),
        (
            "tuner:data",
            {"fingerprint": "f", "schema": [3]},
            "tuner:data.schema: must be a table, but got [3], a list",
        ),
        ("tuner:versions", {"keras": 3}, "tuner:versions.keras: must be a string, but got 3"),
        ("tuner:spec", "mlp", 'stored study scripted: tuner:spec: must be a table, but got "mlp"'),
        ("tuner:base", 5, "tuner:base: must be a string, but got 5"),
    ],
)
def test_show_names_study_trial_attribute_rule_and_value(
    key: str, value: object, says: str, stored: Stored, command: Command
) -> None:
    with stored.having(key, json.dumps(value)):
        answer = command("show", "scripted", "--storage", stored.laboratory.url)
    assert answer.status == 2
    assert says in answer.err
    assert len(answer.err.splitlines()) == 1


def test_checkpoints_of_a_changed_attribute_are_not_removed(
    stored: Stored, caplog: pytest.LogCaptureFixture
) -> None:
    """The database must not decide which files are removed here."""
    outside = stored.laboratory.folder / "precious.npz"
    outside.write_bytes(b"")
    folder = stored.laboratory.folder / "checkpoints"
    folder.mkdir()
    for name in ("../precious.npz", str(outside), "precious"):
        with stored.having("checkpoint", json.dumps(POINTER | {"files": [name]})):
            remove_of(stored.database, stored.study, 2, str(folder))
    assert outside.exists()
    assert caplog.messages[0].startswith("its checkpoints are neither used nor removed: trial 2: ")


def test_attributes_of_another_program_are_ignored(tmp_path: Path, command: Command) -> None:
    url = f"sqlite:///{tmp_path}/other.db"
    study = optuna.create_study(storage=url, study_name="theirs")
    trial = study.ask()
    for key in TRIAL:
        trial.set_user_attr(key, {"not": "ours"})
    study.tell(trial, 0.5)
    answer = command("trials", "theirs", "--json", "--storage", url)
    assert answer.status == 0
    assert json.loads(answer.out)[0]["origin"] == "search"


def test_attributes_of_a_later_version_are_ignored() -> None:
    entry = study_attr(QueueEntry, {"tuner:queue": {"standing": "open", "owner": 3}}, *_QUEUE)
    assert entry == QueueEntry(status="open")
    assert trial_attrs({"seed": 1, "colour": "red"}, "trial 0") == TrialAttrs(seed=1)
    with pytest.raises(SpecError, match=r"^here: key: must be a table, but got 1, a whole number"):
        read(QueueEntry, 1, "here", "key")


_QUEUE = ("tuner:queue", "s")


def test_doctor_names_a_damaged_trial(
    stored: Stored, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuner.results.doctor._LOAD", "")  # not TensorFlow: it takes seconds
    with stored.having("attempts", '"many"'):
        answer = command("doctor", "--storage", stored.laboratory.url)
    assert answer.status == 1
    assert "stored study scripted: trial 2: attempts: must be a whole number" in answer.out
    assert stored.database.counts(stored.study)[TrialState.RUNNING] == 1


@pytest.mark.parametrize(
    ("attrs", "role"),
    [
        ({}, Role.SEARCH),
        ({"origin": "document"}, Role.REFERENCE),
        ({"role": "search", "origin": "document"}, Role.SEARCH),
        ({"role": "confirm"}, Role.CONFIRM),
        ({"role": "boss"}, Role.SEARCH),
        ({"role": ["reference"]}, Role.SEARCH),
    ],
)
def test_role_follows_from_the_origin_unless_it_is_stored(
    attrs: dict[str, object], role: Role
) -> None:
    assert trial_attrs(attrs, "trial 0").role is role
