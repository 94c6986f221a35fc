from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from made_studies import MakeResult, MakeStudy, make_spec, reference, trial

from tuner.results import StudyResult, views
from tuner.results.stored_study import read_result
from tuner.results.study_text import summary
from tuner.workers.ending import Ending


def test_summary_of_a_run(make_result: MakeResult, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StudyResult, "mattered", {"learning_rate": 0.524, "optimizer": 0.21})
    result = make_result(
        make_spec(reference(split="test", accuracy=0.9954, loss=0.0248)),
        trial(value=0.99384, epoch=20, origin="document", seconds=73.0),
        trial(value=0.99771, epoch=18, seconds=73.0),
        trial("pruned", 0.5, epochs=2, epochs_wanted=50, seconds=3.0),
        wall_s=112.3,
    )

    text = summary(replace(result, n_workers=2))

    assert text == (
        "wine · Red or white wine\n"
        "3 trials in 1 min 52 s on 2 workers: "
        "2 complete, 1 pruned (about 70 s saved), 0 failed\n"
        "\n"
        "  best      trial 1   accuracy 0.9977 on validation, epoch 18\n"
        "  document  trial 0   accuracy 0.9938 on validation; reported 0.9954 on its test split\n"
        "  gain      +0.0039\n"
        "\n"
        "  3 layers of 96, 48, 24 units · optimizer adam · learning_rate 0.00421 · "
        "batch_norm yes\n"
        "  what mattered: learning_rate 52 %, optimizer 21 %\n"
        "\n"
        "next  tuner export wine -o best.toml && tuner train best.toml -o model/\n"
        "      tuner dashboard   every trial, in the browser"
    )


def test_warnings_of_the_data_are_shown(make_result: MakeResult) -> None:
    result = make_result(make_spec())
    said = 'column "copy" alone gives the target away'
    lines = summary(replace(result, data={"schema": {"warnings": [said]}})).splitlines()
    assert f"warning: {said}" in lines
    assert "warning" not in summary(result)


def test_notes_on_a_table_are_shown(make_result: MakeResult) -> None:
    read = {"kind": "number", "treatment": "number", "reason": "written 1234,5"}
    columns = [{"name": f"c{n}", **read} for n in range(5)]
    columns += [
        {"name": "id", "treatment": "drop", "reason": "numbers the rows"},
        {"name": "age", "treatment": "number", "reason": '"abc" in 2 cells read as missing'},
        {"name": "plain", "treatment": "number"},
    ]
    schema = {"notes": ["read as CP949"], "columns": columns}
    text = summary(replace(make_result(make_spec()), data={"schema": schema}))
    notes = [line for line in text.splitlines() if line.startswith("note: ")]
    assert notes == [
        "note: read as CP949",
        'note: columns "c0", "c1", "c2" and 2 more columns: written 1234,5',
        'note: column "id": dropped: numbers the rows',
        'note: column "age": "abc" in 2 cells read as missing',
    ]
    schema = {"notes": [f"note {n}" for n in range(15)]}
    text = summary(replace(make_result(make_spec()), data={"schema": schema}))
    assert "note: … and 3 more notes" in text.splitlines()
    assert "note 12" not in text


def test_summary_without_trials(make_result: MakeResult) -> None:
    assert summary(make_result(make_spec(title="wine"))) == (
        "wine\n"
        "no trials yet\n"
        "\n"
        "  best      none yet: no trial is complete\n"
        "\n"
        "next  tuner run wine    goes on\n"
        "      tuner dashboard   every trial, in the browser"
    )


def test_summary_without_a_complete_trial(make_result: MakeResult) -> None:
    result = make_result(
        make_spec(reference(split="train", accuracy=0.72)),
        trial("waiting", origin="document"),
        trial("fail", reason="killed: more than 2 GiB of memory"),
        trial("running"),
    )

    text = summary(replace(result, ending="interrupted"))

    assert "1 trial in 2 s: 0 complete, 0 pruned, 1 failed, 1 running, 1 waiting\n" in text
    assert "\ninterrupted; the same command goes on\n" in text
    assert "  best                none yet: no trial is complete\n" in text
    assert "  document  trial 0   not run yet; reported 0.72 on its training data\n" in text
    assert "gain" not in text
    assert "next  tuner trials wine   what became of each trial\n" in text


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        ("interrupted", "interrupted; the same command goes on"),
        ("timeout", "timeout reached; the same command goes on"),
    ],
)
def test_ending_of_the_run_is_shown(make_result: MakeResult, ending: Ending, words: str) -> None:
    text = summary(replace(make_result(make_spec(), trial(value=0.5)), ending=ending))
    assert words in text.splitlines()


