"""Files of checkpoints in a folder and in an S3-like store: a real server over HTTP."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from laboratory import Laboratory

from tuner.storage.artifacts import ArtifactError, Artifacts, chosen_location
from tuner.storage.database import Database
from tuner.workers import forkserver

BUCKET = "checkpoints"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """Moto's server with one empty bucket; its client."""
    server_module = pytest.importorskip("moto.server", reason="moto[s3] is in the extra dev")
    import boto3

    server = server_module.ThreadedMotoServer(port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ACCESS_KEY_ID": "somebody",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "us-east-1",
        }.items():
            monkeypatch.setenv(name, value)
        # One process has one store, whichever of its servers is asked.
        reset = Request(f"http://{host}:{port}/moto-api/reset", method="POST")
        urlopen(reset).close()
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET)
        client.stop = server.stop
        yield client
    finally:
        server.stop()


def names(client) -> list[str]:
    return [found["Key"] for found in client.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def check_round_trip(artifacts: Artifacts) -> None:
    with pytest.raises(ArtifactError, match=r"a\.npz is not in "):
        artifacts.read("a.npz")
    artifacts.write("a.npz", b"content")
    assert artifacts.read("a.npz") == b"content"
    artifacts.remove("a.npz")
    artifacts.remove("a.npz")
    with pytest.raises(ArtifactError, match="is not in "):
        artifacts.read("a.npz")


def test_folder_stores_reads_and_removes_files(tmp_path: Path) -> None:
    place = tmp_path / "not" / "yet"
    artifacts = Artifacts(str(place))
    assert not place.exists()
    check_round_trip(artifacts)
    with pytest.raises(ArtifactError, match="cannot write to "):
        artifacts.write("../outside.npz", b"")
    assert not (place.parent / "outside.npz").exists()


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_folder_without_rights_is_an_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ArtifactError, match=r"cannot write to .*: Permission denied"):
        Artifacts(str(tmp_path)).write("a.npz", b"")


@pytest.mark.parametrize(
    ("place", "prefix"), [("", ""), ("/", ""), ("/some/team", "some/team/"), ("/x/", "x/")]
)
def test_s3_stores_reads_and_removes_files(s3, place: str, prefix: str) -> None:
    artifacts = Artifacts(chosen_location(f"s3://{BUCKET}{place}", "sqlite:///x.db"))
    check_round_trip(artifacts)
    artifacts.write("b.npz", b"content")
    assert names(s3) == [f"{prefix}b.npz"]


def test_missing_bucket_is_an_error(s3) -> None:
    with pytest.raises(ArtifactError, match=r"cannot write to s3://other: .*NoSuchBucket"):
        Artifacts("s3://other").write("a.npz", b"content")


@pytest.mark.slow
def test_unreachable_s3_is_an_error(s3) -> None:
    artifacts = Artifacts(f"s3://{BUCKET}")
    artifacts.write("a.npz", b"content")
    s3.stop()
    since = time.monotonic()
    for work in (
        lambda: artifacts.write("b.npz", b""),
        lambda: artifacts.read("a.npz"),
        lambda: artifacts.remove("a.npz"),
    ):
        with pytest.raises(ArtifactError, match=r"cannot .* s3://checkpoints: Could not connect"):
            work()
    assert time.monotonic() - since < 60


@pytest.fixture
def _workers_with_my_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers have the environment in which the fork server was started."""
    monkeypatch.setattr(forkserver, "_servers", {})


@pytest.mark.slow
@pytest.mark.usefixtures("_workers_with_my_environment")
def test_trial_resumes_from_its_checkpoint_in_s3(s3, laboratory: Laboratory) -> None:
    laboratory.behave("counts")
    text = laboratory.study.read_text().replace("low = 3\nhigh = 3", "low = 12\nhigh = 12")
    laboratory.study.write_text(text)
    options = {"workers": 1, "n_trials": 1, "settings": ["training.checkpoint=0.001"]}
    calm = laboratory.run(study_name="calm", **options)
    (laboratory.folder / "counted").unlink()
    saved = []

    def kill(number: int, epoch: int) -> None:
        database = Database(laboratory.url)
        attrs = database.study("scripted").trials[0].user_attrs
        database.close()
        if not saved and attrs.get("checkpoint", {}).get("epoch", 0) > 2:
            saved.extend(names(s3))
            os.kill(attrs["worker"]["pid"], signal.SIGKILL)

    laboratory.recorder.on_epoch = kill
    place = f"s3://{BUCKET}/of/ours"
    result = laboratory.run(recorder=laboratory.recorder, checkpoints=place, **options)
    assert saved[0].startswith("of/ours/scripted-0-")
    assert "trial 0 resumes after epoch " in laboratory.recorder.notes()
    assert (laboratory.folder / "counted").stat().st_size <= 12 + 1 + 1  # tried once before
    assert result.best.value == pytest.approx(calm.best.value, rel=1e-6)
    assert names(s3) == []


def test_unknown_home_folder_is_left_as_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a shell."""
    monkeypatch.chdir(tmp_path)
    place = chosen_location("~nobody-of-that-name/x", "sqlite:///tuner.db")
    assert place == str(tmp_path / "~nobody-of-that-name/x")
