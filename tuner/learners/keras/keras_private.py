"""The only module with private names of Keras and TensorFlow; read in Keras 3.15, TensorFlow 2.21.

Each function names the one that it uses. ``tests/learners/keras/test_keras_private.py`` checks that
no other module has any, and the tests of training fail when one changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras


def layers_of(model: keras.Model, *, include_self: bool = True) -> list[Any]:
    """Returns all layers of a model, those inside other layers, too: ``Layer._flatten_layers``."""
    return list(model._flatten_layers(include_self=include_self))


def build_from(model: keras.Model, batch: Any) -> None:
    """Builds a model as its first batch in ``fit`` does: ``Trainer._symbolic_build``."""
    model._symbolic_build(data_batch=batch)


def begin_at(model: keras.Model, epoch: int) -> None:
    """Lets a running ``fit`` continue at an epoch, as BackupAndRestore: ``_initial_epoch``."""
    model._initial_epoch = epoch


@contextmanager
def initial_epoch_kept(model: keras.Model) -> Iterator[None]:
    """Lets a further ``fit`` of the model begin with its first epoch, wherever this one began."""
    kept = model._initial_epoch
    try:
        yield
    finally:
        model._initial_epoch = kept


def learning_rate_of(optimizer: Any) -> Any:
    """Returns a learning rate, the schedule if there is one: ``Optimizer._learning_rate``."""
    return getattr(optimizer, "_learning_rate", None)


def leave_gradients_unsummed(optimizer: Any) -> None:
    """Lets an optimizer take gradients as they are: ``TFOptimizer._all_reduce_sum_gradients``.

    For one replica only. Keras sums gradients over the replicas by a function with a gradient of
    its own, which TensorFlow registers for good, and with it the whole graph: some 15 MB a model.
    """
    optimizer._all_reduce_sum_gradients = list


def shared_generator(*, make: bool) -> Any:
    """Returns Keras's generator for what has none of its own; None if nothing was drawn yet."""
    from keras.src.backend.common.global_state import get_global_attribute
    from keras.src.random.seed_generator import GLOBAL_SEED_GENERATOR, global_seed_generator

    return global_seed_generator() if make else get_global_attribute(GLOBAL_SEED_GENERATOR)


def call_flat(traced: Any, inputs: Sequence[Any]) -> Any:
    """Calls a traced function: ``ConcreteFunction._call_flat``.

    Without the checks of its arguments, which cost as much as a small network's epoch.
    """
    return traced._call_flat(inputs, traced.captured_inputs)


def executed_by(executor: str) -> AbstractContextManager[Any]:
    """Runs the functions called inside with another executor of TensorFlow's."""
    from tensorflow.python.eager.context import function_executor_type

    chosen: AbstractContextManager[Any] = function_executor_type(executor)
    return chosen
