"""What a study holds, as plain values: one row a trial, one result a study.

They are read from an ``optuna.Study`` once and never touch the database again. ``to_dict`` gives
exactly what ``--json`` promises. A study that tuner did not create is read as far as it goes: it
has no references and cannot be exported.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuner.errors import StudyError, UnknownNameError
from tuner.results.configuration import Configuration
from tuner.results.stored_study import attrs_of, common_params_of, left_to_try, span_s
from tuner.results.trials import STATES, BestTrial, ReferenceRow, TrialRow, best_of
from tuner.space import Left
from tuner.spec import StudySpec
from tuner.spec.access import Access
from tuner.storage.attributes import Names, StoredData, study_attr

if TYPE_CHECKING:
    import optuna

__all__ = ["BestTrial", "ReferenceRow", "StudyResult", "TrialRow"]


@dataclass(frozen=True)
class StudyResult:
    """All that is shown of a study.

    Attributes:
        study: Its name in the database.
        storage: The database's URL, password masked.
        metric: The objective's metric.
        direction: ``"minimize"`` or ``"maximize"``.
        trials: All trials, in order of their numbers.
        best: The best complete trial, the earliest among equals; None before the first.
        references: The study file's references, in its order.
        wall_s: Seconds that the run took; without a run, from the first start to the last end.
        title: The study file's title; empty if it has none.
        spec: What the study file said; None if tuner did not create the study.
        data: The stored description of the data set (``SealedData.describe()``).
        versions: Package names and versions that the study was created with.
        left: What is left to try; None if the study's sampler never runs out of combinations.
        access: See :attr:`tuner.results.configuration.Configuration.access`.
        common: Parameters that all trials have beside those of the space.
    """

    study: str
    storage: str
    metric: str
    direction: str
    trials: tuple[TrialRow, ...]
    best: BestTrial | None
    references: tuple[ReferenceRow, ...]
    wall_s: float | None
    title: str = ""
    spec: StudySpec | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    left: Left | None = None
    access: Access | None = None
    common: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        study: optuna.Study,
        storage_url_masked: str,
        wall_s: float | None = None,
        *,
        base: Path | None = None,
        access: Access | None = None,
    ) -> StudyResult:
        """Reads a study.

        Args:
            study: The study.
            storage_url_masked: Its database's URL without the password.
            wall_s: Seconds of the run that just ended.
            base: Folder of the study file, from which relative paths in it are read; the working
                folder if None.
            access: What the study may use of this machine; None if the user's own study file
                names the same data and network.

        Raises:
            StudyError: The study has several objectives.
            SpecError: An attribute is not what tuner stores there.
        """
        name, directions = study.study_name, study.directions
        if len(directions) != 1:
            raise StudyError(
                f"the study {name} has {len(directions)} objectives; tuner reads studies with one: "
                "see it in the browser with `tuner dashboard`"
            )
        attrs = study.user_attrs
        stored = attrs.get("tuner:spec")
        spec = None
        if stored is not None:
            spec = StudySpec.from_dict(stored, base or Path.cwd(), study=name)
        frozen = sorted(study.get_trials(deepcopy=False), key=lambda trial: trial.number)
        for trial in frozen:
            if len(trial.values or ()) > 1:
                raise StudyError(f"trial {trial.number} of {name} has more than one value")
        in_ours = spec is not None
        rows = tuple(
            TrialRow.of(trial, attrs_of(trial, name, spec), in_ours=in_ours) for trial in frozen
        )
        data = study_attr(StoredData, attrs, "tuner:data", name)
        versions = study_attr(Names, attrs, "tuner:versions", name)
        # What the file says of its metric: another program may have stored the study before.
        direction = spec.objective.direction if spec else directions[0].name.lower()
        result = cls(
            study=name,
            storage=storage_url_masked,
            metric=spec.objective.metric if spec else (study.metric_names or ["value"])[0],
            direction=direction,
            trials=rows,
            best=None,
            references=tuple(
                ReferenceRow.of(reference.name, reference.reported, rows)
                for reference in (spec.references if spec else ())
            ),
            wall_s=span_s(frozen) if wall_s is None else wall_s,
            title=spec.title if spec and spec.title != spec.name else "",
            spec=spec,
            data=attrs["tuner:data"] if data else {},
            versions=versions.root if versions else {},
            left=None if spec is None else left_to_try(spec, study),
            access=access,
            common=common_params_of(spec, attrs) if spec else {},
        )
        return replace(result, best=result._best())

    @property
    def counts(self) -> dict[str, int]:
        """Number of trials in each state: complete, pruned, fail, running, waiting."""
        return {state: sum(row.state == state for row in self.trials) for state in STATES}

    @property
    def baseline(self) -> dict[str, Any] | None:
        """The trivial predictor: ``predicts`` in words and its ``value``; None if not known."""
        return self.data.get("baseline")

    @property
    def beats_baseline(self) -> bool | None:
        """Whether the best trial is better than the trivial predictor; None if not known."""
        if self.baseline is None or self.best is None:
            return None
        gain = self.best.value - float(self.baseline["value"])
        return gain > 0 if self.direction == "maximize" else gain < 0

    def configuration(self, number: int | None = None) -> Configuration:
        """Returns what to train: the best trial's configuration, or that of trial ``number``.

        Raises:
            StudyError: There is nothing to train yet, or tuner did not create the study.
            UnknownNameError: There is no trial of that number.
        """
        row = self._row(number)
        if self.spec is None:
            raise StudyError(
                f"the study {self.study} was not created by tuner: it does not say which data set "
                "and model its parameters belong to; run a study file with `tuner run`"
            )
        if row.state == "complete" and row.epoch is None:
            row = self._as_if_run(row, self.spec)
        if row.state != "complete" or row.epoch is None or row.seed is None:
            raise StudyError(
                f"trial {row.number} of {self.study} is {row.state}, so its best epoch is not "
                f"known; choose a complete one from `tuner trials {shlex.quote(self.study)}`"
            )
        return Configuration(
            study=self.study,
            trial=row.number,
            metric=self.metric,
            direction=self.direction,
            value=row.value,
            dataset=self.spec.dataset,
            model=self.spec.model,
            params={**self.common, **row.params},
            epochs=row.epoch,
            batch_size=_batch_size({**self.common, **row.params}),
            seed=row.seed,
            data_fingerprint=self.data.get("fingerprint"),
            versions=self.versions,
            base=self.spec.base,
            access=self.access,
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns the document of ``tuner run``, ``best`` and ``show`` with ``--json``.

        ``is_used_up`` is there if the sampler tries every combination once.
        """
        return {
            "study": self.study,
            "storage": self.storage,
            "metric": self.metric,
            "direction": self.direction,
            "trials": self.counts,
            "best": None if self.best is None else self.best.to_dict(),
            "references": [reference.to_dict() for reference in self.references],
            "baseline": self.baseline,
            "wall_s": None if self.wall_s is None else round(self.wall_s, 3),
        } | ({} if self.left is None else {"is_used_up": self.left.is_used_up})

    def _best(self) -> BestTrial | None:
        row = best_of(self.trials, self.direction)
        if row is None or row.value is None:
            return None
        try:
            configuration = self.configuration(row.number)
        except StudyError:
            configuration = None
        return BestTrial(row.number, row.value, row.epoch, row.params, row.origin, configuration)

    def _as_if_run(self, row: TrialRow, spec: StudySpec) -> TrialRow:
        """Returns what a run of tuner would have stored of a trial that was added by hand.

        Its value is left out: it was not measured here. It is trained for all its epochs, because
        its best one is not known.

        Raises:
            StudyError: Its parameters are not in the search space.
        """
        from tuner.learners.registry import known_class
        from tuner.search import derive_seed  # here, because it imports Optuna

        params = spec.search_space.as_stored(row.params)
        if (fault := spec.search_space.fault(params)) is not None:
            raise StudyError(
                f"trial {row.number} of {self.study} was added by hand and is not in the search "
                f"space, so it cannot be trained: {fault} Choose another one from "
                f"`tuner trials {shlex.quote(self.study)}` with --trial N"
            )
        learner = known_class(spec.model, spec.base)
        if learner is None:
            raise StudyError(
                f"trial {row.number} of {self.study} was added by hand, and only the code of "
                f"{spec.model} knows how many steps it takes, so it cannot be trained: enqueue it "
                "with optuna's Study.enqueue_trial and `tuner run`"
            )
        return replace(
            row,
            params=spec.search_space.read(params),
            value=None,
            epoch=learner.steps(params),
            seed=derive_seed(spec.sampler.seed, row.number) if row.seed is None else row.seed,
        )

    def _row(self, number: int | None) -> TrialRow:
        if number is None:
            if self.best is None:
                name = shlex.quote(self.study)
                more = f"`tuner run {name}` goes on, " if self.spec is not None else ""
                raise StudyError(
                    f"no trial of {self.study} is complete yet; {more}"
                    f"`tuner trials {name}` shows what there is"
                )
            number = self.best.number
        found = next((row for row in self.trials if row.number == number), None)
        if found is None:
            last = f"0 to {self.trials[-1].number}" if self.trials else "none yet"
            raise UnknownNameError(f"{self.study} has no trial {number}; its trials: {last}")
        return found


def _batch_size(params: Mapping[str, Any]) -> int:
    from tuner.learners.base import BATCH_SIZE

    return int(params.get("batch_size", BATCH_SIZE))
