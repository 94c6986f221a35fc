"""The text of a script that trains a network with Keras and NumPy alone."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from tuner.errors import ModelError
from tuner.learners.keras.networks.feeding import target_offset
from tuner.learners.keras.script.literal import source
from tuner.learners.keras.script.network_source import model_source
from tuner.learners.keras.training.fit import EVALUATION_BATCH, epoch_callbacks
from tuner.wording import in_docstring

if TYPE_CHECKING:
    import keras

    from tuner.learners.setup import Script

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


def script_text(model: keras.Model, about: Script, batch_size: int) -> str:
    """Returns the script.

    Args:
        model: Compiled, not trained.
        about: What else stands in it.
        batch_size: Rows in a step.

    Raises:
        ModelError: The model has parts that are not Keras's own, or float64 targets.
    """
    if target_offset(model) is not None:
        raise ModelError(
            "the target has more digits than float32, in which Keras alone fits; export "
            "NAME.toml or NAME.json instead, which `tuner train` takes"
        )
    return _TEMPLATE.format(
        title=in_docstring(f"The network of {about.title}."),
        data=in_docstring(about.data_name),
        data_name=source(about.data_name),
        rows=about.rows,
        script=in_docstring(shlex.quote(about.name)),
        epochs=about.steps,
        batch_size=batch_size,
        seed=about.seed,
        model=model_source(model),
        callbacks=", ".join(_callback_source(callback) for callback in epoch_callbacks(model)),
        evaluation_batch=EVALUATION_BATCH,
        weight_train=', data["sample_weight_train"]' if about.weighted else "",
        weight_test='\n        sample_weight=data["sample_weight_test"],' if about.weighted else "",
    )


def _callback_source(callback: keras.callbacks.Callback) -> str:
    """Returns the source of the one callback of a shipped family: it lowers the rate."""
    return (
        f'keras.callbacks.ReduceLROnPlateau(monitor="{callback.monitor}", '
        f"factor={callback.factor}, patience={callback.patience})"
    )
