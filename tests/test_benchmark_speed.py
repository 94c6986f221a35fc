"""The benchmark of whole searches runs: two tiny trials, ours and `model.fit` side by side."""

from __future__ import annotations

from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "benchmarks"


@pytest.mark.slow
def test_each_contender_has_a_row_with_its_ratio(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.chdir(tmp_path)
    import speed

    short = speed.CONTESTS["xor"]._replace(epochs=6, epochs_scale=0.5)
    monkeypatch.setitem(speed.CONTESTS, "xor", short)
    asked = ["speed.py", "xor", "--trials", "2", "--rounds", "1", "--only", "tuner-1", "bare"]
    monkeypatch.setattr("sys.argv", asked)

    speed.main()

    printed = capsys.readouterr()
    ours, theirs = (line.split(" | ") for line in printed.out.splitlines()[-2:])
    assert (ours[0], ours[1]) == ("| xor", "tuner, one worker")
    assert theirs[1] == "bare `model.fit` (scaled)"
    assert theirs[5].endswith("×")
    assert float(ours[4]) > 100  # MiB: TensorFlow was really loaded
    assert "xor round 1 bare `model.fit`: " in printed.err


def test_all_contenders_train_the_same_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    import speed

    from tuner.learners.keras.networks.families import FAMILIES

    for study, contest in speed.CONTESTS.items():
        trials = speed.draw(study, 60)
        assert trials == speed.draw(study, 60)
        assert all(FAMILIES["mlp"].setting(name) for name in trials[0])
        assert {trial["epochs"] for trial in trials} == {contest.epochs}
