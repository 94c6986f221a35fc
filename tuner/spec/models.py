"""The parts of a study, as frozen pydantic models: one class a table of the study file.

Units: durations are seconds, sizes are bytes. ``Field(examples=…)`` is what an error tells people
to write.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)

from tuner.costs import COSTS
from tuner.spec.paths import expanded
from tuner.spec.quantities import seconds, size
from tuner.wording import toml

Seconds = Annotated[float, BeforeValidator(seconds)]
Bytes = Annotated[int, BeforeValidator(size)]
Text = Annotated[str, Field(min_length=1)]


def _possible(path: str) -> str:
    """Refuses what no file system can name, so that nothing fails on it later."""
    if "\0" in path:
        raise ValueError("must not hold a null character")
    longest = max(len(part.encode()) for part in path.split("/"))
    if longest > 255 or len(path.encode()) > 4000:
        raise ValueError(f"is too long for the path of a file: {len(path)} characters")
    return path


FilePath = Annotated[Text, AfterValidator(_possible)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
DEFAULT_NAMES = {"sampler": "tpe", "pruner": "hyperband"}
"""The sampler and the pruner of a study file that names none."""

EXHAUSTIVE = "bruteforce"
"""The sampler that tries every combination of the search space once, and then has no more."""

PORTFOLIO = "portfolio"
"""The sampler that tries the references of the role ``default`` itself, before it searches."""

CONFIRMING = "confirm"
"""The sampler of a confirmation: it trains known candidates again; no study file names it."""

Loop = Literal["auto", "resident", "fit"]


class Part(BaseModel):
    """Base of all parts: unknown keys are errors, and "3" is not 3."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Dialect(Part):
    """How a CSV file is written.

    Attributes:
        sep: What separates cells: one character, a space for any number of blanks; found out if
            None.
        decimal: The decimal sign; a point if None.
        thousands: What groups the digits of large numbers; nothing if None.
        encoding: Python's name of the encoding; UTF-8 if None.
        missing: Further texts that mark a cell without a value.
        not_missing: Texts that usually mark a missing value, and are values in this file.
    """

    sep: str | None = Field(default=None, examples=['";"'])
    decimal: Literal[".", ","] | None = Field(default=None, examples=['","'])
    thousands: Literal[",", ".", "'", " "] | None = Field(default=None, examples=['"."'])
    encoding: str | None = Field(default=None, examples=['"cp1252"'])
    missing: list[Text] | None = Field(default=None, examples=['["-999"]'])
    not_missing: list[Text] | None = Field(default=None, examples=['["NA"]'])

    @field_validator("sep")
    @classmethod
    def _check_sep(cls, sep: str | None) -> str | None:
        if sep == r"\t":  # as a shell or a literal TOML string passes it on
            return "\t"
        if sep is not None and (len(sep) != 1 or sep in '"\r\n'):
            raise ValueError(
                f'must be one character, but got {toml(sep)}; write sep = ";", "\\t" for tabs, or '
                '" " for any number of blanks'
            )
        return sep

    @field_validator("thousands")
    @classmethod
    def _check_thousands(cls, thousands: str | None, info: ValidationInfo) -> str | None:
        decimal = info.data.get("decimal") or "."
        if thousands == decimal:
            other = {".": ",", ",": "."}[decimal]
            raise ValueError(
                f"must not be the decimal sign, but both are {toml(decimal)}; "
                f"write decimal = {toml(other)} beside it"
            )
        return thousands

    @field_validator("encoding")
    @classmethod
    def _check_encoding(cls, encoding: str | None) -> str | None:
        try:
            if encoding is not None:
                "".encode(encoding)
        except (LookupError, ValueError):
            raise ValueError(
                f"must be an encoding that Python knows, but got {toml(encoding)}; "
                'write encoding = "cp1252" or "utf-16"'
            ) from None
        return encoding


ColumnKind = Literal["number", "category", "date", "text", "yes/no"]
"""What a column of a table holds."""


