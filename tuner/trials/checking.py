"""What can be checked of a study within a second: before TensorFlow and its data are loaded."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tuner.costs import COSTS
from tuner.data import DATASETS, Known, check_function, look_up
from tuner.data import load as load_data
from tuner.data.targets import read_as
from tuner.errors import (
    MetricError,
    ModelError,
    RequestError,
    SpecError,
    UnknownNameError,
)
from tuner.learners.base import Learner
from tuner.learners.checks import Described, check_data, check_metric, check_space, check_values
from tuner.learners.registry import LEARNERS, known_class, require_extra
from tuner.spec import AnyDataset, CsvDataset, ImageFolder, StudySpec
from tuner.spec.models import CONFIRMING
from tuner.spec.paths import is_file
from tuner.wording import hint

MODEL_ARGUMENTS = ("params", "data")
"""What ``build_model`` is called with; ``load_data`` is called with nothing."""


def check_spec(spec: StudySpec, *, elsewhere: bool = False) -> None:
    """Checks what can be known without TensorFlow, and without running a user's own code.

    Args:
        spec: The study.
        elsewhere: Whether it is run on other machines, so that its data, and modules that it
            names, need not be here.

    Raises:
        TunerError: The sampler, the pruner, the data set, the model or a parameter of it does
            not exist, or the data do not suit the model or the metric.
    """
    from tuner import search  # here, because it imports Optuna and SQLAlchemy; bundles need neither

    file = f"{spec.name}.toml"
    if spec.sampler.name == CONFIRMING:
        raise SpecError(
            f'{file}: sampler.name: "{CONFIRMING}" is the sampler of a confirmation; write another '
            "here, and confirm the study after its search with: tuner confirm STUDY"
        )
    search.make_sampler(spec, file)
    check_model_name(spec.model, spec.base, file, elsewhere=elsewhere)
    learner = known_class(spec.model, spec.base)
    search.make_pruner(spec, file, learner.steps_setting if learner else None)
    if learner is not None:
        check_params(spec, learner, f"{file}: ")
    found = check_dataset(spec.dataset, spec.base, file, elsewhere=elsewhere)
    if learner is not None and found is not None:
        try:
            check_learner(spec, learner, found)
        except (MetricError, SpecError) as error:
            raise type(error)(f"{file}: {error}") from error


def check_params(spec: StudySpec, learner: type[Learner], where: str = "") -> None:
    """Checks the study's parameters against the learner's rules.

    Raises:
        SpecError: The learner has no such parameter, or it cannot have such a value.
    """
    check_space(learner, spec.search_space, f"{where}search_space")
    check_values(learner, {k: [v] for k, v in spec.fixed.items()}, f"{where}fixed")


def check_learner(spec: StudySpec, learner: type[Learner], data: Described) -> None:
    """Checks a learner against the data and the objective's metric, without its runtime.

    Args:
        spec: The study.
        learner: What its model is.
        data: What is known of its data.

    Raises:
        MetricError: There is no such metric for this learner and task; lists those there are.
        SpecError: The learner does not read such data, or has no such output for the task.
    """
    check_data(learner, data, spec.search_space, spec.fixed)
    if (metrics := learner.metrics(data.task)) is not None:
        check_reported(spec, data, metrics)


def check_reported(spec: StudySpec, data: Described, available: Sequence[str]) -> None:
    """Checks that the model logs the objectives' metrics, or can be scored by them.

    Raises:
        MetricError: Neither; the text says how the target was read.
    """
    first = spec.objective.metric
    if first in COSTS and first not in available:
        raise MetricError(
            f"objective.metric: {first} ({COSTS[first]}) is measured when a trial has ended, so it "
            "can only follow another objective; write [[objective]] twice, a score first"
        )
    why = read_as(data.task, data.class_names, is_csv=isinstance(spec.dataset, CsvDataset))
    check_metric(first, available, data.task, why=why)
    for goal in spec.goals:
        where = f"objective.{goal.metric}"
        check_metric(goal.metric, [*available, *COSTS], data.task, where, why)


def check_model_name(model: str, base: Path, file: str, *, elsewhere: bool = False) -> None:
    """Checks that a model is there: by name, or a function or a class of the user's own.

    Raises:
        UnknownNameError: There is no model of that name.
        ModelError: The module or the function is not there.
    """
    if ":" in model:
        with _named(file, "model"):
            check_function(model, base, ModelError, arguments=MODEL_ARGUMENTS, elsewhere=elsewhere)
    elif model not in LEARNERS:
        raise UnknownNameError(
            f'{file}: model: there is no model "{model}" (your own is written '
            f'"module:function"); {hint(model, LEARNERS, "models")}'
        )
    elif not elsewhere:
        try:
            require_extra(model)
        except ModelError as error:
            raise ModelError(f"{file}: {error}") from error


def check_dataset(
    dataset: AnyDataset, base: Path, file: str, *, elsewhere: bool = False
) -> Known | None:
    """Checks that a data set is there, and reads a CSV file unless it is large.

    Returns:
        What is known of it; None if only its loading shows that.

    Raises:
        DataError: It is not there, or the file is not what it must be.
        UnknownNameError: There is no data set of that name.
    """
    if elsewhere and not isinstance(dataset, str):
        return None
    with _named(file, "dataset"):
        if isinstance(dataset, str) and ":" in dataset:
            check_function(dataset, base, elsewhere=elsewhere)
        elif not elsewhere or dataset not in DATASETS:
            _require(dataset, base)
        return look_up(dataset, base)


def _require(dataset: AnyDataset, base: Path) -> None:
    """Loads data that are not there, or cannot be read, so that the error of loading is raised."""
    if isinstance(dataset, str):
        there = dataset in DATASETS and DATASETS[dataset].status().state != "lack"
    else:
        path = dataset.path(base)
        is_there = path.is_dir() if isinstance(dataset, ImageFolder) else is_file(path)
        there = is_there and os.access(path, os.R_OK)
    if not there:
        load_data(dataset, base)


@contextmanager
def _named(file: str, key: str) -> Iterator[None]:
    """Puts the file and the key before the text of an error about a value."""
    try:
        yield
    except RequestError as error:
        raise type(error)(f"{file}: {key}: {error}") from error
