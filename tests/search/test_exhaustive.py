"""The sampler that tries every combination once, whatever else is in the study."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState, create_trial
from study_texts import spec_of

from tuner.errors import SpecError, TrialFailed
from tuner.search import left_of, make_pruner, make_sampler
from tuner.spec import StudySpec

optuna.logging.set_verbosity(optuna.logging.ERROR)

SPACE = {
    "units": {"type": "categorical", "choices": [4, 8]},
    "depth": {"type": "int", "low": 1, "high": 2},
    "rate": {"type": "float", "low": 0.1, "high": 0.3, "step": 0.1, "when": {"units": [8]}},
}
N_SPACE = 2 + 2 * 3


def spec(space: dict[str, Any] = SPACE, *, seed: int = 0, **more: Any) -> StudySpec:
    return spec_of(space, sampler={"name": "bruteforce", "seed": seed}, **more)


def opened(one: StudySpec) -> optuna.Study:
    return optuna.create_study(
        study_name="s", direction="maximize", sampler=make_sampler(one), pruner=make_pruner(one)
    )


def suggest(one: StudySpec, trial: optuna.Trial) -> frozenset[tuple[str, Any]]:
    return frozenset(one.search_space.suggest(trial).items())


def ask(study: optuna.Study) -> optuna.Trial:
    """A trial as a worker of tuner claims it: with the worker's lease."""
    trial = study.ask()
    trial.set_user_attr("worker", {"pid": 1})
    return trial


def end(study: optuna.Study, trial: optuna.Trial) -> None:
    """Every trial ends in another way, in turn."""
    match trial.number % 3:
        case 0:
            study.tell(trial, 0.5)
        case 1:
            study.tell(trial, state=TrialState.PRUNED)
        case _:
            study.tell(trial, state=TrialState.FAIL)


@contextmanager
def none_left() -> Iterator[None]:
    with pytest.raises(TrialFailed, match="every combination of the search space is tried or"):
        yield


@pytest.mark.parametrize("pruner", ["hyperband", "nop"])
def test_every_combination_comes_once(pruner: str) -> None:
    one = spec(pruner={"name": pruner})
    study = opened(one)
    seen = []
    for _ in range(N_SPACE):
        trial = ask(study)
        seen.append(suggest(one, trial))
        end(study, trial)

    assert len(set(seen)) == N_SPACE
    with none_left():
        suggest(one, ask(study))


def test_the_seed_decides_the_order() -> None:
    def order(seed: int) -> list[frozenset[tuple[str, Any]]]:
        one, found = spec(seed=seed), []
        study = opened(one)
        for _ in range(N_SPACE):
            found.append(suggest(one, trial := ask(study)))
            end(study, trial)
        return found

    assert order(1) == order(1)
    assert order(1) != order(2)


@pytest.mark.parametrize(
    "order", [range(N_SPACE), range(N_SPACE - 1, -1, -1), (3, 0, 7, 1, 2, 6, 4, 5)]
)
def test_trials_asked_for_together_get_different_combinations(order: Any) -> None:
    """Each worker has its own sampler, and all read before any of them has stored."""
    one = spec()
    study = opened(one)
    trials = [ask(study) for _ in range(N_SPACE)]
    seen = set()
    for index in order:
        study.sampler = make_sampler(one)
        study.sampler.before_trial(study, trials[index]._cached_frozen_trial)
        seen.add(suggest(one, trials[index]))

    assert len(seen) == N_SPACE
    with none_left():
        suggest(one, ask(study))


def test_failed_and_foreign_trials_do_not_stop_the_sampler() -> None:
    one = spec()
    study = opened(one)
    study.add_trial(create_trial(state=TrialState.FAIL))
    distributions = {"depth": optuna.distributions.IntDistribution(1, 9)}
    study.add_trial(create_trial(params={"depth": 7}, distributions=distributions, value=0.1))
    study.enqueue_trial({"units": 4, "depth": 1})
    study.enqueue_trial({"units": 8})
    first, second = (suggest(one, ask(study)) for _ in range(2))
    seen = {first, second, *(suggest(one, ask(study)) for _ in range(N_SPACE - 2))}

    assert ("units", 8) in second
    assert len(seen) == N_SPACE


def test_earlier_queued_trials_keep_their_combinations() -> None:
    """As behind a proxy, where the last of three queued trials may be the first to suggest."""
    one = spec()
    study = opened(one)
    for _ in range(3):
        study.enqueue_trial({})
    whole = [create_trial(state=TrialState.WAITING) for _ in range(N_SPACE - 3)]
    first = ask(study)
    assert first.number == 0
    for trial in whole:
        study.add_trial(trial)
    trials = [first, *(ask(study) for _ in range(N_SPACE - 1))]
    seen = {suggest(one, trial) for trial in reversed(trials)}

    assert len(seen) == N_SPACE


def test_trial_with_some_stored_parameters_keeps_its_combination() -> None:
    one = spec()
    study = opened(one)
    partial, other = ask(study), ask(study)
    mine = study.sampler
    one.search_space.parameter("units").suggest(partial, "units")
    study.sampler = make_sampler(one)  # of another process
    second = suggest(one, other)
    study.sampler = mine

    assert suggest(one, partial) != second


def test_trial_of_another_program_takes_no_combination() -> None:
    one = spec()
    study = opened(one)
    study.ask()
    seen = []
    for _ in range(N_SPACE):
        seen.append(suggest(one, trial := ask(study)))
        study.tell(trial, 0.5)
    left = left_of(one, study)

    assert len(set(seen)) == N_SPACE
    assert left is not None
    assert left.is_used_up


def test_large_space_is_not_enumerated() -> None:
    wide = {f"p{i}": {"type": "int", "low": 0, "high": 10**6} for i in range(5)}
    one = spec(wide)
    study = opened(one)

    assert len({suggest(one, ask(study)) for _ in range(20)}) == 20


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        (
            {"rate": {"type": "float", "low": 0.1, "high": 0.3}},
            r's\.toml: search_space\.rate\.step: is missing: the sampler "bruteforce" tries every '
            r"combination, and a float without a step has no end of values; write a step, choices",
        ),
        (
            {"rate": {"type": "float", "low": 0.1, "high": 0.3, "log": True}},
            r"search_space\.rate\.step: .* write a step instead of log = true",
        ),
        (
            {
                "depth": {"type": "int", "low": 1, "high": 200_000},
                "rate": {"type": "int", "low": 1, "high": 2, "when": {"depth": [3]}},
            },
            r's\.toml: sampler\.name: "bruteforce" takes at most 100,000 combinations of the para',
        ),
    ],
)
def test_space_that_cannot_be_enumerated_is_refused(changed: dict[str, Any], match: str) -> None:
    with pytest.raises(SpecError, match=match):
        make_sampler(spec(SPACE | changed), "s.toml")


def test_a_float_of_one_value_can_be_enumerated() -> None:
    one = spec({"rate": {"type": "float", "low": 0.1, "high": 0.1}})
    assert suggest(one, ask(opened(one))) == {("rate", 0.1)}