class CsvDataset(Dialect):
    """A table of the user's own.

    Attributes:
        csv: Path of the file, from the study file's folder.
        target: The column to predict.
        task: Whether the target holds classes or a quantity; follows from its cells if None.
        drop: Columns that are no features.
        kind: Column to kind, where it is not the one that would be found.
        group: A column: rows with the same value there stand in one split and one fold.
        time: A column of dates or numbers: what is held out is later than what is fitted on.
        time_feature: Whether ``time`` is a feature, too: learners get the time since the first row.
        weight: A column of numbers: how much each row counts.
        select: "useful" drops columns that cannot help, such as constant ones, and "all" none; if
            None, such columns are dropped where not all features are numbers without gaps. With
            "useful", numbers that can be read in two ways (1,234) are read in the likelier one.
        sheet: A sheet of an Excel file; the first if None.
        test: Share of the rows for the test split; 0.2 if None.
        most_rows: Rows to read at most; of a larger file a uniform sample is read, always the same.
    """

    csv: FilePath = Field(examples=['"measurements.csv"'])
    target: Text = Field(examples=['"price"'])
    task: Literal["classification", "regression"] | None = Field(
        default=None, examples=['"regression"']
    )
    drop: list[Text] | None = Field(default=None, examples=['["id"]'])
    kind: dict[Text, ColumnKind] | None = Field(default=None, examples=['{ zip = "category" }'])
    group: Text | None = Field(default=None, examples=['"patient"'])
    time: Text | None = Field(default=None, examples=['"date"'])
    time_feature: bool | None = Field(default=None, examples=["true"])
    weight: Text | None = Field(default=None, examples=['"weight"'])
    select: Literal["all", "useful"] | None = Field(default=None, examples=['"useful"'])
    sheet: Text | None = Field(default=None, examples=['"Sheet1"'])
    test: float | None = Field(default=None, ge=0.01, le=0.5, examples=["0.2"])
    most_rows: int | None = Field(default=None, ge=1, examples=["1000000"])

    @field_validator("drop")
    @classmethod
    def _check_drop(cls, drop: list[str] | None, info: ValidationInfo) -> list[str] | None:
        if drop and info.data.get("target") in drop:
            raise ValueError(f"must not name the target, but got {toml(drop)}; leave it out there")
        return drop

    @field_validator("group", "time", "weight")
    @classmethod
    def _check_role(cls, name: str | None, info: ValidationInfo) -> str | None:
        if name is None:
            return None
        if info.field_name == "time" and info.data.get("group") is not None:
            raise ValueError("cannot stand beside group: rows are divided by one of the two")
        for other in ("target", "group", "time"):
            if info.data.get(other) == name:
                raise ValueError(f"must not name the {other} column, but got {toml(name)}")
        if name in (info.data.get("drop") or ()):
            raise ValueError(f"must not name a column of drop, but got {toml(name)}")
        return name

    @field_validator("time_feature")
    @classmethod
    def _check_time_feature(cls, given: bool | None, info: ValidationInfo) -> bool | None:
        if given and info.data.get("time") is None:
            raise ValueError("needs a column of times; name it with time, or leave this out")
        return given or None

    def to_table(self) -> dict[str, Any]:
        """Returns the table of a study file; what is not set is left out."""
        table = self.model_dump(exclude_none=True)
        return {"csv": table.pop("csv"), "target": table.pop("target"), **table}

    def path(self, base: Path) -> Path:
        """Returns where the file lies, seen from the study file's folder ``base``."""
        return base / expanded(self.csv)

    def moved(self, path: str) -> CsvDataset:
        """Returns it with another path of the file."""
        return self.model_copy(update={"csv": path})


class ImageFolder(Part):
    """Images of the user's own: a folder with a subfolder for each class.

    Attributes:
        images: Path of the folder, from the study file's folder.
        size: Pixels of a side to which images are scaled; found out if None.
    """

    images: FilePath = Field(examples=['"photos"'])
    size: int | None = Field(default=None, ge=4, le=512, examples=["64"])

    def to_table(self) -> dict[str, Any]:
        """Returns the table of a study file; what is not set is left out."""
        return self.model_dump(exclude_none=True)

    def path(self, base: Path) -> Path:
        """Returns where the folder lies, seen from the study file's folder ``base``."""
        return base / expanded(self.images)

    def moved(self, path: str) -> ImageFolder:
        """Returns it with another path of the folder."""
        return self.model_copy(update={"images": path})


