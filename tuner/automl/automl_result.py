"""AutoML from Python: a table in memory or in a file → `AutoMLResult`."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tuner.automl.automating import AutoMLOutcome, run_automl
from tuner.automl.automl_request import DEFAULT_TIME, AutoMLRequest
from tuner.bundle.load import Bundle
from tuner.data.mixed import is_frame
from tuner.data.schema import Schema
from tuner.errors import DataError, RequestError
from tuner.results.stored_study import read_result
from tuner.results.study_result import StudyResult
from tuner.storage.database import Database
from tuner.wording import kind as kind_of

if TYPE_CHECKING:
    import pandas as pd


class OwnFolder:
    """A temporary folder that is removed with this object, or when Python ends.

    Attributes:
        path: The folder.
    """

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="tuner-automl-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


@dataclass(frozen=True, eq=False)
class AutoMLResult:
    """What `automl` has found.

    Attributes:
        bundle: The written model bundle.
        outcome: How the run ended.
        url: Database of the study.
        folder: Where everything lies that was not asked for elsewhere; removed with the result.
        labels: Name of a class to its value in the frame that was given; empty if it was a file.
    """

    bundle: Bundle
    outcome: AutoMLOutcome = field(repr=False)
    url: str = field(repr=False)
    folder: OwnFolder = field(repr=False)
    labels: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @cached_property
    def leaderboard(self) -> pd.DataFrame:
        """The best trial of each learner, best first, as `tuner automl` shows it."""
        import pandas as pd

        return pd.DataFrame(self.bundle.info.get("leaderboard", []))

    @property
    def scores(self) -> dict[str, Any]:
        """``validation`` (out of fold) and ``test``: metric → value; ``test_interval``."""
        return dict(self.bundle.info["scores"])

    @cached_property
    def schema(self) -> Schema | None:
        """What was found in the columns, and what was decided about them."""
        found = self.bundle.info["data"].get("schema")
        return None if found is None else Schema.model_validate(found)

    @cached_property
    def study(self) -> StudyResult:
        """The study with all its trials."""
        database = Database(self.url, must_exist=True)
        try:
            study = database.study(self.bundle.info["study"])
            return read_result(study, str(database), base=self.outcome.spec.base)
        finally:
            database.close()

    def predict(self, rows: Any) -> NDArray[Any]:
        """Returns the likeliest classes, or the quantities.

        Args:
            rows: As `Bundle.predict` takes them: a frame, a dict of columns, an array.

        Returns:
            ``(n,)`` floats, or classes: as the frame that was given had them, else as texts.

        Raises:
            DataError: The rows lack a column.
        """
        output = self.bundle.predict(rows)
        names = self.bundle.info["data"]["class_names"]
        if not names:
            return output
        classes = np.array([self.labels.get(name, name) for name in names])
        return np.asarray(classes[output.argmax(axis=1)])

    def predict_proba(self, rows: Any) -> pd.DataFrame:
        """Returns the probabilities, a column a class.

        Raises:
            RequestError: The target is a quantity.
            DataError: The rows lack a column.
        """
        import pandas as pd

        names = self.bundle.info["data"]["class_names"]
        if not names:
            raise RequestError("the target is a quantity, which has no classes; use predict")
        return pd.DataFrame(self.bundle.predict(rows), columns=names)

    def __str__(self) -> str:
        return self.outcome.words(commands=False)


def automl(
    data: pd.DataFrame | str | Path,
    target: str | None = None,
    *,
    time: float | str = DEFAULT_TIME,
    out: str | Path | None = None,
    metric: str | None = None,
    task: str | None = None,
    drop: Sequence[str] = (),
    kind: Mapping[str, str] | None = None,
    group: str | None = None,
    time_column: str | None = None,
    time_feature: bool = False,
    weight: str | None = None,
    test: float = 0.1,
    single: bool = False,
    fast: bool = False,
    memory: int | str | None = None,
    workers: int | None = None,
    seed: int = 0,
    storage: str | None = None,
    study_name: str | None = None,
    more: bool = False,
    force: bool = False,
    dialect: Mapping[str, Any] | None = None,
) -> AutoMLResult:
    """Finds the best model for a table within a time; what `tuner automl` does.

    Args:
        data: A frame of pandas, a CSV, Parquet or Excel file, or a folder with a subfolder of
            images a class.
        target: The column to predict; None for images.
        time: From the call to the written bundle, in seconds or as ``"60s"``.
        out: Folder of the bundle; a temporary one if None, which is removed with the result.
        metric: What is improved; ROC AUC, log loss or RMSE if None, by the target.
        task: ``"classification"`` or ``"regression"``; follows from the target if None.
        drop: Columns that are no features.
        kind: Column to ``"number"``, ``"category"``, ``"date"``, ``"text"`` or ``"yes/no"``, where
            it is not the one that would be found.
        group: A column; its rows stand together in one fold.
        time_column: A column of dates or numbers; what is held out is later.
        time_feature: Whether ``time_column`` is a feature, too.
        weight: A column of numbers: how much each row counts.
        test: Share of the rows that only the final model is scored on.
        single: Keep the best single model, no ensemble.
        fast: Keep the fastest single model within one standard error of the best.
        memory: For all processes together: bytes, or ``"4GiB"``; no limit if None.
        workers: Worker processes; one a core if None.
        seed: Of the study.
        storage: Database of the study, which keeps it; one in a temporary folder if None.
        study_name: Its name there; ``"table"``, or that of the file, if None.
        more: Go on with the stored study for ``time``.
        force: Replace a bundle that is in ``out``.
        dialect: How a CSV file is written: ``sep``, ``decimal``, ``thousands``, ``encoding``,
            ``missing``; ``sheet`` of an Excel file.

    Returns:
        The result; ``result.predict(rows)`` takes raw rows.

    Raises:
        TunerError: The request was wrong, or no model could be fitted.
        KeyboardInterrupt: A second Ctrl-C; the first ends the search, and the best so far is kept.
    """
    from time import time as now

    started = now()
    folder = OwnFolder()
    url = storage or f"sqlite:///{folder.path}/tuner.db"
    request = AutoMLRequest(
        data=_file_of(data, folder.path),
        target=target,
        out=str(folder.path / "model" if out is None else out),
        time=time,
        metric=metric,
        task=task,
        drop=tuple(drop),
        kind=dict(kind or {}),
        group=group,
        time_column=time_column,
        time_feature=time_feature,
        weight=weight,
        test=test,
        dialect=dict(dialect or {}),
        single=single,
        fast=fast,
        memory=memory,
        workers=workers,
        seed=seed,
        storage=url,
        study_name=study_name,
        more=more,
        force=force,
    )
    outcome = run_automl(request, started=started)
    labels = _labels(data[target]) if is_frame(data) and target in data else {}
    return AutoMLResult(outcome.bundle, outcome, url, folder, labels)


def _labels(target: pd.Series[Any]) -> dict[str, Any]:
    """Returns the name that a reader gives each class, to the class."""
    return {str(value).removesuffix(".0"): value for value in target.dropna().unique().tolist()}


def _file_of(data: Any, folder: Path) -> str:
    """Returns the file that workers read: a frame is written into the folder.

    Raises:
        RequestError: It is neither a frame nor a path.
    """
    if is_frame(data):
        file = folder / "table.parquet"
        write_frame(data, file)
        return str(file)
    if isinstance(data, str | Path):
        return str(data)
    raise RequestError(
        f"data must be a frame of pandas or the path of a file, but got {kind_of(data)}; make a "
        "frame with pandas.DataFrame(…)"
    )


def write_frame(frame: pd.DataFrame, file: Path) -> None:
    """Writes a frame as Parquet; objects that it cannot hold are written as their texts.

    Raises:
        DataError: Two columns have one name.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    named = frame.reset_index(drop=True).rename(columns=str)
    if not named.columns.is_unique:
        twice = named.columns[named.columns.duplicated()][0]
        raise DataError(f'the frame has two columns "{twice}"; rename one of them')
    arrays = []
    for name in named:
        column = named[name]
        try:
            arrays.append(pa.Array.from_pandas(column))
        except (pa.ArrowException, TypeError, NotImplementedError):  # of several types, or others
            gone = column.isna().tolist()
            texts = [None if no else str(cell) for cell, no in zip(column, gone, strict=True)]
            arrays.append(pa.array(texts, pa.string()))
    pq.write_table(pa.table(arrays, names=list(named)), file)
