"""Trials in the state RUNNING that another program has asked for: ``optuna ask``, or a script.

They carry no lease of tuner's, so nobody can see whether that program still lives. They count as
under way: a study may wait for one that never ends.
"""

from __future__ import annotations

import shlex

import optuna

from tuner.storage.database import Database, RunningTrial
from tuner.storage.url import masked
from tuner.units import duration

_MOST_NAMED = 5


def foreign_trials(database: Database, study: optuna.Study) -> list[RunningTrial]:
    """The running trials of the study that tuner has not begun."""
    return [trial for trial in database.running(study) if trial.lease is None]


def how_to_end(database: Database, study: optuna.Study, trials: list[RunningTrial]) -> str:
    """What holds these trials, and the command that ends them, as the end of a sentence.

    Args:
        database: The open storage.
        study: Their study.
        trials: Of :func:`foreign_trials`; at least one.
    """
    name, first = study.study_name, trials[0]
    numbers = ", ".join(str(trial.number) for trial in trials[:_MOST_NAMED])
    more = len(trials) - _MOST_NAMED
    one = len(trials) == 1
    which = f"trial {numbers}" if one else f"trials {numbers}{f' and {more} more' * (more > 0)}"
    command = [
        *("optuna", "tell", "--storage", masked(database.url), "--study-name", name),
        *("--trial-number", str(first.number), "--state", "fail"),
    ]
    return (
        f"{which} of {name} {'is' if one else 'are'} held by another program (`optuna ask`, or a "
        f"script; {duration(max(first.silent_s, 1))} ago), and tuner cannot see whether it still "
        f"runs; if not, end {'it' if one else 'each of them'} with: {shlex.join(command)}"
    )