AnyDataset = str | CsvDataset | ImageFolder
"""What a study names: a data set of tuner or a function by name, or files of the user's own."""

Direction = Literal["minimize", "maximize"]

Duplicates = Literal["reuse", "repeat"]
"""Whether a trial with the parameters of an earlier one takes over its value, or is trained."""

DUPLICATES: tuple[Duplicates, ...] = get_args(Duplicates)


def as_loss(value: float, direction: Direction) -> float:
    """Returns ``value``, negated if more of it is better: less of a loss always is."""
    return -value if direction == "maximize" else value


class Objective(Part):
    """What the search improves.

    Attributes:
        metric: A metric that the model logs, or a name of :mod:`tuner.scoring`; both on the
            validation split.
        direction: Whether less or more of it is better.
    """

    metric: Text = Field(examples=['"accuracy"'])
    direction: Direction = Field(examples=['"maximize"'])

    def loss(self, value: float) -> float:
        """Returns ``value`` as something of which less is better, see :func:`as_loss`."""
        return as_loss(value, self.direction)

    def better(self, value: float, other: float) -> bool:
        """Returns whether ``value`` is better than ``other``; NaN neither is nor is beaten."""
        return self.loss(value) < self.loss(other)

    def doubt(self) -> str | None:
        """Returns a line for people if the direction makes the worst trial the best."""
        from tuner.scoring import direction

        usual = "minimize" if self.metric in COSTS else direction(self.metric)
        if usual is None or self.direction == usual:
            return None
        return (
            f"objective: {self.metric} is to be {self.direction}d, so that the worst trial is the "
            f'best; is direction = "{usual}" meant?'
        )


class TrialLimits(Part):
    """Limits of one trial.

    Attributes:
        timeout: Seconds of wall time, or None.
        memory: Bytes of resident memory of its process, or None.
    """

    timeout: Seconds | None = Field(default=None, examples=['"5m"'])
    memory: Bytes | None = Field(default=None, examples=['"2GiB"'])


class StopRule(Part):
    """When a study ends before it has all its trials.

    Attributes:
        when: "unlikely": when the trials that are left are expected to gain less than the error
            with which the best value is estimated.
        min_trials: Finished trials before which the study does not stop.
        patience: Finished trials since the best one before which it does not.
        error: Standard error of a value, in the metric's unit; None to estimate it from the rows
            that the value is measured on.
    """

    when: Literal["unlikely"] = Field(examples=['"unlikely"'])
    min_trials: int = Field(default=20, ge=2, examples=["20"])
    patience: int = Field(default=10, ge=1, examples=["10"])
    error: Finite | None = Field(default=None, gt=0, examples=["0.005"])


class Budget(Part):
    """How long to search.

    Attributes:
        n_trials: Finished trials wanted in total, not "more".
        timeout: Seconds of wall time of one run, or None.
        trial: Limits of each trial.
        stop: When the study stops by itself, or None.
    """

    n_trials: int = Field(default=50, ge=1, examples=["50"])
    timeout: Seconds | None = Field(default=None, examples=['"20m"'])
    trial: TrialLimits = Field(
        default=TrialLimits(), examples=['{ timeout = "5m", memory = "2GiB" }']
    )
    stop: StopRule | None = Field(default=None, examples=['{ when = "unlikely" }'])


class Choice(Part):
    """A sampler or a pruner by name; ``tuner.search`` knows the names and checks the options.

    Attributes:
        name: Such as ``tpe`` or ``hyperband``.
        options: Arguments of Optuna's class.
        seed: Seed of a sampler; a pruner has none.
    """

    name: Text = Field(examples=['"tpe"'])
    options: dict[str, Any] = {}
    seed: int = Field(default=0, ge=0, lt=2**32, examples=["0"])


