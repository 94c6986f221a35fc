"""A configuration as a Python script that needs only its library, NumPy and the file beside it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np

from tuner.bundle.folder import writing
from tuner.bundle.refitting import refit_steps
from tuner.bundle.script_files import check_script_replaceable, companion_of
from tuner.bundle.write import fit_params, load_data, opened
from tuner.data import Split
from tuner.errors import BundleError, ModelError
from tuner.learners.setup import Script
from tuner.results.configuration import Configuration
from tuner.results.configuration_file import origin, write_text
from tuner.units import count, figure
from tuner.wording import one_line


def write_script(configuration: Configuration, path: Path, *, force: bool = False) -> list[Path]:
    """Writes the script at ``path`` and its data as ``NAME-data.npz`` beside it.

    Args:
        configuration: What to write.
        path: The file; an earlier script in it is replaced.
        force: Replace any other file, too.

    Returns:
        Both files.

    Raises:
        RequestError: A file is there that is no earlier script.
        BundleError: A file cannot be written, or the script would not run; neither file is left
            behind.
        DataError: The data are not those of the study.
        ModelError: The model has parts that are not Keras's own.
    """
    learner = opened(configuration)
    data = load_data(configuration)
    development = data.development
    rows = development.rows
    companion = companion_of(path)
    held_out = len(data.sealed_test)
    about = Script(
        title=_title(configuration),
        name=path.name,
        data_name=companion.name,
        rows=f"{count(len(rows), 'row')} to train on, {count(held_out, 'row')} to test.",
        steps=refit_steps(configuration),
        seed=configuration.seed,
        weighted=rows.sample_weight is not None,
    )
    params = fit_params(learner, configuration, data.development.task)
    try:
        text, as_read = learner.script(params, development.trained_on(rows), about)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error
    test = data.sealed_test.open("tuner export", "write the file that the script scores itself on")
    as_fitted = [as_read(split) for split in (rows, test)]
    _check_text(path, text)
    temporary = _write_data(companion, *as_fitted)
    try:
        check_script_replaceable(path, force=force)  # again: building took its time
        write_text(path, text)
        with writing(companion):
            temporary.replace(companion)
    finally:
        temporary.unlink(missing_ok=True)
    return [path, companion]


def _title(configuration: Configuration) -> str:
    value = configuration.value
    scored = "" if value is None else f": {configuration.metric} {figure(value)} on validation"
    return f"{origin(configuration)}{scored}"


def _check_text(path: Path, text: str) -> None:
    """Makes sure that a script is Python.

    Raises:
        BundleError: It is not.
    """
    try:
        compile(text.encode(), path.name, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as exc:
        raise BundleError(
            f"cannot write {path}: the script is not Python: {one_line(str(exc))}; export it as "
            ".toml or .json"
        ) from exc


def _write_data(path: Path, train: Split, test: Split) -> Path:
    """Writes the arrays to a temporary file beside ``path`` and returns it."""
    names = ("x", "y", "sample_weight")
    with writing(path):
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                parts = {"train": train, "test": test}
                arrays = {
                    f"{name}_{part}": array
                    for part, split in parts.items()
                    for name, array in zip(names, split.arrays, strict=False)
                }
                np.savez_compressed(file, allow_pickle=False, **arrays)
            temporary.chmod(0o644)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    return temporary