def test_summary_without_references_has_no_gain(make_result: MakeResult) -> None:
    text = summary(make_result(make_spec(), trial(value=0.5)))
    assert "gain" not in text
    assert "reference" not in text


def test_gain_is_zero_if_a_reference_is_best(make_result: MakeResult) -> None:
    result = make_result(
        make_spec(reference()), trial(value=0.9, origin="document"), trial(value=0.8)
    )
    text = summary(result)
    assert "accuracy 0.9000 on validation, epoch 3 (the reference document)\n" in text
    assert "  gain      0: the search did not beat the reference document\n" in text
    assert "reported" not in text


def test_gain_is_zero_if_the_best_equals_a_reference(make_result: MakeResult) -> None:
    result = make_result(
        make_spec(reference()), trial(value=0.9), trial(value=0.9, origin="document")
    )
    assert "  gain      0: the search did not beat the reference document\n" in summary(result)


def test_gain_is_pending_without_trials_of_the_search(make_result: MakeResult) -> None:
    text = summary(make_result(make_spec(reference()), trial(value=0.9, origin="document")))
    assert "  gain      none yet: no trial of the search is complete\n" in text


def test_gain_of_a_minimized_metric_is_negative(make_result: MakeResult) -> None:
    spec = make_spec(reference(split="test", mse=30.04), direction="minimize", metric="mse")
    result = make_result(spec, trial(value=31.5, origin="document"), trial(value=30.25))
    text = summary(result)
    assert "  document  trial 0   mse 31.5000 on validation; reported 30.04 on its test" in text
    assert "  gain      -1.2500 (lower is better)\n" in text


def test_tiny_gain_is_shown_with_its_digits(make_result: MakeResult) -> None:
    result = make_result(
        make_spec(reference()), trial(value=0.99770, origin="document"), trial(value=0.99774)
    )
    assert "  gain      +4e-05\n" in summary(result)


def test_gain_is_over_the_best_reference(make_result: MakeResult) -> None:
    result = make_result(
        make_spec(reference("sgd"), reference("adam"), reference("dropout 0.3")),
        trial(value=0.90, origin="sgd"),
        trial(value=0.95, origin="adam"),
        trial("pruned", 0.99, origin="dropout 0.3", reason="pruned at epoch 1: not good enough"),
        trial(value=0.96),
    )
    text = summary(result)
    assert "  gain         +0.0100 over adam\n" in text
    assert "  dropout 0.3  trial 2   pruned at epoch 1: not good enough\n" in text


def test_score_in_another_metric_is_shown_with_its_name(make_result: MakeResult) -> None:
    spec = make_spec(
        reference("loss only", split="validation", loss=0.5591),
        reference("both", split="train", loss=0.1, accuracy=0.72),
    )
    text = summary(make_result(spec))
    assert "not run yet; reported loss 0.5591 on its validation split\n" in text
    assert "not run yet; reported 0.72 on its training data\n" in text


def test_failures_are_grouped_by_reason(make_result: MakeResult) -> None:
    result = make_result(
        make_spec(),
        trial(value=0.5),
        trial("fail", reason="val_loss is NaN at epoch 3: the training diverged"),
        trial("fail", reason="killed: more than 2 GiB of memory"),
        trial("fail", reason="val_loss is NaN at epoch 12: the training diverged"),
        trial("fail"),
    )
    lines = summary(result).splitlines()
    assert "  failed: 2 × val_loss is NaN at epoch 3: the training diverged (trials 1, 3)" in lines
    assert "  failed: 1 × killed: more than 2 GiB of memory (trial 2)" in lines
    assert "  failed: 1 × no reason recorded (trial 4)" in lines


