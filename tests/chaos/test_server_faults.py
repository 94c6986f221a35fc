"""PostgreSQL with few connections, and with a time limit for each statement.

A restart of the server is tested in ``tests/storage/test_restart.py`` and ``test_chaos.py``.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import psycopg
import pytest
from faulted import FaultedRun, repetitions
from judging import Judge
from laboratory import Laboratory
from servers import Postgres, postgres, programs

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("repetition", repetitions())]


@pytest.fixture(scope="module")
def small_server() -> Iterator[Postgres]:
    """A server that takes five connections."""
    found = programs()
    if found is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    with postgres(found, "max_connections=5", "superuser_reserved_connections=0") as running:
        yield running


def connect(laboratory: Laboratory) -> psycopg.Connection:
    return psycopg.connect(laboratory.url.replace("+psycopg", ""), autocommit=True)


def test_run_waits_until_others_leave_the_server(
    small_server: Postgres, slow: Laboratory, judge: Judge, repetition: int
) -> None:
    slow.url = small_server.new_database()
    others = [connect(slow) for _ in range(3)]
    try:
        with FaultedRun(slow) as run:
            run.wait_for(lambda: "connection" in run.output)
            time.sleep(1)
            for other in others:
                other.close()
            assert run.ended() == 0
            reported = run.reported
    finally:
        for other in others:
            other.close()
    assert "Traceback" not in run.output
    judge.check_reached(slow, reported)


def test_cancelled_statements_are_tried_again(
    server: Postgres, slow: Laboratory, judge: Judge, repetition: int
) -> None:
    slow.url = server.new_database()
    with connect(slow) as other, FaultedRun(slow) as run:
        name = other.info.dbname
        other.execute(f"ALTER DATABASE {name} SET statement_timeout = '300ms'")
        run.wait_for_trials(1 + repetition % 3)
        with other.transaction():
            other.execute("LOCK TABLE trials IN ACCESS EXCLUSIVE MODE")
            time.sleep(4)
        assert run.ended() == 0
        assert "Traceback" not in run.output
        assert "statements that take too long" in run.output
        reported = run.reported
    judge.check_reached(slow, reported)
