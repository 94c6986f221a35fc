"""Every shipped study: its file, its references, and one epoch on a slice of its data."""

from __future__ import annotations

import functools
import math
from pathlib import Path

import numpy as np
import optuna
import pytest
from fitting import network, train
from PIL import Image

from tuner.data import DATASETS, Split, Splits
from tuner.data import load_splits as load_data
from tuner.data.sets import digits
from tuner.errors import DataError
from tuner.learners.checks import check_data, check_metric, check_space
from tuner.learners.fit_result import FitResult
from tuner.learners.keras.networks.families import FAMILIES
from tuner.learners.registry import open_learner
from tuner.learners.setup import Setup
from tuner.space import Value
from tuner.spec import StudySpec
from tuner.studies.catalog import find_study, shipped_studies
from tuner.trials.checking import check_spec
from tuner.trials.evaluate import check_model

NAMES = (
    *("line", "birth-life", "elderly", "and", "xor", "pima", "wine", "mnist", "fashion-mnist"),
    *("mnist-cnn", "imdb", "faces", "celeba-gender"),
)
# What the notes trained: the number of configurations in document-tasks, study by study.
REFERENCES = {"line": 2, "birth-life": 2, "elderly": 2, "xor": 3, "mnist": 8, "fashion-mnist": 2}
OFTEN_HERE = "fashion-mnist"  # comes with a package of the system, not with tuner
ROWS = 40


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder: only what is installed with tuner is there."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("TUNER_DATA_HOME", str(folder))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return folder


def test_the_thirteen_tasks_are_shipped_and_listed(command) -> None:
    assert sorted(shipped_studies()) == sorted(NAMES)
    listed = command("studies").out
    for name in NAMES:
        assert f"\n{name} " in f"\n{listed}"
        assert find_study(name).title in listed


@pytest.mark.parametrize("name", NAMES)
def test_a_study_is_one_that_its_model_can_search(name: str) -> None:
    spec = find_study(name)
    api_checks_all_but_missing_data(spec)
    family = FAMILIES[spec.model]
    check_space(family, spec.search_space)
    task = DATASETS[str(spec.dataset)].task
    check_metric(spec.objective.metric, family.metrics(task), task)
    assert spec.title != spec.name
    assert 0 < (spec.budget.timeout or math.inf) <= 15 * 60
    assert spec.budget.trial.timeout
    assert spec.budget.trial.memory


def api_checks_all_but_missing_data(spec: StudySpec) -> None:
    try:
        check_spec(spec)
    except DataError:
        assert DATASETS[str(spec.dataset)].status().state == "lack"


@pytest.mark.parametrize("name", NAMES)
def test_references_lie_in_the_space(name: str) -> None:
    spec = find_study(name)
    assert len(spec.references) == REFERENCES.get(name, 1)
    for reference in spec.references:
        assert spec.search_space.violations(reference.params) == []
        assert "note 00" in reference.note or name in ("mnist", "fashion-mnist")


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_references_and_a_random_configuration_train_for_an_epoch(name: str, home: Path) -> None:
    spec = find_study(name)
    data = few(data_of(spec, home))
    check_model(spec, open_learner(spec.model, Setup(spec.base)), data)
    check_data(FAMILIES[spec.model], data, spec.search_space)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    random = spec.search_space.suggest(study.ask())
    for params in [*(dict(each.params) for each in spec.references), random]:
        assert math.isfinite(one_epoch(spec, data, params).value)


def one_epoch(spec: StudySpec, data: Splits, params: dict[str, Value]) -> FitResult:
    _, result = train(
        lambda: network(spec.model, params, data, spec.base),
        data,
        epochs=1,
        batch_size=int(params["batch_size"]),
        seed=0,
        watched=(spec.objective.metric, spec.objective.direction),
        early_stopping=spec.early_stopping,
    )
    assert f"val_{spec.objective.metric}" in result.history
    return result


def data_of(spec: StudySpec, home: Path) -> Splits:
    name = str(spec.dataset)
    if name == "celeba-gender":
        place_celeba(home)
    elif name == "imdb":
        place_reviews(home)
    elif name == OFTEN_HERE and DATASETS[name].status().state == "lack":
        name = "mnist"  # images of the same form
    return installed(name) if name in ("mnist", OFTEN_HERE) else load_data(name, spec.base)


@functools.cache
def installed(name: str) -> Splits:
    return load_data(name, Path())


def few(data: Splits) -> Splits:
    """The first rows of every split, which come in random order or, of texts, from both ends."""
    parts = []
    for part in (data.train, data.validation, data.test):
        rows = np.linspace(0, len(part) - 1, min(ROWS, len(part))).astype(int)
        parts.append(Split(part.x[rows], part.y[rows]))
    return Splits(*parts, task=data.task, name=data.name, class_names=data.class_names)


def place_celeba(home: Path, rows: int = 30) -> None:
    """A small CelebA in its own layout: every third image is a man's."""
    images = home / "celeba" / "img_align_celeba"
    images.mkdir(parents=True)
    lines = [str(rows), "Bald Male"]
    for number in range(1, rows + 1):
        male = number % 3 == 0
        Image.new("RGB", (178, 218), (200 if male else 20,) * 3).save(images / f"{number:06}.jpg")
        lines.append(f"{number:06}.jpg -1 {' 1' if male else '-1'}")
    (home / "celeba" / "list_attr_celeba.txt").write_text("\n".join(lines) + "\n", "utf-8")


def place_reviews(home: Path) -> None:
    """As many reviews as there must be, very short ones, as a table of two columns."""
    lines = [f"a {'fine' if n % 2 else 'dull'} film {n},{n % 2}" for n in range(50_000)]
    (home / "imdb").mkdir()
    text = "\n".join(["review,sentiment", *lines]) + "\n"
    (home / "imdb" / "reviews.csv").write_text(text, "utf-8")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("celeba-gender", ("list_attr_celeba.txt", "img_align_celeba", "{home}/celeba")),
        ("imdb", ("aclImdb", "reviews.csv", "imdb.npz", "{home}/imdb")),
        ("fashion-mnist", ("dataset-fashion-mnist", "train-images-idx3-ubyte", "{home}/fashion")),
    ],
)
def test_study_without_its_data_is_refused_with_the_files_to_place(
    name: str, words: tuple[str, ...], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digits, "DEBIAN", home / "no-debian")
    with pytest.raises(DataError, match=f"the data of {name} are not here; ") as raised:
        load_data(str(find_study(name).dataset), Path())
    for word in words:
        assert word.format(home=home) in str(raised.value)


@pytest.mark.slow
def test_run_without_its_data_is_refused_with_the_files_to_place(command, home: Path) -> None:
    command("run", "celeba-gender").refused(2, rf"put list_attr_celeba.txt .* into {home}/celeba")
