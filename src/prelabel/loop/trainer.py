"""Step 3: examples → fitted model → stored, active version."""

from __future__ import annotations

import hashlib
import json
import logging
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from prelabel.errors import ArtifactError, LabelConfigError, NotEnoughLabelsError
from prelabel.label_config import LabelSchema, parse_label_config
from prelabel.loop.examples import read_examples
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
        The version that is active now because of it; None if none was made.
    """

    state: JobState
    message: str
    trained_changes: int
    version: ModelVersion | None = None


class Trainer:
    """Trains projects, one at a time.

    Parameters
    ----------
    new_model
        Makes an unfitted model: every training starts from a fresh one.
    receipt
        Settings that decide what is learned; equal examples and receipts give equal versions.
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
        receipt: Mapping[str, object],
        train_every: int,
    ) -> None:
        self._labels = labels
        self._versions = versions
        self._artifacts = artifacts
        self._new_model = new_model
        self._receipt = receipt
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
        fingerprint = self._fingerprint(schema, examples, pool)
        active = self._versions.active(project)
        if active and active.fingerprint == fingerprint and self._can_be_served(active):
            message = f"{active.name} is up to date: nothing has changed since it was trained"
            return self._done(snapshot, message, active)
        model = self._fit(examples, pool, schema)
        version = self._store(
            project, model, owner=owner, n_examples=len(examples), frame=schema.frame,
            fingerprint=fingerprint,
        )  # fmt: skip
        message = f"{version.name} is active: {len(model.classes_)} labels learned"
        return self._done(snapshot, message, version)

    def _fit(
        self, examples: Sequence[Example], pool: Sequence[str], schema: LabelSchema
    ) -> TextModel:
        return self._new_model().fit(
            [example.text for example in examples],
            [example.label for example in examples],
            unlabeled=pool,
            label_names={label.value: label.names for label in schema.labels},
            sample_weight=[example.weight for example in examples],
        )

    def _store(
        self, project: ProjectKey, model: TextModel, *, owner: str, n_examples: int,
        frame: str, fingerprint: str,
    ) -> ModelVersion:  # fmt: skip
        name = f"{project}/{uuid.uuid4().hex}"
        artifact.save(model, self._artifacts / name, receipt=dict(self._receipt))
        version = self._versions.add(
            project,
            artifact=name,
            examples=n_examples,
            labels=model.classes_,
            frame=frame,
            fingerprint=fingerprint,
            owner=owner,
        )
        for old in self._versions.superseded(project, KEPT_ARTIFACTS):
            artifact.delete(self._artifacts / old)
        return version

    def _can_be_served(self, version: ModelVersion) -> bool:
        try:
            artifact.load(self._artifacts / version.artifact, type(self._new_model()))
        except ArtifactError as error:
            log.warning("Version %s is trained again: %s", version.name, error)
            return False
        return True

    def _done(self, snapshot: Snapshot, message: str, version: ModelVersion) -> Trained:
        return Trained(
            state=JobState.DONE,
            message=message,
            trained_changes=snapshot.label_changes,
            version=version,
        )

    def _fingerprint(
        self, schema: LabelSchema, examples: Sequence[Example], pool: Sequence[str]
    ) -> str:
        parts = [
            dict(self._receipt),
            schema.digest(),
            pool,
            [[item.task_id, item.text, item.label, item.weight] for item in examples],
        ]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