def test_only_pruned_trials_save_time(make_result: MakeResult) -> None:
    result = make_result(
        make_spec(),
        trial(value=0.5, seconds=60.0),
        trial(value=0.5, seconds=100.0),
        trial(value=0.5, seconds=80.0),
        trial("pruned", 0.5, seconds=30.0),
        trial("pruned", 0.5, seconds=90.0),  # longer than the median: nothing saved
        trial("fail", seconds=1.0),
    )
    assert "2 pruned (about 50 s saved)" in summary(result)


def test_next_commands_have_the_storage_option(make_result: MakeResult) -> None:
    result = make_result(None, trial(value=0.5))
    assert "tuner export" not in summary(result), "nothing says which data it was trained on"
    result = make_result(make_spec(), trial(value=0.5))
    text = summary(result, options="--storage sqlite:///other.db")
    where = "--storage sqlite:///other.db"
    assert f"tuner export wine {where} -o best.toml && tuner train best.toml {where} -o mod" in text
    assert "tuner dashboard --storage sqlite:///other.db   every trial" in text


def test_next_commands_do_not_run_a_study_of_another_program(make_result: MakeResult) -> None:
    assert "tuner run" not in summary(make_result(None))
    assert "tuner run wine" in summary(make_result(make_spec()))


def test_long_configurations_are_folded(make_result: MakeResult) -> None:
    params = {f"parameter_number_{letter}": 0.123456 for letter in "abcdefgh"}
    params = {"learning_rate": 0.1} | params
    result = make_result(None, trial(value=0.5, params={"learning_rate": 0.1}))
    best = result.best
    assert best is not None
    object.__setattr__(best, "params", params)
    lines = [line for line in summary(result).splitlines() if "parameter_number" in line]
    assert len(lines) == 3
    assert all(len(line) < 100 for line in lines)


def test_small_shares_are_not_shown(
    make_result: MakeResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = make_result(make_spec(), trial(value=0.5))
    shares = {"a": 0.5, "b": 0.3, "c": 0.1, "d": 0.06, "e": 0.04}
    monkeypatch.setattr(StudyResult, "mattered", shares)
    assert "  what mattered: a 50 %, b 30 %, c 10 %\n" in summary(result)
    monkeypatch.setattr(StudyResult, "mattered", {"a": 0.01})
    assert "what mattered" not in summary(result)


BASELINE = {"predicts": "always red", "value": 0.75}


@pytest.mark.parametrize(("value", "beaten"), [(0.9, True), (0.75, False), (0.5, False)])
def test_trivial_predictor_is_compared_with_the_best(
    make_study: MakeStudy, value: float, beaten: bool
) -> None:
    study = make_study(make_spec(reference()), trial(value=value))
    study.set_user_attr("tuner:data", {"fingerprint": "f" * 64, "baseline": BASELINE})
    result = read_result(study, "sqlite:///tuner.db", base=Path("studies"))
    text = summary(result)
    assert "  baseline            accuracy 0.7500 on validation: always red\n" in text
    assert ("no trial is better than the baseline (always red):" in text) is not beaten
    assert all(len(line) <= 88 for line in text.splitlines() if "baseline" in line)
    assert result.to_dict()["baseline"] == BASELINE
    assert result.beats_baseline is beaten
    assert ("no trial is better" in views.best(result)) is not beaten
    assert "0.75" in views.show(result, "csv").splitlines()[1].split(",")


def test_unknown_baseline_is_not_shown(make_result: MakeResult) -> None:
    result = make_result(make_spec(), trial(value=0.9))
    assert "baseline" not in summary(result) + views.best(result)
    assert result.to_dict()["baseline"] is None
    assert result.beats_baseline is None


def test_study_with_unscaled_targets_suggests_a_new_study(make_study: MakeStudy) -> None:
    study = make_study(make_spec(direction="minimize", metric="mae"), trial(value=9.0))
    baseline = {"predicts": "always the median, 3", "value": 2.0}
    data = {"fingerprint": "f" * 64, "task": "regression", "baseline": baseline}
    study.set_user_attr("tuner:data", data)
    text = summary(read_result(study, "sqlite:///tuner.db", base=Path("studies")))
    assert "This study's targets are not scaled; those of a new one are" in text
