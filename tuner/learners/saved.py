"""A fitted model in a folder that says itself which learner reads it; such a folder as bytes.

A bundle of one model says in ``bundle.json`` what fitted it. The models of several folds, or of
several learners, lie in folders of their own, each with what `Fitted.save` writes and a
``fitted.json``:

    model, library: as ``Learner.model`` and ``Learner.library``.
    params: what it was fitted with.
    info: what ``Fitted.save`` returned.
"""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import Field, ValidationError

from tuner.data.raised import described
from tuner.errors import BundleError, TunerError
from tuner.learners.archives import check_archive
from tuner.learners.base import Fitted, Learner
from tuner.learners.registry import LEARNERS, load_runtime, open_saved
from tuner.learners.setup import Setup
from tuner.space import Value
from tuner.spec.models import Part, Text

FILE = "fitted.json"
_MOST_BYTES = 2**24  # of fitted.json


class Saved(Part):
    """``fitted.json``, see the module."""

    model: Text
    library: Text
    params: dict[str, Any] = Field(default={})
    info: dict[str, Any] = Field(default={})


def save_model(fitted: Fitted, folder: Path, learner: Learner, params: Mapping[str, Value]) -> None:
    """Writes a model into a folder that exists.

    Raises:
        ModelError: The model cannot be saved.
        OSError: A file cannot be written.
    """
    info = dict(fitted.save(folder) or {})
    saved = Saved(model=learner.model, library=learner.library, params=dict(params), info=info)
    (folder / FILE).write_text(json.dumps(saved.model_dump(), indent=2) + "\n", encoding="utf-8")


def load_model(folder: Path, info: Mapping[str, Any], setup: Setup | None = None) -> Fitted:
    """Reads what `save_model` wrote, without running code from the folder.

    Args:
        folder: The folder.
        info: ``data`` is what ``SealedData.describe`` returns of the data.
        setup: Where the learner works.

    Raises:
        BundleError: A file is missing or broken, or the learner is a class of somebody's own.
    """
    saved = read_saved(folder)
    setup = setup or Setup()
    try:
        if saved.library != "keras" and saved.model not in LEARNERS:
            raise BundleError(f"{folder} cannot be loaded: tuner has no learner {saved.model!r}")
        load_runtime(saved.model, setup.base, saved.library)
        learner = open_saved(saved.model, saved.library, setup)
        assert learner is not None  # it has a name
        known = {"model": saved.model, "learner": saved.library, "params": saved.params}
        return learner.load(folder, {**saved.info, **known, "data": info["data"]})
    except TunerError:
        raise
    except Exception as exc:  # broken files make a library raise what it likes
        raise BundleError(f"{folder} cannot be loaded: {described(exc, folder)}") from exc


def read_saved(folder: Path) -> Saved:
    """Reads ``fitted.json``.

    Raises:
        BundleError: It is missing or broken.
    """
    file = folder / FILE
    try:
        if file.stat().st_size > _MOST_BYTES:
            raise BundleError(f"{file} is too large for what it should hold")
        return Saved.model_validate_json(file.read_bytes())
    except OSError as exc:
        raise BundleError(f"{file} cannot be read: {exc.strerror}") from exc
    except ValidationError as invalid:
        error = invalid.errors()[0]
        where = ".".join(map(str, error["loc"]))
        raise BundleError(f"{file} is broken: {where}: {error['msg']}") from None


def pack_model(fitted: Fitted, learner: Learner, params: Mapping[str, Value]) -> bytes:
    """Returns the folder that `save_model` writes as a zip archive, for predictions only.

    Raises:
        ModelError: The model cannot be saved.
        OSError: The disk of temporary files is full.
    """
    content = io.BytesIO()
    with tempfile.TemporaryDirectory(prefix="tuner-") as name:
        folder = Path(name)
        with fitted.for_predictions():
            save_model(fitted, folder, learner, params)
        with zipfile.ZipFile(content, "w") as archive:  # models are compressed where it pays
            for file in sorted(folder.rglob("*")):
                if file.is_file():
                    archive.write(file, file.relative_to(folder).as_posix())
    return content.getvalue()


def unpack_model(content: bytes, folder: Path) -> None:
    """Writes the folder that `pack_model` packed.

    Args:
        content: The archive; it may come from a stranger.
        folder: Where to write; it is made.

    Raises:
        BundleError: It is no such archive, names a file outside, or would fill the disk.
        OSError: A file cannot be written.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            check_archive(archive, len(content), f"the model for {folder}")
            for name in archive.namelist():
                if not _is_inside(name):
                    raise BundleError(
                        f"the model for {folder} cannot be unpacked: it names the file {name!r}"
                    )
            folder.mkdir(parents=True, exist_ok=True)
            archive.extractall(folder)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError) as exc:
        raise BundleError(f"the model for {folder} cannot be unpacked: {exc}") from exc


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not (path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name)
