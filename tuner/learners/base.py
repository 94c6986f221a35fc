"""The contract of a learner: what a search needs to know of whatever fits models.

A :class:`Learner` says by its class what it takes: kinds of data, parameters and their rules. All
of that can be read without the library that does the fitting, which a learner imports inside its
methods only. An instance fits and loads; a worker keeps one for its life, so that it can reuse
what earlier trials have prepared. A shipped learner is one file and one line in
:mod:`tuner.learners.registry`; a user's own is a class in a module beside the study file, named
``model = "module:Class"``.

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
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tuner.data.trivial import trivial
from tuner.errors import ModelError
from tuner.learners.settings import Setting
from tuner.spec.models import Training

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tuner.data import Development, Split
    from tuner.data.split import Kind
    from tuner.learners.checks import Described
    from tuner.learners.watch import Watch
    from tuner.space import SearchSpace, Value

BATCH_SIZE = 32
"""Rows in a step where nothing says how many."""
_EMPTY: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Setup:
    """Where and how a learner works; the same for all trials of a worker.

    Attributes:
        base: Folder of the study file: ``module:name`` is looked for there first.
        training: The study file's ``[training]``.
        batch_size: Rows in a step where the parameters do not say.
        n_beside: How many workers share this machine's memory, this one among them.
        keep: Whether what one fit has prepared is kept for the next; a worker does.
        missing_code: What to do about code that a saved model needs and that was not imported;
            empty if it was.
    """

    base: Path = Path()
    training: Training = field(default_factory=Training)
    batch_size: int = BATCH_SIZE
    n_beside: int = 1
    keep: bool = False
    missing_code: str = ""


class Fitted(ABC):
    """A fitted model."""

    lost: ClassVar[str] = "save or load probably leaves something out"
    """Why a model that was loaded again may predict something else, for an error's text."""

    @abstractmethod
    def predict(self, x: NDArray[Any]) -> NDArray[np.floating]:
        """Returns predictions for raw rows.

        Args:
            x: Shape ``(n, …)``.

        Returns:
            For classes probabilities, shape ``(n, classes)``, one column a class; for quantities
            shape ``(n,)``, or ``(n, k)`` if there are several.
        """

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Writes the model into a folder that exists; ``Learner.load`` reads it.

        Raises:
            ModelError: The model cannot be saved; the text says what it needs.
            OSError: A file cannot be written.
        """

    def evaluate(self, rows: Split) -> dict[str, float]:
        """Returns what the learner itself measures on rows: its own metrics' names to values."""
        return {}

    def agrees(self, other: Fitted, x: NDArray[Any]) -> bool:
        """Returns whether another model predicts the same for some rows, but for rounding."""
        mine, others = self.predict(x), other.predict(x)
        same = mine.shape == others.shape
        return same and np.allclose(mine, others, 1e-4, 1e-5, equal_nan=True)

    def notes(self) -> dict[str, Any]:
        """Returns keys of ``bundle.json`` that ``Learner.load`` needs besides the files.

        They are fields of ``tuner.bundle.info.BundleInfo``.
        """
        return {}


