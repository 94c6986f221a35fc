"""What all learners of Keras have in common: sessions, seeds, loops, checkpoints, saving."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuner.data.raised import described
from tuner.errors import ModelError, TunerError
from tuner.learners.base import Fitted, Learner
from tuner.learners.keras.training import refit, train
from tuner.learners.setup import Script
from tuner.quiet import load_tensorflow

if TYPE_CHECKING:
    import keras

    from tuner.data import Development, Split
    from tuner.learners.keras.training.structures import Structures
    from tuner.learners.watch import Watch
    from tuner.space import Value


@cache
def _load() -> None:
    """Loads TensorFlow once: silence while it loads costs every trial a little."""
    load_tensorflow()


class KerasLearner(Learner):
    """Fits ``keras.Model``; a step is an epoch."""

    library = "keras"
    steps_setting = "epochs"
    runtime = "TensorFlow"
    preload = ("tuner.learners.keras.preloaded",)
    file = "model.keras"
    own_code = False
    """Whether ``build`` is a user's code, which may draw from any random generator."""

    @abstractmethod
    def build(self, params: Mapping[str, Value], data: Development) -> keras.Model:
        """Returns a compiled model that takes raw rows, not trained.

        Args:
            params: The trial's parameters; those not given have their defaults.
            data: Gives the shapes, the task and (its training rows only) the scaling.

        Raises:
            ModelError: The user's function does not deliver.
            SpecError: A parameter that the family does not have, an impossible value, or data
                that the family does not read.
        """

    @classmethod
    def prepare_worker(cls) -> None:
        """Loads TensorFlow, which uses one thread from now on: a worker runs on every core."""
        _load()
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        # Rewriting a small network's graph takes longer than it saves (measured: a third of the
        # time until the first epoch, epochs as fast without).
        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})

    @contextmanager
    def restored(self) -> Iterator[None]:
        _load()
        from tuner.learners.keras.training.surroundings import restored_settings

        with super().restored(), restored_settings():
            yield

    def fit(
        self, params: Mapping[str, Value], data: Development, seed: int, watch: Watch
    ) -> Fitted:
        _load()
        from tuner.learners.keras.fitted_network import Network

        batch_size = int(params.get("batch_size", self.setup.batch_size))
        if watch.is_blind:
            model = refit(
                lambda: self._built(params, data),
                data.train,
                batch_size=batch_size,
                seed=seed,
                watch=watch,
            )
        else:
            model = train(
                lambda: self.build(params, data),
                data,
                batch_size=batch_size,
                seed=seed,
                watch=watch,
                loop=self.setup.training.loop,
                structures=self._structures,
                own_code=self.own_code,
            )
        return Network(model, data.task, self.setup.base)

    def load(self, folder: Path, info: Mapping[str, Any]) -> Fitted:
        from tuner.learners.keras.fitted_network import FILE, Network
        from tuner.learners.keras.networks.saving import load_model

        file = folder / FILE
        model = load_model(file, self.setup.missing_code)
        logits = bool(info.get("logits"))
        return Network(model, info["data"]["task"], self.setup.base, logits, file)

    def average(self, models: Sequence[Fitted]) -> Fitted:
        from tuner.learners.encoded import EncodedModel
        from tuner.learners.keras.fitted_network import Network

        encoded = [one for one in models if isinstance(one, EncodedModel)]
        if encoded:  # by the same encoder: it follows from the rows
            return EncodedModel(encoded[0].encoder, self.average([one.inner for one in encoded]))
        return Network.average([one for one in models if isinstance(one, Network)])

    def load_average(self, folder: Path, info: Mapping[str, Any], n_models: int) -> Fitted:
        return self.load(folder, info)  # one network

    def script(
        self, params: Mapping[str, Value], data: Development, about: Script
    ) -> tuple[str, Callable[[Split], Split]]:
        if data.kind == "text":
            raise ModelError(
                "a network for texts carries its vocabulary, which is no readable script; "
                "export it as .toml or .json"
            )
        _load()
        from tuner.learners.keras.networks.feeding import targets
        from tuner.learners.keras.script.script_text import script_text

        model = self._built(params, data)
        batch_size = int(params.get("batch_size", self.setup.batch_size))
        text = script_text(model, about, batch_size)
        return text, lambda rows: replace(rows, y=targets(model, rows.y))

    @staticmethod
    def card(folder: str) -> str:
        return (
            "With Keras alone:\n\n"
            "```python\n"
            "import keras\n\n"
            f'keras.models.load_model("{folder}/model.keras").predict(rows)\n'
            "```"
        )

    def _built(self, params: Mapping[str, Value], data: Development) -> keras.Model:
        """Returns what ``build`` does, where no trial stands for its failure.

        Raises:
            ModelError: It cannot be built, such as with numbers that no search would draw.
        """
        try:
            return self.build(params, data)
        except (TunerError, MemoryError):
            raise
        except Exception as exc:  # Keras, or a user's network, raises what it likes
            said = described(exc, self.setup.base)
            raise ModelError(f"the network cannot be built: {said}") from exc

    @cached_property
    def _structures(self) -> Structures | None:
        """Graphs of earlier trials, used again where the structure is the same."""
        from tuner.learners.keras.training.structures import Structures

        return Structures(n_beside=self.setup.n_beside) if self.setup.keep else None
