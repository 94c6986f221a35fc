from __future__ import annotations

import keras
import numpy as np
import pytest
from built import build, kinds

from tuner.learners.keras.networks.families import INITIALIZERS
from tuner.learners.keras.networks.layers import PIECES, activation


def test_maxout_is_the_greatest_of_its_pieces():
    x = np.random.default_rng(0).normal(size=(5, PIECES * 3)).astype(np.float32)
    expected = x.reshape(5, PIECES, 3).max(axis=1)
    np.testing.assert_array_equal(keras.Sequential(activation("maxout", 3))(x), expected)


def test_maxout_of_images_leaves_their_size():
    x = np.random.default_rng(0).normal(size=(5, 4, 6, PIECES * 3)).astype(np.float32)
    expected = x.reshape(5, 4, 6, PIECES, 3).max(axis=3)
    np.testing.assert_array_equal(keras.Sequential(activation("maxout", 3, (4, 6)))(x), expected)


def test_maxout_has_as_many_units_as_any_activation(make_splits, make_images):
    model = build("mlp", make_splits(), n_layers=2, units_1=7, units_2=5, activation="maxout")
    assert [layer.units for layer in model.layers if hasattr(layer, "units")] == [14, 10, 1]
    model = build("cnn", make_images(), n_blocks=1, filters=3, n_layers=0, activation="maxout")
    assert model.layers[-2].output.shape == (None, 4 * 4 * 3)


@pytest.mark.parametrize(("l1", "l2"), [(0.0, 0.0), (0.02, 0.0), (0.0, 0.03), (0.02, 0.03)])
@pytest.mark.parametrize("family", ["mlp", "cnn"])
def test_the_penalty_is_that_of_the_elastic_net(make_images, family, l1, l2):
    model = build(family, make_images(), l1=l1, l2=l2)
    kernels = [layer.kernel.numpy() for layer in model.layers if hasattr(layer, "kernel")]
    expected = sum(l1 * np.abs(w).sum() + l2 * np.square(w).sum() for w in kernels)
    assert len(model.losses) == (len(kernels) if l1 or l2 else 0)
    assert float(sum(model.losses)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("initializer", INITIALIZERS)
def test_the_initializer_reaches_every_kernel(make_splits, initializer):
    model = build("mlp", make_splits(), n_layers=1, units=500, initializer=initializer)
    dense = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    assert {type(layer.kernel_initializer) for layer in dense} == {
        type(keras.initializers.get(initializer))
    }
    expected = {
        **{"zeros": 0.0, "random_uniform": 0.05 / 3**0.5, "random_normal": 0.05},
        **{"glorot": (2 / 501) ** 0.5, "he": (2 / 500) ** 0.5},
    }
    last = dense[-1].kernel.numpy().std()
    name = next(name for name in expected if initializer.startswith(name))
    assert last == pytest.approx(expected[name], rel=0.15)


def test_a_convolution_stops_shrinking_at_one_pixel(make_images):
    model = build("cnn", make_images(shape=(5, 3, 2)), n_blocks=4, filters=2)
    sizes = [layer.output.shape[1:3] for layer in model.layers if "Pooling" in type(layer).__name__]
    assert sizes == [(3, 2), (2, 1), (1, 1), (1, 1)]


def test_the_blocks_are_those_of_the_parameters(make_images):
    model = build(
        "cnn",
        make_images(),
        **{"n_blocks": 2, "filters_1": 4, "filters_2": 6, "kernel_size": 5, "pooling": "average"},
        **{"global_pooling": "average", "block_dropout": 0.3, "batch_norm": True, "flip": True},
        **{"translation": 0.1, "contrast": 0.2, "n_layers": 0, "output": "logits"},
    )
    block = ["Conv2D", "BatchNormalization", "Activation"]
    assert kinds(model) == [
        *("Rescaling", "RandomFlip", "RandomTranslation", "RandomContrast"),
        *(*block, "AveragePooling2D", "Dropout", *block, "GlobalAveragePooling2D", "Dense"),
    ]
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert [layer.filters for layer in convolutions] == [4, 6]
    assert {layer.kernel_size for layer in convolutions} == {(5, 5)}


def test_images_without_channels_are_grey(make_images):
    flat, grey = make_images(shape=(8, 7)), make_images()
    assert build("cnn", flat).count_params() == build("cnn", grey).count_params()


def test_images_change_in_training_only(make_images):
    data = make_images()
    model = build("cnn", data, flip=True, translation=0.2, contrast=0.4)
    augment = keras.Sequential([keras.Input(data.input_shape), *model.layers[:4]])
    x = data.test.x.astype(np.float32)
    np.testing.assert_allclose(augment(x, training=False), x / 255, rtol=1e-6)
    changed = augment(x, training=True).numpy()
    assert np.abs(changed - x / 255).mean() > 0.01
    assert changed.min() >= 0
    assert changed.max() <= 1
