"""A configuration as a Python script that needs only Keras, NumPy and the file beside it."""

from __future__ import annotations

import os
import shlex
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tuner.bundle.folder import writing
from tuner.bundle.literal import source
from tuner.bundle.network import model_source
from tuner.bundle.script_files import check_script_replaceable, companion_of
from tuner.bundle.training import build, load_data
from tuner.data import Split
from tuner.errors import BundleError, ModelError
from tuner.results.configuration import Configuration
from tuner.results.configuration_file import origin, write_text
from tuner.units import count, figure
from tuner.wording import one_line

if TYPE_CHECKING:
    import keras

_TEMPLATE = '''\
"""{title}

Needs only Keras and NumPy, and {data} beside it: {rows}
Run it:  python {script}
It trains on all rows but those of the test split, and scores the test split once.
"""

from pathlib import Path

import keras
import numpy as np

EPOCHS = {epochs}
BATCH_SIZE = {batch_size}
SEED = {seed}
DATA = Path(__file__).with_name({data_name})


def build_model():
{model}    return model


class ShuffledRows(keras.utils.PyDataset):
    """Rows in batches, in an order that is drawn anew each epoch."""

    def __init__(self, *arrays):
        super().__init__()
        self.arrays = arrays
        self.random = np.random.default_rng(SEED)
        self.order = np.arange(len(arrays[0]))

    def __len__(self):
        return -(-len(self.order) // BATCH_SIZE)

    def __getitem__(self, index):
        rows = self.order[index * BATCH_SIZE : (index + 1) * BATCH_SIZE]
        return tuple(array[rows] for array in self.arrays)

    def on_epoch_begin(self):
        self.order = self.random.permutation(len(self.order))


def main():
    data = np.load(DATA)
    keras.utils.set_random_seed(SEED)
    model = build_model()
    keras.utils.set_random_seed(SEED)  # again: dropout must not depend on how it was built
    rows = ShuffledRows(data["x_train"], data["y_train"]{weight_train})
    model.fit(rows, epochs=EPOCHS, shuffle=False, callbacks=[{callbacks}], verbose=2)
    scores = model.evaluate(
        data["x_test"],
        data["y_test"],{weight_test}
        batch_size={evaluation_batch},
        verbose=0,
        return_dict=True,
    )
    print("test", scores)
    return model


if __name__ == "__main__":
    main().save(Path(__file__).with_suffix(".keras"))
'''


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
    from tuner.learners.keras.networks.feeding import target_offset, targets

    data = load_data(configuration)
    development = data.development
    rows = development.rows
    companion = companion_of(path)
    if development.kind == "text":
        raise ModelError(
            f"{path}: a network for texts carries its vocabulary, which is no readable script; "
            "export it as .toml or .json"
        )
    model = build(configuration, development, rows)
    if target_offset(model) is not None:
        raise ModelError(
            f"{path}: the target has more digits than float32, in which Keras alone fits; export "
            "NAME.toml or NAME.json instead, which `tuner train` takes"
        )
    test = data.sealed_test.open("tuner export", "write the file that the script scores itself on")
    text = _script(configuration, model, rows, test, path, companion)
    as_fitted = [replace(split, y=targets(model, split.y)) for split in (rows, test)]
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


def _script(
    configuration: Configuration,
    model: keras.Model,
    rows: Split,
    test: Split,
    path: Path,
    companion: Path,
) -> str:
    from tuner.learners.keras.training.fit import EVALUATION_BATCH, epoch_callbacks

    weighted = rows.sample_weight is not None
    value = configuration.value
    scored = "" if value is None else f": {configuration.metric} {figure(value)} on validation"
    return _TEMPLATE.format(
        title=_in_docstring(f"The network of {origin(configuration)}{scored}."),
        data=_in_docstring(companion.name),
        data_name=source(companion.name),
        rows=f"{count(len(rows), 'row')} to train on, {count(len(test), 'row')} to test.",
        script=_in_docstring(shlex.quote(path.name)),
        epochs=configuration.epochs,
        batch_size=configuration.batch_size,
        seed=configuration.seed,
        model=model_source(model),
        callbacks=", ".join(_callback_source(callback) for callback in epoch_callbacks(model)),
        evaluation_batch=EVALUATION_BATCH,
        weight_train=', data["sample_weight_train"]' if weighted else "",
        weight_test='\n        sample_weight=data["sample_weight_test"],' if weighted else "",
    )


def _in_docstring(text: str) -> str:
    """Returns a text that means itself inside a docstring, on one line."""
    return one_line(text).replace("\\", r"\\").replace('"', "'")


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


def _callback_source(callback: keras.callbacks.Callback) -> str:
    """Source of the one callback that a shipped family brings along: it lowers the rate."""
    return (
        f'keras.callbacks.ReduceLROnPlateau(monitor="{callback.monitor}", '
        f"factor={callback.factor}, patience={callback.patience})"
    )


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
