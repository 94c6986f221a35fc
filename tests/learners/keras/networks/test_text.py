from __future__ import annotations

import gc
import weakref
from pathlib import Path

import keras
import numpy as np
import pytest
from built import build, kinds
from fitting import refit, train

from tuner.data import Split
from tuner.learners.keras.networks import text
from tuner.learners.keras.networks.feeding import prepared
from tuner.learners.keras.networks.text import vectorised, vectoriser
from tuner.learners.keras.training.orders import ShuffledRows

SMALL = {"embedding_width": 4, "units": 4, "sequence_length": 6, "learning_rate": 0.02}


def split(*texts: str) -> Split:
    return Split(np.array(texts, dtype=object), np.zeros(len(texts), np.float32))


def test_the_most_frequent_words_have_the_lowest_numbers():
    rows = split("B b, b? a", "a c d")
    layer, size = vectoriser(rows, max_tokens=5, length=4)
    assert layer.get_vocabulary()[:4] == ["", "[UNK]", "b", "a"]
    assert size == 5
    shown = vectorised(layer, split("a b A b a b", "ZZZ", "", "b! <br /> a"))
    assert shown.dtype == np.int32
    assert shown.tolist() == [[3, 2, 3, 2], [1, 0, 0, 0], [0, 0, 0, 0], [2, 1, 3, 0]]


def test_the_last_words_can_be_kept():
    layer, size = vectoriser(split("B b, b? a c", "a c"), max_tokens=5, length=3, truncating="pre")
    assert size == 5
    shown = vectorised(layer, split("b b a c a", "ZZZ", "", "b! c a"))
    assert shown.dtype == np.int32
    a, b, c = (layer.layers[1].get_vocabulary().index(word) for word in "abc")
    assert shown.tolist() == [[a, c, a], [1, 0, 0], [0, 0, 0], [b, c, a]]


def test_a_small_text_has_a_small_vocabulary(make_texts):
    data = make_texts()
    model = build("embedding", data, max_tokens=10_000)
    words = {word for row in data.train.x for word in row.lower().split()}
    size = model.layers[0].vocabulary_size()
    assert size <= len(words) + 2
    assert model.layers[1].input_dim == size


def test_only_training_words_are_known(make_texts):
    data = make_texts()
    data.validation.x[0] = "unheardof"
    assert "unheardof" not in build("embedding", data).layers[0].get_vocabulary()


def test_the_layers_are_those_of_the_parameters(make_texts):
    model = build(
        *("embedding", make_texts()),
        **{"embedding_width": 5, "embedding_dropout": 0.3, "pooling": "average", "dropout": 0.5},
        **{"n_layers": 1, "units": 7, "max_tokens": 6, "sequence_length": 9},
    )
    assert kinds(model) == [
        *("TextVectorization", "Embedding", "Dropout", "GlobalAveragePooling1D"),
        *("Dense", "Activation", "Dropout", "Dense"),
    ]
    assert model.input_shape == (None,)
    assert model.layers[1].output.shape == (None, 9, 5)
    assert model.layers[0].vocabulary_size() == 6


