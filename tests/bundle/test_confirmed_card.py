"""The card of a model whose configuration won the confirmation of its study."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tuner.bundle.bundle_text import words
from tuner.bundle.card import card_scores

INFO: dict[str, Any] = {
    "metric": "accuracy",
    "scores": {"validation": {"accuracy": 0.9977}, "test": {"accuracy": 0.993}},
    "baseline": {"predicts": "always white", "test": {"accuracy": 0.75}},
}


def test_card_shows_the_confirmed_score() -> None:
    score = {"mean": 0.9941, "half_width": 0.0012, "seeds": 10, "fresh_splits": True}
    text = card_scores(INFO | {"confirmed": score})
    assert "confirmed accuracy 0.9941 ± 0.0012 over 10 seeds and splits (mean and 95 %" in text
    assert "confirmed" not in card_scores(INFO)


def test_summary_shows_the_confirmed_score_after_that_of_the_search() -> None:
    rows = {"train": 80, "validation": 20, "test": 20}
    trained = {"study": "wine", "trial": 3, "model": "mlp", "params": {}, "epochs": 7}
    info = INFO | trained | {"data": {"rows": rows}}
    score = {"mean": 0.9941, "half_width": 0.0012, "seeds": 10, "fresh_splits": True}
    lines = words(Path("m"), info | {"confirmed": score}).splitlines()
    assert lines[4:6] == [
        "  accuracy on validation, in the search   0.9977",
        "  accuracy confirmed                      0.9941 ± 0.0012 over 10 seeds and splits",
    ]
    assert "confirmed" not in words(Path("m"), info)
