from __future__ import annotations

from types import SimpleNamespace

import keras
from hypothesis import given, settings
from hypothesis import strategies as st

from tuner.learners.patience import Patience, is_better
from tuner.learners.watch import Watch
from tuner.spec import EarlyStopping

# Fine and coarse: accuracies of small splits repeat, and differ by just min_delta. Not so fine that
# it depends on what else has run in the process: TensorFlow rounds subnormal numbers to 0.
CURVES = st.lists(
    st.one_of(
        st.floats(-10, 10, width=32, allow_subnormal=False),
        st.integers(0, 20).map(lambda n: 0.9 + n / 1000),
    ),
    min_size=1,
    max_size=15,
)


def epochs_of_keras(curve: list[float], direction: str, rule: EarlyStopping) -> int:
    """The number of epochs until Keras's callback stops the training."""
    callback = keras.callbacks.EarlyStopping(
        monitor="val_score", mode="max" if direction == "maximize" else "min", **rule.model_dump()
    )
    model = SimpleNamespace(stop_training=False)
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, value in enumerate(curve):
        callback.on_epoch_end(epoch, {"val_score": value})
        if model.stop_training:
            return epoch + 1
    return len(curve)


@settings(max_examples=150)
@given(
    curve=CURVES,
    direction=st.sampled_from(["minimize", "maximize"]),
    rule=st.builds(
        EarlyStopping,
        patience=st.integers(0, 4),
        min_delta=st.sampled_from([0.0, 0.001, 0.5]),
        start_from_epoch=st.integers(0, 4),
    ),
)
def test_training_stops_at_the_epoch_where_keras_stops(curve, direction, rule):
    watch = Watch(len(curve), "score", direction, early_stopping=rule)
    ran = 0
    for epoch, value in enumerate(curve, start=1):
        ran = epoch
        if watch.observe(epoch, {"val_score": value}).stop:
            break
    assert ran == epochs_of_keras(curve, direction, rule)


def test_a_difference_of_just_min_delta_is_no_improvement():
    assert not is_better(0.951, 0.95, "maximize", by=0.001)
    assert not is_better(0.95, 0.951, "minimize", by=0.001)
    assert is_better(0.9511, 0.95, "maximize", by=0.001)


def test_training_never_stops_early_without_a_rule():
    patience = Patience(None, "maximize")
    assert [patience.exhausted_after(epoch, 0.5) for epoch in range(1, 50)] == [None] * 49