class Learner(ABC):
    """What fits models of one kind.

    Attributes:
        model: What the study file says under ``model``.
        setup: Where and how it works.
    """

    name: ClassVar[str] = ""
    """What errors call it: the name in the registry, empty for a class of the user's own."""
    library: ClassVar[str] = "own"
    """What fits: ``keras``, ``sklearn`` …; recorded in a bundle."""
    kinds: ClassVar[tuple[Kind, ...]] = ("table",)
    """The kinds of data that it reads."""
    settings: ClassVar[Mapping[str, Setting]] = _EMPTY
    """Parameter name to its rule; a repeated one under its name without the number."""
    repeated: ClassVar[Mapping[str, str]] = _EMPTY
    """Name of a repeated parameter to the parameter that counts its repetitions."""
    first_defaults: ClassVar[Mapping[str, Value]] = _EMPTY
    """Defaults that have changed since: earlier studies and exported files keep these."""
    takes_any: ClassVar[bool] = False
    """Whether parameters without a rule are allowed, too."""
    steps_setting: ClassVar[str | None] = None
    """The setting that says how many steps are wanted; None if there is always one."""
    step_word: ClassVar[str] = "epoch"
    """What people call a step."""
    preload: ClassVar[tuple[str, ...]] = ()
    """Modules to import before workers are forked; importing them loads the runtime."""
    runtime: ClassVar[str] = ""
    """What people must wait for while it is loaded, such as "TensorFlow"; empty for nothing."""
    file: ClassVar[str | None] = None
    """A file that every saved model has in its folder; None if there is no such file."""

    def __init__(self, model: str, setup: Setup) -> None:
        """Prepares; nothing heavy is imported yet."""
        self.model = model
        self.setup = setup

    # What can be known before the runtime is loaded.

    @classmethod
    def parameters(cls) -> dict[str, Value]:
        """Returns each parameter's default."""
        return {name: setting.default for name, setting in cls.settings.items()}

    @classmethod
    def setting(cls, name: str) -> Setting | None:
        """Returns the rule of a parameter as a trial names it (``units_2``); None if unknown."""
        stem, _, number = name.rpartition("_")
        if stem in cls.repeated and number.isdecimal() and int(number) >= 1:
            return cls.settings[stem]
        return cls.settings.get(name)

    @classmethod
    def steps(cls, params: Mapping[str, Value]) -> int:
        """Returns how many steps a trial with these parameters may take."""
        name = cls.steps_setting
        return 1 if name is None else int(params.get(name, cls.settings[name].default))

    @classmethod
    def metrics(cls, task: str) -> tuple[str, ...] | None:
        """Returns the metrics that it logs itself for a task; None if only a trial shows that.

        Args:
            task: "regression", "binary" or "multiclass".
        """
        return None

    @classmethod  # noqa: B027 - nothing to check is the usual case
    def check_task(
        cls,
        data: Described,
        space: SearchSpace | None = None,
        fixed: Mapping[str, Value] = _EMPTY,
    ) -> None:
        """Refuses what does not fit the task or the shape of the data; their kind is checked.

        Args:
            data: What is known of the data.
            space: Parameters that the trials of a study draw.
            fixed: Parameters that all trials have.

        Raises:
            SpecError: Says what there is instead.
        """

    # In a process that fits.

    @classmethod  # noqa: B027 - nothing to set is the usual case
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
                with contextlib.suppress(OSError):  # likewise
                    os.chdir(folder)

    def try_out(self, params: Mapping[str, Value], data: Development) -> Sequence[str]:
        """Makes sure, before the first trial, that such data can be fitted.

        Args:
            params: Parameters that the study allows.
            data: The study's data.

        Returns:
            The metrics that it logs itself.

        Raises:
            ModelError: It cannot be built, or not be saved.
        """
        return self.metrics(data.task) or ()

    def baseline(
        self, metric: str, data: Development, fixed: Mapping[str, Value], drawn: Collection[str]
    ) -> dict[str, Any] | None:
        """Returns the trivial predictor's value of a metric that the learner logs itself.

        Args:
            metric: The objective's metric.
            data: The study's data.
            fixed: Parameters that all trials have.
            drawn: Names of the parameters that differ between trials.

        Returns:
            As :func:`tuner.data.trivial.trivial`; None if only the learner can compute it.
        """
        return trivial(data, metric)

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
            seed: 0 … 2³² − 1; all chance depends on it.
            watch: Says how many steps are wanted, and when to stop.

        Returns:
            The model after the best step.

        Raises:
            TrialFailed: It cannot be fitted with these parameters.
        """

    @abstractmethod
    def load(self, folder: Path, info: Mapping[str, Any]) -> Fitted:
        """Reads what ``Fitted.save`` wrote, without running code from the folder.

        Args:
            folder: Of the bundle.
            info: Its ``bundle.json``.

        Raises:
            BundleError: A file is missing or broken.
        """

    def script(
        self, params: Mapping[str, Value], data: Development, about: Script
    ) -> tuple[str, Callable[[Split], Split]]:
        """Returns a Python script that fits the same model with the library alone.

        Args:
            params: As in ``fit``.
            data: All rows but the test rows as training rows.
            about: What else stands in the script.

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


@dataclass(frozen=True)
class Script:
    """What stands in an exported script besides the model.

    Attributes:
        title: What the script is, in one line.
        name: Of the script's file.
        data_name: Of the ``.npz`` file beside it: ``x_train``, ``y_train``, ``x_test``,
            ``y_test``, and ``sample_weight_…`` for rows that have weights.
        rows: How many rows there are, in words.
        steps: Steps to run.
        seed: As in ``Learner.fit``.
        weighted: Whether the rows have weights.
    """

    title: str
    name: str
    data_name: str
    rows: str
    steps: int
    seed: int
    weighted: bool
