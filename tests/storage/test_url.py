"""URLs of databases, rewritten."""

from __future__ import annotations

from pathlib import Path

import pytest

from tuner.storage.url import absolute


@pytest.mark.parametrize("file", ["tuner.db", "a folder/tuner.db"])
def test_relative_file_becomes_absolute(
    file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert absolute(f"sqlite:///{file}") == f"sqlite:///{tmp_path}/{file}"


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////data/tuner.db",
        "sqlite:///file:tuner.db?mode=ro&uri=true",
        "postgresql+psycopg://me:secret@host/studies",
        "grpc://host:13000",
    ],
)
def test_other_urls_stay_as_they_are(url: str) -> None:
    assert absolute(url) == url
