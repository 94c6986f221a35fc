"""The contract of a learner: what a search needs to know of whatever fits models.

A new learner writes four methods: ``Learner.fit`` and ``Learner.load``, and of the model that they
return ``Fitted.predict`` and ``Fitted.save``. It names its parameters in ``settings``
(:class:`tuner.learners.settings.Parametrised`). Everything else has a default.

The class can be read without the library that does the fitting, which a learner imports inside its
methods only. A worker keeps one instance for its life, so that it can reuse what earlier trials
have prepared. A shipped learner is one file and one line in :mod:`tuner.learners.registry`; a
user's own is a class in a module beside the study file, named ``model = "module:Class"``.

Terms:
    step: what a learner repeats while it fits, such as an epoch or a boosting iteration; 1-based.
    runtime: the library that a learner fits with, such as TensorFlow.

Shapes: ``x`` is ``(n, …)`` raw rows, as in :class:`tuner.data.Split`.
"""

from __future__ import annotations

import contextlib
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tuner.data.trivial import trivial
from tuner.errors import ModelError
from tuner.learners.settings import Parametrised

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tuner.data import Development, Split
    from tuner.data.split import Inputs, Kind
    from tuner.learners.checks import Described
    from tuner.learners.encoding import Style
    from tuner.learners.setup import Script, Setup
    from tuner.learners.watch import Watch
    from tuner.space import SearchSpace, Value


class Fitted(ABC):
    """A fitted model."""

    @abstractmethod
    def predict(self, x: Inputs) -> NDArray[np.floating]:
        """Returns predictions for raw rows.

        Args:
            x: Shape ``(n, …)``; a frame for a mixed table.

        Returns:
            For classes probabilities, shape ``(n, classes)``, one column a class; for quantities
            shape ``(n,)``, or ``(n, k)`` if there are several.
        """

    @abstractmethod
    def save(self, folder: Path) -> Mapping[str, Any] | None:
        """Writes the model into a folder that exists; ``Learner.load`` reads it.

        Returns:
            What ``Learner.load`` needs besides the files: keys of ``bundle.json``, fields of
            :class:`tuner.bundle.info.BundleInfo`. None if the files are enough.

        Raises:
            ModelError: The model cannot be saved; the text says what it needs.
            OSError: A file cannot be written.
        """

    # Optional.

    def n_params(self) -> int | None:
        """Returns the number of trainable parameters, of trees that of nodes; None if not known."""
        return None

    lost: ClassVar[str] = "save or load probably leaves something out"
    """Why a model that was loaded again may predict something else, for an error's text."""

    @contextmanager
    def for_predictions(self) -> Iterator[None]:
        """Lets ``save`` leave out, inside the block, what only further training needs."""
        yield

    def agrees(self, other: Fitted, x: Inputs) -> bool:
        """Returns whether another model predicts the same for some rows, but for rounding."""
        mine, others = self.predict(x), other.predict(x)
        same = mine.shape == others.shape
        return same and np.allclose(mine, others, 1e-4, 1e-5, equal_nan=True)

    def evaluate(self, rows: Split) -> dict[str, float]:
        """Returns the values of the metrics that the learner logs itself, see ``metrics``."""
        return {}


