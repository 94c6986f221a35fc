"""The confirmation of a stored study, read back: who wins, what is shown, what is exported."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest
from confirmations import add_repeats, begun, searched
from laboratory import Laboratory

from tuner import api
from tuner.errors import StudyError
from tuner.results import StudyResult
from tuner.results.configuration_file import read
from tuner.results.confirmation_text import confirmed, taken
from tuner.results.study_text import summary
from tuner.results.views import best

NEAR = [0.50, 0.40, 0.45, 0.48]


def loaded(laboratory: Laboratory, name: str | None = None) -> StudyResult:
    return api.load(str(laboratory.study), laboratory.url, name)


def shifted(by: float) -> list[float]:
    return [round(value + by * (1 + 0.1 * i), 6) for i, value in enumerate(NEAR)]


def test_lucky_trial_loses_to_the_one_that_repeats_well(laboratory: Laboratory) -> None:
    database, study, spec = searched(laboratory, [0.4, 0.1, 0.6])
    companion, stored = begun(database, study, spec, top=2, repeats=4)
    assert loaded(laboratory).winner == loaded(laboratory).best, "nothing is trained again yet"
    add_repeats(companion, stored, {"trial 1": shifted(0.5), "trial 0": NEAR})
    result = loaded(laboratory)
    assert result.best is not None
    assert result.winner is not None
    assert (result.best.number, result.winner.number) == (1, 0)
    found = result.confirmation
    assert found is not None
    assert found.is_finished
    assert found.winner == "trial 0"
    lucky = found.candidate("trial 1")
    assert lucky.optimism == pytest.approx(0.1 - np.mean(shifted(0.5)))
    assert found.candidate("trial 0").p_best == pytest.approx(1, abs=0.02)
    assert result.configuration().trial == 0
    assert result.configuration(1).trial == 1


def test_unfinished_confirmation_has_no_winner(laboratory: Laboratory) -> None:
    database, study, spec = searched(laboratory, [0.4, 0.1])
    companion, stored = begun(database, study, spec, repeats=4)
    add_repeats(companion, stored, {"trial 1": NEAR, "trial 0": NEAR[:3]})
    result = loaded(laboratory)
    assert result.winner == result.best
    assert result.confirmation is not None
    assert result.confirmation.winner is None
    assert "not finished: no winner yet" in confirmed(result)
    assert "\nconfirmed" not in best(result), "a row without a value"
    assert taken(result) == (
        "best of the search: trial 1, its confirmation is not finished; tuner confirm scripted"
    )


def test_tie_goes_to_the_cheaper_configuration(laboratory: Laboratory) -> None:
    database, study, spec = searched(laboratory, [0.4, 0.1])
    companion, stored = begun(database, study, spec, repeats=4)
    jitter = [value + 0.01 * (-1) ** i for i, value in enumerate(NEAR)]
    seconds = {"trial 1": 9.0, "trial 0": 1.0}
    add_repeats(companion, stored, {"trial 1": NEAR, "trial 0": jitter}, seconds)
    result = loaded(laboratory)
    assert result.confirmation is not None
    assert result.confirmation.winner == "trial 0"
    assert set(result.confirmation.ties) == {"trial 0", "trial 1"}
    assert "not distinguishable from it: trial 1" in confirmed(result)
    text = confirmed(result, options="--storage sqlite:///a.db")
    assert text.endswith("tuner train best.toml --storage sqlite:///a.db -o model/")


def test_reference_may_win(laboratory: Laboratory) -> None:
    database, study, spec = searched(laboratory, [0.4, 0.1], reference=0.45)
    companion, stored = begun(database, study, spec, repeats=4)
    values = {"trial 2": shifted(0.5), "trial 1": shifted(0.6), "document": NEAR}
    add_repeats(companion, stored, values)
    result = loaded(laboratory)
    assert result.winner is not None
    assert result.winner.origin == "document"
    assert "The search found nothing better" in confirmed(result)
    assert taken(result) == "confirmed winner: the reference document (trial 3)"


def test_gain_over_the_reference_is_that_of_the_pairs(laboratory: Laboratory) -> None:
    database, study, spec = searched(laboratory, [0.4], reference=0.45)
    companion, stored = begun(database, study, spec, repeats=4)
    add_repeats(companion, stored, {"document": shifted(0.5), "trial 1": NEAR})
    # The reference was enqueued first, and failed; its own trial is complete.
    text = confirmed(loaded(laboratory))
    assert text.count("validation 0.4000 → confirmed") == 1
    assert "0.5750 better than the reference document (standard error 0.0323)" in text


def test_failed_and_stopped_candidates_say_why(laboratory: Laboratory) -> None:
    database, study, spec = searched(laboratory, [0.4, 0.1, 0.3])
    companion, stored = begun(database, study, spec, repeats=4)
    values = {"trial 1": NEAR, "trial 0": [0.5, None], "trial 2": [900.5, 900.4, 900.6]}
    add_repeats(companion, stored, values)
    result = loaded(laboratory)
    assert result.confirmation is not None
    assert result.confirmation.winner == "trial 1"
    why = {one.name: one.stopped for one in result.confirmation.candidates}
    assert why == {
        "trial 1": None,
        "trial 0": "failed: loss is NaN at epoch 1",
        "trial 2": "stopped after 3: cannot win",
    }
    assert result.confirmation.candidates[-1].name == "trial 2", "the worst stands last"


def test_optimism_of_pure_noise_is_seen(laboratory: Laboratory) -> None:
    rng = np.random.default_rng(0)
    database, study, spec = searched(laboratory, list(5 + rng.normal(size=40)))
    companion, stored = begun(database, study, spec, top=2, repeats=10)
    names = [one.name for one in companion.stored.candidates]
    add_repeats(companion, stored, {name: list(5 + rng.normal(size=10)) for name in names})
    result = loaded(laboratory)
    assert result.confirmation is not None
    for one in result.confirmation.candidates:
        # A loss: what the search found is far lower than what is confirmed.
        assert one.optimism is not None
        assert one.optimism < -1


def test_texts_fit_eighty_columns(laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    database, study, spec = searched(laboratory, [0.4, 0.1, 0.3], reference=0.45)
    companion, stored = begun(database, study, spec, repeats=4)
    values = {"trial 2": shifted(0.001), "trial 1": NEAR, "document": shifted(0.3)}
    add_repeats(companion, stored, values | {"trial 3": [900.5, 900.4, 900.6]})
    result = loaded(laboratory)
    for text in (confirmed(result), summary(result)):
        assert max(map(len, text.splitlines())) <= 80, text
    assert "validation 0.4000 → confirmed 0.4575 ± 0.0692" in confirmed(result)


def test_new_better_trial_is_named(laboratory: Laboratory) -> None:
    database, study, spec = searched(laboratory, [0.4, 0.2])
    companion, stored = begun(database, study, spec, repeats=4)
    add_repeats(companion, stored, {"trial 0": NEAR, "trial 1": shifted(0.3)})
    new = study.get_trials()[0]
    new.values = [0.01]
    study.add_trial(new)
    text = confirmed(loaded(laboratory))
    assert "trial 2 is better on validation and not confirmed yet: tuner confirm scripted" in text


def test_companion_itself_has_no_winner(laboratory: Laboratory) -> None:
    database, study, spec = searched(laboratory, [0.4, 0.2])
    companion, stored = begun(database, study, spec, repeats=3)
    add_repeats(companion, stored, {"trial 0": NEAR, "trial 1": NEAR})
    result = loaded(laboratory, "scripted-confirm")
    assert result.confirms == "scripted"
    assert "see: tuner show scripted" in summary(result)
    with pytest.raises(StudyError, match="is the confirmation of scripted"):
        result.configuration()


def test_export_says_what_was_taken_and_holds_the_confirmed_score(
    laboratory: Laboratory, command, tmp_path: Path
) -> None:
    database, study, spec = searched(laboratory, [0.4, 0.1])
    path, where = tmp_path / "best.toml", ("--storage", laboratory.url)
    answer = command("export", "scripted.toml", "-o", path, *where)
    assert answer.status == 0
    assert "best of the search: trial 1, not confirmed; tuner confirm scripted" in answer.err
    companion, stored = begun(database, study, spec, repeats=4)
    add_repeats(companion, stored, {"trial 1": shifted(0.5), "trial 0": NEAR}, epoch=3)
    answer = command("export", "scripted.toml", "-o", path, *where)
    assert "confirmed winner: trial 0" in answer.err
    table = tomllib.loads(path.read_text())
    assert table["confirmed"] == {
        "mean": pytest.approx(0.4575),
        "half_width": pytest.approx(0.0692, abs=1e-4),
        "seeds": 4,
        "fresh_splits": False,
    }
    assert (table["trial"], table["epochs"]) == (0, 3)
    assert "in the search, confirmed 0.4575 ± 0.0692 over 4 seeds" in path.read_text()
    assert read(path).confirmed is not None
    named = command("export", "scripted.toml", "-o", path, "--trial", "1", *where)
    assert "winner" not in named.err
    assert "confirmed" not in tomllib.loads(path.read_text())


def test_best_and_json_have_the_winner(laboratory: Laboratory, command) -> None:
    database, study, spec = searched(laboratory, [0.4, 0.1])
    companion, stored = begun(database, study, spec, repeats=4)
    add_repeats(companion, stored, {"trial 1": shifted(0.5), "trial 0": NEAR})
    where = ("--storage", laboratory.url)
    shown = command("best", "scripted.toml", *where)
    assert "confirmed winner: trial 0" in shown.out
    assert "0.4575 ± 0.0692 over 4 seeds" in shown.out
    table = json.loads(command("show", "scripted.toml", "--json", *where).out)
    assert (table["best"]["number"], table["winner"]["number"]) == (1, 0)
    assert table["confirmation"]["candidates"][0]["name"] == "trial 0"
    for form in ("csv", "table"):
        assert command("show", "scripted.toml", "--format", form, *where).status == 0
    assert "confirmed_mean" in command("best", "scripted.toml", "--format", "csv", *where).out
    listed = json.loads(command("studies", "--json", *where).out)
    (line,) = [one for one in listed if one["name"] == "scripted-confirm"]
    assert (line["title"], line["best"]) == ("Confirmation of scripted", None)
