"""Which learner a study names; importing this module imports no library that fits."""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from tuner.data.importing import import_function
from tuner.data.source import derives_from
from tuner.errors import ModelError, UnknownNameError
from tuner.learners.base import Learner
from tuner.learners.encoded import reading_mixed
from tuner.learners.setup import Setup
from tuner.units import count_plain
from tuner.wording import hint

if TYPE_CHECKING:
    from tuner.space import Value

_FAMILIES = "tuner.learners.keras.networks.families"
_SKLEARN = "tuner.learners.sklearn"
LEARNERS: Mapping[str, str] = MappingProxyType(
    {
        "automl": "tuner.learners.combined:Combined",
        "mlp": f"{_FAMILIES}:Mlp",
        "linear": f"{_FAMILIES}:Linear",
        "cnn": f"{_FAMILIES}:Cnn",
        "embedding": f"{_FAMILIES}:Embedding",
        "realmlp": "tuner.learners.keras.tabular.realmlp:RealMlp",
        "tabm": "tuner.learners.keras.tabular.tabm:TabM",
        "hist_gradient_boosting": f"{_SKLEARN}.hist_gradient_boosting:HistGradientBoosting",
        "random_forest": f"{_SKLEARN}.forests:RandomForest",
        "extra_trees": f"{_SKLEARN}.forests:ExtraTrees",
        "linear_model": f"{_SKLEARN}.linear_model:LinearModel",
        "k_neighbors": f"{_SKLEARN}.k_neighbors:KNeighbors",
        "lightgbm": f"{_SKLEARN}.light_gbm:LightGBM",
    }
)
"""Name in a study file to ``module:Class``; the module imports its library in functions only."""

_NETWORK = "tuner.learners.keras.own_network:OwnNetwork"
"""For ``module:function`` of a user's own, which builds a Keras model."""


def shipped(model: str) -> type[Learner]:
    """Returns the class of a learner that has a name.

    Raises:
        UnknownNameError: There is none of that name.
    """
    if model not in LEARNERS:
        raise UnknownNameError(
            f'model: there is no model "{model}"; {hint(model, LEARNERS, "models")} '
            'Your own is named "module:function"'
        )
    return _class(LEARNERS[model])


def known_class(model: str, base: Path) -> type[Learner] | None:
    """Returns what can be known of a learner without running a user's code.

    Returns:
        The class; None if it is a class of the user's own, as far as its source shows that.
    """
    if ":" not in model:
        return shipped(model)
    return None if derives_from(model, base, Learner.__name__) else _class(_NETWORK)


def runtime_of(model: str, base: Path) -> tuple[tuple[str, ...], str]:
    """Returns what a fork server imports for a study's workers, and what people call it.

    Returns:
        Modules and a name such as "TensorFlow"; nothing if that is not known before.
    """
    try:
        learner = known_class(model, base)
    except UnknownNameError:  # its worker reports that
        learner = None
    return ((), "") if learner is None else (learner.preload, learner.runtime)


def load_runtime(model: str, base: Path, library: str | None = None) -> None:
    """Imports the runtime of a learner before a user's module does.

    Imported by a user's module, TensorFlow would print what it finds out about the machine.

    Args:
        model: As in :func:`open_learner`.
        base: Folder of the user's modules.
        library: ``Learner.library`` of the learner that saved the model, if it is a saved one.

    Raises:
        UnknownNameError: There is no model of that name.
        ModelError: The extra of the model is not installed.
    """
    if library is None:
        learner = known_class(model, base)
    else:
        learner = _class(_NETWORK) if library == "keras" else None
    require_extra(model)
    for module in learner.preload if learner else ():
        import_module(module)


def require_extra(model: str) -> None:
    """Makes sure that the library of a shipped learner is there.

    Raises:
        ModelError: It is not, and the text says how to install it.
    """
    extra = shipped(model).extra if model in LEARNERS else ""
    if extra and importlib.util.find_spec(extra) is None:
        raise ModelError(
            f'model: "{model}" needs the package {extra}; install it with: '
            f"pip install 'tuner[{extra}]'"
        )


