"""A misspelt metric of a goal is refused in one line that names the nearest."""

from __future__ import annotations

from pathlib import Path

from commands import Command

STUDY = """
dataset = "pima"
model = "k_neighbors"
search_space = "k_neighbors"

[[objective]]
metric = "log_loss"
direction = "minimize"

[[objective]]
metric = "n_parms"
direction = "minimize"
"""


def test_misspelt_cost_is_refused_with_the_nearest_name(command: Command) -> None:
    Path("goals.toml").write_text(STUDY)
    command("submit", "goals.toml").refused(
        2,
        r'objective\.n_parms: the model does not measure "n_parms"; did you mean n_params\? '
        r"It measures: .*; the target was read as classes\. From predictions: accuracy, ",
    )
    assert not Path("tuner.db").exists()
