from __future__ import annotations

from pathlib import Path

import optuna
import pytest
from made_studies import MakeResult, MakeStudy
from optuna.trial import FrozenTrial

from tuner.results import StudyResult
from tuner.results.stored_study import read_result
from tuner.spec import StudySpec


@pytest.fixture
def make_study() -> MakeStudy:
    """``make_study(spec, *trials)``: a study in memory, as a run would have left it."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)

    def make(spec: StudySpec | None, *trials: FrozenTrial, name: str = "wine") -> optuna.Study:
        direction = spec.objective.direction if spec else "minimize"
        study = optuna.create_study(study_name=name, direction=direction)
        if spec is not None:
            study.set_user_attr("tuner:spec", spec.to_dict())
            study.set_user_attr("tuner:data", {"name": "wine", "fingerprint": "f" * 64})
            study.set_user_attr("tuner:versions", {"keras": "3.15.1"})
        for made in trials:
            study.add_trial(made)
        return study

    return make


@pytest.fixture
def make_result(make_study: MakeStudy) -> MakeResult:
    """``make_result(spec, *trials)``: what is read of such a study."""

    def make(
        spec: StudySpec | None, *trials: FrozenTrial, wall_s: float | None = None
    ) -> StudyResult:
        study = make_study(spec, *trials)
        return read_result(study, "sqlite:///tuner.db", wall_s, base=Path("studies").absolute())

    return make
