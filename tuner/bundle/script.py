"""A configuration as a Python script that needs only Keras, NumPy and the file beside it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np

from tuner.bundle.folder import writing
from tuner.bundle.network import model_source
from tuner.bundle.train import build, everything_but_test, load_data
from tuner.data import Split, Splits
from tuner.quiet import load_tensorflow
from tuner.results.configuration import Configuration
from tuner.results.export import origin, write_text
from tuner.results.figures import count, figure

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
DATA = Path(__file__).with_name("{data}")


def build_model():
{model}    return model


def main():
    data = np.load(DATA)
    keras.utils.set_random_seed(SEED)
    model = build_model()
    keras.utils.set_random_seed(SEED)  # again: the order of rows must not depend on the network
    model.fit(
        data["x_train"], data["y_train"], batch_size=BATCH_SIZE, epochs=EPOCHS, verbose=2
    )
    scores = model.evaluate(
        data["x_test"], data["y_test"], batch_size=256, verbose=0, return_dict=True
    )
    print("test", scores)
    return model


if __name__ == "__main__":
    main().save(Path(__file__).with_suffix(".keras"))
'''


def write_script(configuration: Configuration, path: Path) -> list[Path]:
    """Writes the script at ``path`` and its data as ``NAME-data.npz`` beside it.

    Returns:
        Both files.

    Raises:
        BundleError: A file cannot be written; neither is left behind.
        DataError: The data are not those of the study.
        ModelError: The model has parts that are not Keras's own.
    """
    load_tensorflow()
    data = load_data(configuration)
    rows = everything_but_test(data)
    companion = path.with_name(f"{path.stem}-data.npz")
    text = _script(configuration, data, rows, path, companion)
    temporary = _write_data(companion, rows, data.test)
    try:
        write_text(path, text)
        with writing(companion):
            temporary.replace(companion)
    finally:
        temporary.unlink(missing_ok=True)
    return [path, companion]


def _script(
    configuration: Configuration, data: Splits, rows: Split, path: Path, companion: Path
) -> str:
    value = configuration.value
    scored = "" if value is None else f": {configuration.metric} {figure(value)} on validation"
    return _TEMPLATE.format(
        title=f"The network of {origin(configuration)}{scored}.".replace('"', "'"),
        data=companion.name,
        rows=f"{count(len(rows), 'row')} to train on, {count(len(data.test), 'row')} to test.",
        script=path.name,
        epochs=configuration.epochs,
        batch_size=configuration.batch_size,
        seed=configuration.seed,
        model=model_source(build(configuration, data, rows)),
    )


def _write_data(path: Path, train: Split, test: Split) -> Path:
    """Writes the arrays to a temporary file beside ``path`` and returns it."""
    with writing(path):
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                np.savez_compressed(
                    file, x_train=train.x, y_train=train.y, x_test=test.x, y_test=test.y
                )
            temporary.chmod(0o644)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    return temporary
