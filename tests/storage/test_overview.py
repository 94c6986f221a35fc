"""The overview of stored studies: from either kind of database, and its errors."""

from __future__ import annotations

import re
from collections.abc import Callable

import optuna
import psycopg
import pytest
import sqlalchemy as sa
from commands import Command
from sqlalchemy.dialects.mysql.reserved_words import RESERVED_WORDS_MARIADB, RESERVED_WORDS_MYSQL

from tuner.errors import StorageError
from tuner.storage import overview
from tuner.storage.database import Database
from tuner.storage.overview import StudyOverview, stored_studies

QUERIES = {name: text for name, text in vars(overview).items() if "SELECT" in str(text)[:20]}


def test_overview_is_the_same_for_every_database(
    url: str, open_database: Callable[..., Database]
) -> None:
    assert stored_studies(url) == []
    storage = open_database(lease={"host": "here", "pid": 1}).storage
    first = optuna.create_study(storage=storage, study_name="first", direction="maximize")
    first.set_user_attr("tuner:queue", {"priority": 2})
    for value in (1.0, 3.0, 2.0):
        first.tell(first.ask(), value)
    first.add_trial(optuna.trial.create_trial(value=float("inf")))  # not what anybody wants best
    first.ask()
    second = optuna.create_study(
        storage=storage, study_name="second", directions=["minimize", "maximize"]
    )
    with pytest.warns(optuna.exceptions.ExperimentalWarning, match="set_metric_names"):
        second.set_metric_names(["loss", "accuracy"])
    found = stored_studies(url)
    rate = found[0].per_minute
    assert rate is not None
    assert rate > 0
    counts = {"complete": 4, "running": 1}
    attrs = {"tuner:queue": {"priority": 2}}
    assert found == [
        StudyOverview(
            *("first", ("maximize",), counts, (1.0, 3.0), attrs), workers=1, per_minute=rate
        ),
        StudyOverview("second", ("minimize", "maximize"), {}, None, metrics=("loss", "accuracy")),
    ]


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_missing_rights_are_an_error_with_advice(
    url: str, open_database: Callable[..., Database], command: Command
) -> None:
    optuna.create_study(storage=open_database().storage, study_name="s")
    parsed = sa.make_url(url)
    where = f"host={parsed.query['host']} port={parsed.query['port']} user=tuner"
    with psycopg.connect(f"{where} dbname={parsed.database}", autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS stranger")
        connection.execute("CREATE ROLE stranger LOGIN")
    url = url.replace("tuner@", "stranger@")
    words = "permission denied for table alembic_version: GRANT it to the user"
    with pytest.raises(StorageError, match=words):
        stored_studies(url)
    answer = command("studies", "--storage", url)
    assert words in answer.err
    assert "Traceback" not in answer.err
    assert len(answer.err.splitlines()) == 1


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_server_that_stops_meanwhile_is_an_error_with_advice(
    url: str, open_database: Callable[..., Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    optuna.create_study(storage=open_database().storage, study_name="s")
    ended = f"{overview._BEST}; SELECT pg_terminate_backend(pg_backend_pid())"
    monkeypatch.setattr(overview, "_BEST", ended)
    with pytest.raises(StorageError, match="terminating connection"):
        stored_studies(url)


@pytest.mark.parametrize("name", QUERIES)
def test_queries_quote_no_reserved_word_of_mysql(name: str) -> None:
    without_texts = re.sub(r"'[^']*'", "", QUERIES[name])
    names = set(re.findall(r"(?<![.\w])[a-z_]+", without_texts))  # after a dot all may be
    assert names
    assert not names & (RESERVED_WORDS_MYSQL | RESERVED_WORDS_MARIADB)


def test_best_values_are_of_trials_that_violate_no_constraint(
    url: str, open_database: Callable[..., Database]
) -> None:
    study = optuna.create_study(storage=open_database().storage, study_name="bounded")
    for value, excess in ((0.1, 0.5), (0.2, 0.0), (0.3, -1e-9), (0.4, None), (0.9, 1e-9)):
        attrs = {} if excess is None else {"constraints:size": excess}
        study.add_trial(optuna.trial.create_trial(value=value, system_attrs=attrs))
    (found,) = stored_studies(url)
    assert found.values == (0.2, 0.4)
