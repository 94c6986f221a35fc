from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).parent.parent / "benchmarks"


@pytest.fixture
def refit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The script, in an empty working directory."""
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.chdir(tmp_path)
    import refit

    return refit


def test_rules_choose_epochs_for_each_seed(refit: ModuleType) -> None:
    one = {"best": [10, 20, 30, 40, 1000], "fewer": 0.75}
    chosen = {rule: refit._epochs(one, rule) for rule in refit.RULES}
    assert chosen == {
        "same epochs": [10, 20, 30, 40, 1000],
        "same steps": [8, 15, 22, 30, 750],
        "median epochs": [30] * 5,
        "mean epochs": [220] * 5,
        "median steps": [22] * 5,
    }


@pytest.mark.slow
def test_configuration_is_fitted_once_and_is_a_row(
    refit: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.jsonl"
    asked = ["birth-life/trees", "--repeats", "2", "--epochs-scale", "0.05", "--out", str(out)]
    refit.main(asked)
    printed = capsys.readouterr()
    head, _, row = printed.out.splitlines()
    assert head.startswith("| configuration | rows | best epochs | metric | one: same epochs |")
    assert row.startswith("| birth-life/trees | 90 → 121 | ")
    assert "birth-life/trees, division 2 of 2" in printed.err
    refit.main(asked)
    again = capsys.readouterr()
    assert (again.out, again.err) == (printed.out, "")