class Training(Part):
    """How trials are trained; it changes their speed, not their results.

    Attributes:
        loop: "resident" runs whole epochs in one graph, "fit" is ``keras.Model.fit``, "auto"
            takes the first where it can.
        checkpoint: Seconds from the beginning of a trial to its first checkpoint, and from one to
            the next.
        saveable: Whether a network of the user's own is saved and loaded again before the first
            trial.
    """

    loop: Loop = Field(default="auto", examples=['"auto"'])
    checkpoint: Seconds = Field(default=30.0, examples=['"30s"'])
    saveable: bool = Field(default=True, examples=["false"])


class Validation(Part):
    """How trials are compared; without it by the validation split alone.

    Attributes:
        folds: Parts into which the rows that are not for the test are divided; each is held out
            once. 1 holds out the validation split alone.
        repeats: How often that is done, each time with another division.
        keep: Whether complete trials leave their out-of-fold predictions and models, see
            :mod:`tuner.trials.trial_outputs`.
    """

    folds: int = Field(default=1, ge=1, le=50, examples=["5"])
    repeats: int = Field(default=1, ge=1, le=20, examples=["1"])
    keep: bool = Field(default=False, examples=["true"])

    @field_validator("repeats")
    @classmethod
    def _check_repeats(cls, repeats: int, info: ValidationInfo) -> int:
        if repeats > 1 and info.data.get("folds") == 1:
            raise ValueError(
                f"must be 1 without folds, but got {repeats}; write folds = 5 beside it"
            )
        return repeats


class Confirm(Part):
    """How the best configurations are trained again after the search.

    Attributes:
        top: How many of the search's best configurations; the references come on top of these.
        repeats: How often each is trained, every time with another seed.
        fresh_splits: Whether each repeat also divides the rows into training and validation anew;
            if None, that is done for tables whose rows may be mixed.
        timeout: Seconds of wall time, or None.
    """

    top: int = Field(default=5, ge=1, le=100, examples=["5"])
    repeats: int = Field(default=10, ge=3, le=1000, examples=["10"])
    fresh_splits: bool | None = Field(default=None, examples=["true"])
    timeout: Seconds | None = Field(default=None, examples=['"5m"'])


class EarlyStopping(Part):
    """When training stops by itself; names and meaning are those of ``keras.callbacks``.

    Attributes:
        patience: Epochs without improvement after which training stops.
        min_delta: Least change that counts as improvement, in the metric's own unit.
        start_from_epoch: Epochs to wait before watching.
    """

    patience: int = Field(ge=0, examples=["5"])
    min_delta: Finite = Field(default=0.0, ge=0, examples=["0.001"])
    start_from_epoch: int = Field(default=0, ge=0, examples=["0"])


class Reference(Part):
    """A configuration known beforehand: run first, and compared with what the search finds.

    Attributes:
        name: Its name, unique in the study; the ``origin`` of its trial.
        params: A complete configuration in the search space.
        reported: Scores that were published with it, and the ``split`` that they were taken on.
        note: Where it comes from.
        role: Whether the search is compared with it, or begins with it as one of its own trials.
        expected: Seconds that its trial will take on a usual machine; None if that is not known.
    """

    name: Text = Field(examples=['"document"'])
    params: dict[str, Any] = Field(examples=["{ units = 16, learning_rate = 0.01 }"])
    reported: dict[str, Any] = Field(default={}, examples=['{ split = "test", accuracy = 0.95 }'])
    note: str = Field(default="", examples=['"section 6"'])
    role: Literal["reference", "default"] = Field(default="reference", examples=['"default"'])
    expected: Seconds | None = Field(default=None, examples=['"20s"'])

    def to_table(self) -> dict[str, Any]:
        """Returns the table of a study file; what studies had not at first is left out if unset."""
        table = self.model_dump()
        if self.role == "reference":
            del table["role"]
        if self.expected is None:
            del table["expected"]
        return table