@pytest.mark.slow
@pytest.mark.parametrize("truncating", ["pre", "post"])
def test_a_loaded_model_takes_a_raw_sentence(make_texts, tmp_path: Path, truncating: str):
    data = make_texts()

    def make():
        return build("embedding", data, truncating=truncating, **SMALL)

    model, _ = refit(make, data.train, epochs=20, batch_size=8, seed=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", compile=False)
    sentences = np.array(["A lovely film!", "the AWFUL, film"], dtype=object)
    good, bad = loaded.predict(sentences, verbose=0)[:, 0]
    assert good > 0.5 > bad


@pytest.mark.slow
@pytest.mark.parametrize("truncating", ["pre", "post"])
def test_training_on_numbers_is_training_on_the_raw_texts(make_texts, truncating: str):
    data = make_texts()
    cut = {**SMALL, "sequence_length": 3, "truncating": truncating}

    def make():
        return build("embedding", data, embedding_dropout=0.2, l2=0.001, **cut)

    _, result = train(make, data, epochs=3, batch_size=8, seed=4, watched=("accuracy", "maximize"))
    keras.utils.clear_session()
    keras.utils.set_random_seed(4)
    model = make()
    keras.utils.set_random_seed(4)
    history = model.fit(
        ShuffledRows(data.train, 8, seed=4),
        epochs=3,
        shuffle=False,
        validation_data=(data.validation.x, data.validation.y),
        validation_batch_size=256,
        verbose=0,
    ).history
    for name, curve in history.items():
        assert result.history[name] == pytest.approx(curve, rel=1e-5), name


def test_texts_are_split_into_words_once(make_texts, monkeypatch):
    calls = []
    adapt = keras.layers.TextVectorization.adapt
    monkeypatch.setattr(
        keras.layers.TextVectorization,
        "adapt",
        lambda self, x: calls.append("adapt") or adapt(self, x),
    )
    data = make_texts()
    for _ in range(2):
        model = build("embedding", data, **SMALL)
        part, (train, validation) = prepared(model, data.train, data.validation)
    assert calls == ["adapt"]
    assert kinds(part)[0] == "Embedding"
    assert part.optimizer is model.optimizer
    assert train.x is prepared(model, data.train)[1][0].x
    assert validation.x.shape == (24, 6)
    other = prepared(build("embedding", data, **{**SMALL, "sequence_length": 3}), data.train)[1][0]
    np.testing.assert_array_equal(other.x, train.x[:, :3])


def test_cached_numbers_are_limited_and_freed_with_the_split():
    rows = split("a b c", "b")
    for length in range(1, 9):
        vectorised(vectoriser(rows, 5, length)[0], rows)
    assert len(text._numbers[rows]) == 4
    gone = weakref.ref(rows)
    del rows
    gc.collect()
    assert gone() is None


def own(vocabulary: list[str] | None, texts: np.ndarray, mode: str = "int") -> keras.Model:
    numbers = mode == "int"
    words = keras.layers.TextVectorization(
        output_mode=mode, output_sequence_length=4 if numbers else None
    )
    if vocabulary is None:
        words.adapt(texts)
    else:
        words.set_vocabulary(vocabulary)
    between = [keras.layers.Embedding(50, 3), keras.layers.GlobalMaxPooling1D()] if numbers else []
    model = keras.Sequential(
        [keras.Input((), dtype="string"), words, *between, keras.layers.Dense(1)]
    )
    model.compile("sgd", "mse")
    return model


def test_users_text_model_is_trained_on_numbers(make_texts):
    data = make_texts()
    part, (rows,) = prepared(own(None, data.train.x), data.train)
    assert rows.x.shape == (24, 4)
    # The words are not in the configuration of a layer that was adapted: still its own numbers.
    other = prepared(own(["film", "a"], data.train.x), data.train)[1][0]
    assert not np.array_equal(rows.x, other.x)
    part.fit(rows.x, rows.y, verbose=0)


@pytest.mark.slow
@pytest.mark.parametrize("loop", ["resident", "fit"])
def test_model_whose_words_cannot_be_split_off_is_trained_whole(make_texts, loop):
    data = make_texts()
    bags = own(None, data.train.x, mode="multi_hot")
    assert prepared(bags, data.train)[0] is bags
    losses = own(None, data.train.x)
    losses.compile("sgd", lambda y, p: keras.ops.mean((y - p) ** 2, axis=-1))
    part, (rows,) = prepared(losses, data.train)
    assert part is losses
    assert rows.x is data.train.x
    _, result = train(
        *(lambda: losses, data),
        **{"epochs": 2, "batch_size": 8, "seed": 0, "loop": loop},
        watched=("loss", "minimize"),
    )
    assert result.epochs == 2
