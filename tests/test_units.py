from __future__ import annotations

from pathlib import Path

from tuner.results.configuration import Configuration
from tuner.results.configuration_file import about
from tuner.units import count, count_plain


def test_numbers_of_rows_are_grouped_and_those_of_steps_and_trials_are_not() -> None:
    assert [count(1, "row"), count(1599, "row")] == ["1 row", "1,599 rows"]
    assert count(2, "study", "studies") == "2 studies"
    assert [count_plain(1, "epoch"), count_plain(2000, "trial")] == ["1 epoch", "2000 trials"]


def test_export_names_its_epochs_as_the_result_does() -> None:
    configuration = Configuration(
        study="xor",
        trial=2,
        metric="mse",
        direction="minimize",
        value=0.0019,
        dataset="xor",
        model="mlp",
        params={},
        epochs=2000,
        batch_size=1,
        seed=0,
    )
    assert about(configuration, Path("best.toml"))[0].endswith("after 2000 epochs.")
