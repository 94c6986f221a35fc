"""What the end of an AutoML run says if there is nothing to write."""

from __future__ import annotations

import re
from pathlib import Path

import optuna
import pytest

from tuner.automl.automl_request import AutoMLRequest
from tuner.automl.clock import Clock
from tuner.automl.finishing import finish
from tuner.automl.planning import plan
from tuner.data import load
from tuner.errors import StudyError
from tuner.studies.unsealing import Ledger


@pytest.mark.parametrize(("time", "more"), [("10s", "20s"), ("1m30s", "3m"), ("1h", "2h")])
def test_study_without_a_model_names_a_time_that_can_be_given(
    time: str, more: str, tmp_path: Path
) -> None:
    lines = [f"{n},{n % 7},{2.5 * n}" for n in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(["a,b,y", *lines]))
    request = AutoMLRequest(data=str(tmp_path / "t.csv"), target="y", out="model", time=time)
    data = load(request.dataset, request.base)
    spec = plan(data.development, request, request.seconds, 1)
    study, clock = optuna.create_study(), Clock(request.seconds)
    with pytest.raises(StudyError, match="no model was fitted within") as error:
        finish(study, spec, data, str(tmp_path), request, clock, Ledger())
    named = re.search(r"--more (\S+)$", str(error.value))
    assert named is not None
    again = AutoMLRequest(data="t.csv", target="y", out="model", time=named[1], more=True)
    assert again.seconds == AutoMLRequest(data="t", target="y", out="model", time=more).seconds
