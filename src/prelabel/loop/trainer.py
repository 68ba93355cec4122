"""Step 3: examples → fitted model → measured → stored version, active if the gate lets it."""

from __future__ import annotations

import logging
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from prelabel.errors import LabelConfigError, NotEnoughLabelsError
from prelabel.label_config import LabelSchema, parse_label_config
from prelabel.loop.evaluation import Evaluation, evaluate
from prelabel.loop.examples import read_examples
from prelabel.loop.gate import LEFT_OUT, Gate, write_left_out
from prelabel.loop.receipt import Receipt, write_receipt
from prelabel.models import artifact
from prelabel.models.base import TextModel
from prelabel.storage.labels import LabelStore, Snapshot
from prelabel.storage.versions import VersionStore
from prelabel.types import Example, JobState, ModelVersion, ProjectKey

log = logging.getLogger(__name__)


KEPT_ARTIFACTS = 10
"""How many versions of a project can still be served; of older ones only the record is kept."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Trained:
    """What came of a training.

    Attributes
    ----------
    trained_changes
        Label changes of the project that this attempt has answered.
    version
        The version that was made, or is what would be made; None if there is none. It is active
        unless the gate withholds it, as the message says then.
    """

    state: JobState
    message: str
    trained_changes: int
    version: ModelVersion | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Lesson:
    """What one training is for and learns from."""

    project: ProjectKey
    owner: str
    schema: LabelSchema
    examples: Sequence[Example]
    pool: Sequence[str]
    receipt: Receipt


class Trainer:
    """Trains projects, one at a time.

    Parameters
    ----------
    new_model
        Makes an unfitted model: every training starts from a fresh one.
    recipe
        The model's class, revision and parameters, and the artifact's format: what decides,
        besides labels and texts, what is learned.
    gate
        Decides which versions may be activated.
    train_every
        Label changes that make a training due by itself.
    """

    def __init__(
        self,
        *,
        labels: LabelStore,
        versions: VersionStore,
        artifacts: Path,
        new_model: Callable[[], TextModel],
        recipe: Mapping[str, object],
        gate: Gate,
        train_every: int,
    ) -> None:
        self._labels = labels
        self._versions = versions
        self._artifacts = artifacts
        self._new_model = new_model
        self._recipe = recipe
        self._gate = gate
        self._train_every = train_every

    def train(self, project: ProjectKey, *, owner: str, must_train: bool) -> Trained | None:
        """Train a project if that is due; None if it is not.

        Parameters
        ----------
        owner
            Who holds the project's lease.
        must_train
            Train however few labels have changed: someone asked.
        """
        snapshot = self._labels.snapshot(project)
        if not must_train and not self._is_due(snapshot):
            return None
        try:
            schema = parse_label_config(snapshot.label_config or "")
            examples = read_examples(schema, snapshot.annotated)
            return self._train(project, owner, snapshot, schema, examples)
        except LabelConfigError as error:
            return Trained(
                state=JobState.NOT_YET, message=str(error), trained_changes=snapshot.label_changes
            )
        except NotEnoughLabelsError as error:
            # One change short of due: the next label tries again, not the next ten.
            waiting = max(0, snapshot.label_changes - self._train_every + 1)
            return Trained(state=JobState.NOT_YET, message=str(error), trained_changes=waiting)

    def _is_due(self, snapshot: Snapshot) -> bool:
        return snapshot.untrained_changes >= self._train_every

    def _train(
        self,
        project: ProjectKey,
        owner: str,
        snapshot: Snapshot,
        schema: LabelSchema,
        examples: Sequence[Example],
    ) -> Trained:
        counts = Counter(example.label for example in examples)
        if len(counts) < 2:
            raise NotEnoughLabelsError(counts)
        pool = [text for data in snapshot.data if (text := schema.read_text(data))]
        lesson = _Lesson(
            project=project,
            owner=owner,
            schema=schema,
            examples=examples,
            pool=pool,
            receipt=write_receipt(self._recipe, schema.digest(), examples, pool),
        )
        known = self._versions.find(project, lesson.receipt.fingerprint)
        if known and self._gate.can_be_served(known):
            version, message = self._reconsider(lesson, known)
            return self._done(snapshot, message, version)
        model = self._fit(lesson)
        version = self._store(lesson, model)
        message = f"{version.name} is active: {len(model.classes_)} labels learned"
        if version.withheld is not None:
            message = f"{version.name} is kept but not activated: {version.withheld}"
        return self._done(snapshot, message, version)

    def _reconsider(self, lesson: _Lesson, known: ModelVersion) -> tuple[ModelVersion, str]:
        """Activate a version that equals what a training would make, if it may be."""
        active = self._versions.active(lesson.project)
        if active and active.number == known.number:
            return known, f"{known.name} is up to date: nothing has changed since it was trained"
        objection = self._judge(lesson, known.artifact, active)
        if objection is not None:
            return known, f"{known.name} is kept but not activated: {objection}"
        known = self._versions.activate(known, owner=lesson.owner)
        return known, f"{known.name} is active: it was trained on the same before"

    def _judge(self, lesson: _Lesson, new: str, active: ModelVersion | None) -> str | None:
        frame, examples = lesson.schema.frame, lesson.examples
        return self._gate.judge(new, active, frame=frame, examples=examples)

    def _fit(self, lesson: _Lesson) -> TextModel:
        return self._new_model().fit(
            [example.text for example in lesson.examples],
            [example.label for example in lesson.examples],
            unlabeled=lesson.pool,
            label_names={label.value: label.names for label in lesson.schema.labels},
            sample_weight=[example.weight for example in lesson.examples],
        )

    def _store(self, lesson: _Lesson, model: TextModel) -> ModelVersion:
        project, examples = lesson.project, lesson.examples
        evaluation = _evaluate(model, examples)
        metrics = evaluation.to_mapping() if evaluation else None
        name = f"{project}/{uuid.uuid4().hex}"
        artifact.save(
            model,
            self._artifacts / name,
            receipt=lesson.receipt.to_mapping(metrics),
            beside={LEFT_OUT: write_left_out(model, examples)},
        )
        version = self._versions.add(
            project,
            artifact=name,
            examples=len(examples),
            labels=model.classes_,
            frame=lesson.schema.frame,
            fingerprint=lesson.receipt.fingerprint,
            owner=lesson.owner,
            metrics=metrics,
            withheld=self._judge(lesson, name, self._versions.active(project)),
        )
        log.info("%s of project %s: %s", version.name, project, evaluation or "nothing measured")
        for old in self._versions.superseded(project, KEPT_ARTIFACTS):
            artifact.delete(self._artifacts / old)
        return version

    def _done(self, snapshot: Snapshot, message: str, version: ModelVersion) -> Trained:
        return Trained(
            state=JobState.DONE,
            message=message,
            trained_changes=snapshot.label_changes,
            version=version,
        )


def _evaluate(model: TextModel, examples: Sequence[Example]) -> Evaluation | None:
    if model.out_of_fold_ is None:
        return None
    labels = [example.label for example in examples]
    return evaluate(labels, model.classes_, model.out_of_fold_)