def step_word(model: str) -> str:
    """Returns what people call a step of a model, such as "epoch"."""
    return shipped(model).step_word if model in LEARNERS else Learner.step_word


def amount(model: str, params: Mapping[str, Value], steps: int) -> str:
    """Returns how much of a model was fitted, such as "18 epochs", see `Learner.amount`."""
    if model in LEARNERS:
        return shipped(model).amount(params, steps)
    return count_plain(steps, Learner.step_word)  # its class is code of the user's own


def doing(what: str, model: str, base: Path) -> str:
    """Returns a line that says what is done now, and which runtime people must wait for."""
    _, runtime = runtime_of(model, base)
    return f"{what}; {runtime} takes some seconds to load" if runtime else what


def open_learner(model: str, setup: Setup) -> Learner:
    """Returns the learner of a study; a user's own module is imported.

    Args:
        model: A name of :data:`LEARNERS`, or ``module:name``: a function that builds a Keras
            model, or a class that derives from :class:`Learner`.
        setup: Where and how it works.

    Raises:
        UnknownNameError: There is none of that name.
        ModelError: The user's module cannot be imported, or the class lacks a method.
    """
    if ":" not in model:
        return shipped(model)(model, setup)
    found: object = import_function(model, setup.base, ModelError)
    return own_class(model, found)(model, setup)


def open_saved(model: str, library: str, setup: Setup, module: object = None) -> Learner | None:
    """Returns the learner that reads a saved model.

    Args:
        model: As in :func:`open_learner`.
        library: ``Learner.library`` of the learner that saved it.
        setup: Where and how it works.
        module: The user's module that ``model`` names, if it has been imported.

    Returns:
        None if it is a learner of the user's own, which the module does not have.

    Raises:
        UnknownNameError: There is none of that name.
        ModelError: The user's class is not a whole learner.
    """
    if library == "keras":
        return _class(_NETWORK)(model, setup)  # whatever built the network
    if ":" not in model:
        return shipped(model)(model, setup)
    found = getattr(module, model.partition(":")[2], None)
    if not (isinstance(found, type) and issubclass(found, Learner)):
        return None
    return own_class(model, found)(model, setup)


def saved_file(model: str, library: str) -> str | None:
    """Returns the name of a file that such a saved model has; None if that is not known."""
    if library == "keras":
        return _class(_NETWORK).file
    return shipped(model).file if model in LEARNERS else None


def own_class(model: str, found: object) -> type[Learner]:
    """Returns the class for what a user's ``module:name`` is.

    Raises:
        ModelError: It is a learner that lacks a method, or the setting of its steps.
    """
    if not (isinstance(found, type) and issubclass(found, Learner)):
        return _class(_NETWORK)
    if inspect.isabstract(found):
        missing = ", ".join(sorted(found.__abstractmethods__))
        raise ModelError(f'"{model}" is a learner without {missing}; write these methods, too')
    if found.steps_setting is not None and found.steps_setting not in found.settings:
        raise ModelError(
            f'"{model}": steps_setting is "{found.steps_setting}", which is not among its settings'
        )
    return reading_mixed(found)


def current_defaults(model: str) -> dict[str, Value]:
    """Returns the defaults that a new study records: those that have changed since."""
    if model not in LEARNERS:
        return {}
    learner = shipped(model)
    defaults = learner.parameters()
    return {name: defaults[name] for name in learner.first_defaults}


def first_defaults(model: str) -> dict[str, Value]:
    """Returns the defaults of studies and files that have recorded none."""
    return dict(shipped(model).first_defaults) if model in LEARNERS else {}


def shared_params(
    model: str, recorded: Mapping[str, Value], fixed: Mapping[str, Value]
) -> dict[str, Value]:
    """Returns the parameters that all trials of a stored study have in common.

    Args:
        model: As in :func:`open_learner`.
        recorded: What `current_defaults` returned when the study was created; empty for a study
            that was created before there was such a record.
        fixed: The study file's ``[fixed]``.
    """
    return {**first_defaults(model), **recorded, **fixed}


def _class(location: str) -> type[Learner]:
    module, _, name = location.partition(":")
    return reading_mixed(getattr(import_module(module), name))