class Learner(Parametrised, ABC):
    """What fits models of one kind.

    Attributes:
        model: What the study file says under ``model``.
        setup: Where and how it works.
    """

    def __init__(self, model: str, setup: Setup) -> None:
        """Prepares; nothing heavy is imported yet."""
        self.model = model
        self.setup = setup

    @abstractmethod
    def fit(
        self, params: Mapping[str, Value], data: Development, seed: int, watch: Watch
    ) -> Fitted:
        """Fits a model on the training rows.

        After each step it calls ``watch.observe`` with what it has measured, and obeys the
        verdict. If ``watch.is_blind``, it looks at the training rows only and runs all steps.

        Args:
            params: The trial's parameters; those not given have their defaults.
            data: Training and validation rows.
            seed: 0 … 2³² − 1; all randomness depends on it.
            watch: Says how many steps are wanted, and when to stop.

        Returns:
            The model after the best step.

        Raises:
            TrialFailed: It cannot be fitted with these parameters.
        """

    def fit_folds(
        self,
        params: Mapping[str, Value],
        folds: Sequence[Development],
        seeds: Sequence[int],
        watches: Sequence[Watch],
    ) -> list[Fitted]:
        """Fits a model for each fold, as ``fit`` would; a learner may fit them all at once.

        Args:
            params: As in ``fit``.
            folds: Data of one study, each divided otherwise into training and validation rows.
            seeds: One for each fold.
            watches: One for each fold.

        Returns:
            A model for each fold, after its best step.

        Raises:
            TrialFailed: One of them cannot be fitted.
        """
        together = zip(folds, seeds, watches, strict=True)
        return [self.fit(params, data, seed, watch) for data, seed, watch in together]

    def chosen(self, params: Mapping[str, Value]) -> tuple[Learner, Mapping[str, Value]]:
        """Returns the learner that fits with a trial's parameters, and what it is given of them.

        It is this learner and all of them, unless it stands for several learners.
        """
        return self, params

    @abstractmethod
    def load(self, folder: Path, info: Mapping[str, Any]) -> Fitted:
        """Reads what ``Fitted.save`` wrote, without running code from the folder.

        Args:
            folder: The bundle's folder.
            info: Its ``bundle.json``.

        Raises:
            BundleError: A file is missing or broken.
        """

    # Optional: what it takes.

    kinds: ClassVar[tuple[Kind, ...]] = ("table",)
    """The kinds of data that it reads. One that reads tables of numbers is given mixed tables
    encoded (`tuner.learners.encoded`), unless it names "mixed" itself."""
    encoding: ClassVar[Style] = "one_hot"
    """How mixed tables are encoded for it."""

    batches_folds: ClassVar[bool] = False
    """Whether ``fit_folds`` fits all folds at once; then no trial ends between two of them."""

    @classmethod
    def metrics(cls, task: str) -> tuple[str, ...] | None:
        """Returns the metrics that it logs itself for a task; None if only a trial shows that.

        All others are computed from predictions, see :mod:`tuner.scoring`.

        Args:
            task: "regression", "binary" or "multiclass".
        """
        return None

    @classmethod
    def check_task(
        cls,
        data: Described,
        space: SearchSpace | None = None,
        fixed: Mapping[str, Value] = MappingProxyType({}),
    ) -> None:
        """Refuses what does not fit the task or the shape of the data; their kind is checked.

        Args:
            data: What is known of the data.
            space: Parameters that the trials of a study draw.
            fixed: Parameters that all trials have.

        Raises:
            SpecError: Says what there is instead.
        """

    def try_out(self, params: Mapping[str, Value], data: Development) -> Sequence[str]:
        """Checks, before the first trial, that such data can be fitted.

        Args:
            params: Parameters that the study allows.
            data: The study's data.

        Returns:
            The metrics that it logs itself.

        Raises:
            ModelError: The model cannot be built, or not be saved.
        """
        return self.metrics(data.task) or ()

    def baseline(
        self, metric: str, data: Development, fixed: Mapping[str, Value], drawn: Collection[str]
    ) -> dict[str, Any] | None:
        """Returns the trivial predictor's value of a metric that the learner logs itself.

        Args:
            metric: Name of the metric.
            data: The study's data.
            fixed: Parameters that all trials have.
            drawn: Names of the parameters that differ between trials.

        Returns:
            As :func:`tuner.data.trivial.trivial`; None if only the learner can compute it.
        """
        return trivial(data, metric)

    # Optional: how it runs in a process.

    preload: ClassVar[tuple[str, ...]] = ()
    """Modules to import before workers are forked; importing them loads the runtime."""
    runtime: ClassVar[str] = ""
    """Name of a runtime that takes seconds to load, such as "TensorFlow"; else empty."""

    @classmethod
    def prepare_worker(cls) -> None:
        """Called once in a worker process, before anything else: settings of the runtime."""

    @contextmanager
    def restored(self) -> Iterator[None]:
        """Restores after the block what a user's code may change for the whole process."""
        folder = None
        with contextlib.suppress(OSError):  # it may have been removed under this process
            folder = Path.cwd()
        try:
            yield
        finally:
            if folder:
                with contextlib.suppress(OSError):  # for the same reason
                    os.chdir(folder)

    # Optional: how it and its bundles are presented.

    name: ClassVar[str] = ""
    """Its name in the registry, for error texts; empty for a class of the user's own."""
    library: ClassVar[str] = "own"
    """What fits: ``keras``, ``sklearn`` …; recorded in a bundle."""
    extra: ClassVar[str] = ""
    """The extra that installs its library, which has the same name; empty if it is always there."""
    step_word: ClassVar[str] = "epoch"
    """What people call a step."""
    file: ClassVar[str | None] = None
    """A file that every saved model has in its folder; None if there is no such file."""

    def script(
        self, params: Mapping[str, Value], data: Development, about: Script
    ) -> tuple[str, Callable[[Split], Split]]:
        """Returns a Python script that fits the same model with the library alone.

        Args:
            params: As in ``fit``.
            data: All rows but the test rows as training rows.
            about: What else the script contains.

        Returns:
            The script, and a function that returns rows in the form in which it reads them.

        Raises:
            ModelError: There is no such script.
        """
        raise ModelError(
            f'the model "{self.model}" cannot be written as a script; export NAME.toml or '
            "NAME.json instead, which `tuner train` takes"
        )

    @staticmethod
    def card(folder: str) -> str:
        """Returns Markdown on how to use a bundle without tuner; empty if that is not possible."""
        return ""
