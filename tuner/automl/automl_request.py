"""What `tuner automl` is asked for, as one checked value."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tuner.automl.option_words import OPTIONS, in_options, option_words
from tuner.errors import RequestError, SpecError
from tuner.spec import CsvDataset, ImageFolder
from tuner.spec.paths import exists, expanded
from tuner.spec.quantities import seconds, size
from tuner.spec.reading import read_part
from tuner.units import duration
from tuner.wording import Position

LEAST_SECONDS = 5.0
"""A model needs as much: Python and its libraries alone take two or three seconds to load."""
DEFAULT_TIME = "5m"
DEFAULT_TEST = 0.1
_WHERE = "tuner automl"
_PROCESS_TO_TABLE = 3
_DIALECT = ("sep", "decimal", "thousands", "encoding", "missing", "not_missing", "sheet")


@dataclass(frozen=True, kw_only=True)
class AutoMLRequest:
    """A request to find the best model for a table within a time.

    The attributes are the options of `tuner automl`.

    Attributes:
        data: The table: CSV, Parquet or Excel; or a folder with a subfolder of images a class.
        target: The column to predict; None for images.
        out: Folder of the bundle.
        time: Seconds from the start of the command to the written bundle, or as ``"60s"``.
        metric: What is improved; by the task if None.
        task: ``"classification"`` or ``"regression"``; follows from the target if None.
        drop: Columns that are no features.
        kind: Column to kind, where it is not the one that would be found.
        group: A column; its rows stand together in one fold.
        time_column: A column; what is held out is later than what is fitted on.
        time_feature: Whether ``time_column`` is a feature, too.
        weight: A column: how much each row counts.
        test: Share of the rows that only the final model is scored on.
        dialect: Further keys of a table's ``dataset``: ``sep``, ``decimal`` …, ``sheet``.
        single: Whether the best single model is written instead of an ensemble.
        fast: Whether the fastest single model is written that is within one standard error of the
            best.
        memory: Bytes of memory for all processes together, or as ``"4GiB"``; None for no limit.
        workers: Worker processes; one a core if None.
        seed: Of the study.
        storage: Database; as for `tuner run` if None.
        study_name: Name in the database; that of the file if None.
        checkpoints: Where trials leave their models, as for `tuner run`.
        more: Whether a stored study gets this much time more.
        force: Replace a bundle that is there.

    Raises:
        RequestError: Two values do not go together, or one of them is out of range.
    """

    data: str
    target: str | None = None
    out: str
    time: float | str = DEFAULT_TIME
    metric: str | None = None
    task: str | None = None
    drop: Sequence[str] = ()
    kind: Mapping[str, str] = field(default_factory=dict)
    group: str | None = None
    time_column: str | None = None
    time_feature: bool = False
    weight: str | None = None
    test: float = DEFAULT_TEST
    dialect: Mapping[str, Any] = field(default_factory=dict)
    single: bool = False
    fast: bool = False
    memory: int | str | None = None
    workers: int | None = None
    seed: int = 0
    storage: str | None = None
    study_name: str | None = None
    checkpoints: str | None = None
    more: bool = False
    force: bool = False

    def __post_init__(self) -> None:
        self._check_target()
        option = "--more" if self.more else "--time"
        if self.seconds < LEAST_SECONDS:
            raise RequestError(
                f"{option} must be at least {duration(LEAST_SECONDS)}, but got "
                f"{duration(self.seconds)}: to load what fits the first model takes as long; "
                f"write {option} 10s"
            )
        if self.single and self.fast:
            raise RequestError("--single and --fast both choose one model: give one of them")
        if self.workers is not None and self.workers < 1:
            raise RequestError(f"--workers must be at least 1, but got {self.workers}")
        if not 0 <= self.seed < 2**32:
            raise RequestError(f"--seed must be between 0 and 4294967295, but got {self.seed}")
        for option, column in self._roles.items():
            if column == self.target:
                raise RequestError(
                    f"{option} must not be the target, but got {column}; name another column, or "
                    "leave it out"
                )
            if column in self.drop:
                raise RequestError(f"{option} names {column}, which --drop leaves out: give one")
        if self.time_feature and self.time_column is None:
            raise RequestError(
                "--time-feature makes the time of rows a feature, but there is none; name the "
                "column with --time-column"
            )
        if self.group is not None and self.time_column is not None:
            raise RequestError(
                "--group and --time-column both say how rows are divided: give one of them"
            )
        if self.target in self.kind:
            raise RequestError(
                f"--kind is for features, but {self.target} is the target; say what it holds with "
                "--task classification or --task regression"
            )
        _ = self.dataset, self.memory_bytes

    def _check_target(self) -> None:
        if not self.data:
            raise RequestError("the table's name is empty; name a file, or a folder of images")
        if "://" in self.data:
            raise RequestError(f"{self.data} is an address; download the file, and name that")
        if not self.is_folder:
            if self.target is None and not exists(expanded(self.data)):
                raise RequestError(f"there is no file or folder {self.data}")
            if self.target is None:
                raise RequestError(
                    f"--target is missing: name the column of {self.data} to predict"
                )
            return
        of_tables = {
            "--target": self.target,
            "--task": self.task,
            "--drop": self.drop,
            "--kind": self.kind,
            "--weight": self.weight,
            **self._roles,
            **{f"--{key}": value for key, value in self.dialect.items()},
        }
        if given := [option for option, value in of_tables.items() if value]:
            raise RequestError(
                f"{given[0]} is for tables, but {self.data} is a folder of images, whose "
                "subfolders name the classes; leave it out"
            )

    @cached_property
    def is_folder(self) -> bool:
        """Whether the data are a folder of images."""
        return expanded(self.data).is_dir()

    @property
    def _roles(self) -> dict[str, str]:
        roles = {"--group": self.group, "--time-column": self.time_column, "--weight": self.weight}
        return {option: column for option, column in roles.items() if column is not None}

    @cached_property
    def seconds(self) -> float:
        """The time in seconds."""
        try:
            return seconds(self.time)
        except ValueError as error:
            option = "--more" if self.more else "--time"
            raise RequestError(f"{option} {error}") from None

    @cached_property
    def memory_bytes(self) -> int | None:
        """The memory in bytes."""
        if self.memory is None:
            return None
        try:
            return size(self.memory)
        except ValueError as error:
            raise RequestError(f"--memory {error}") from None

    @cached_property
    def dataset(self) -> CsvDataset | ImageFolder:
        """The table, or the folder, as a study file has it.

        Raises:
            RequestError: A kind, a separator … that there is not.
        """
        if self.is_folder:
            return ImageFolder(images=self.data)
        table = {
            "csv": self.data,
            "target": self.target,
            "task": self.task,
            "drop": list(self.drop) or None,
            "kind": dict(self.kind) or None,
            "group": self.group,
            "time": self.time_column,
            "time_feature": self.time_feature or None,
            "weight": self.weight,
            "select": "useful",
            "most_rows": self._most_rows(),
            "test": self.test,
            **{key: self.dialect[key] for key in _DIALECT if key in self.dialect},
        }
        given = {key: value for key, value in table.items() if value is not None}
        try:
            return read_part(CsvDataset, given, Position(_WHERE))
        except SpecError as error:
            raise RequestError(_in_options(str(error))) from error

    def _most_rows(self) -> int | None:
        """Returns how many rows of the table are read; None for all.

        The process that supervises and each worker hold the table, its folds and what is made of
        them: a third of what each may take is for the table.
        """
        path = expanded(self.data)
        if self.memory_bytes is None or not path.is_file():
            return None
        # Here, because all but few requests do without, and begin sooner.
        from tuner.data.table_file import rows_that_fit
        from tuner.workers.request import cores

        each = self.memory_bytes // ((self.workers or cores()) + 1)
        return rows_that_fit(path, each // _PROCESS_TO_TABLE)

    @property
    def name(self) -> str:
        """The study's name: what was asked for, or the name of the file without its endings."""
        if self.study_name is not None:
            return self.study_name
        name = Path(self.data).absolute().name
        return name.split(".")[0] or name

    @property
    def folder(self) -> Path:
        """The bundle's folder."""
        return expanded(self.out)

    @property
    def base(self) -> Path:
        """The folder from which the table's path is seen."""
        return Path.cwd()

    def words(self, *, time: str, option: str = "--time") -> str:
        """Returns the command that asks for the same, with another time; never a password.

        Args:
            time: The time: ``60s``.
            option: Which option has it.
        """
        from tuner.storage.url import masked  # here, so that all else begins sooner

        table = {key: value for key, value in self.dataset.to_table().items() if key in OPTIONS}
        words = ["tuner", "automl", self.data]
        if self.test == DEFAULT_TEST:
            table.pop("test", None)
        for key, value in table.items():
            words += option_words(key, value)
        others = {
            "--metric": self.metric,
            "--memory": self.memory,
            "--workers": self.workers,
            "--seed": self.seed or None,
            "--storage": self.storage and masked(self.storage),
            "--study-name": self.study_name,
            "--checkpoints": self.checkpoints,
        }
        for name, value in others.items():
            words += [] if value is None else [name, str(value)]
        words += [f"--{name}" for name in ("single", "fast") if getattr(self, name)]
        return shlex.join([*words, "-o", self.out, option, time])


def _in_options(text: str) -> str:
    """Returns the error of a key with the option that sets it."""
    where, _, rest = text.partition(": ")
    dotted, _, said = rest.partition(": ")
    key, _, column = dotted.partition(".")
    if where != _WHERE or key not in OPTIONS:
        return in_options(text)
    return in_options(" ".join(filter(None, (OPTIONS[key], column, said))))


def parse_kinds(pairs: Sequence[str]) -> dict[str, str]:
    """Reads ``COLUMN=KIND`` pairs; a column may itself contain ``=``.

    Raises:
        RequestError: One has no ``=``.
    """
    kinds = {}
    for pair in pairs:
        column, sign, kind = pair.rpartition("=")
        if not sign or not column or not kind:
            raise RequestError(
                f'--kind must be COLUMN=KIND, but got "{pair}"; write for example '
                "--kind zip=category"
            )
        kinds[column] = kind
    return kinds
