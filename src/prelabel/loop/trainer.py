"""Step 3: examples → fitted model → measured → stored version, active if the gate lets it."""

from __future__ import annotations

import logging
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from prelabel.errors import LabelConfigError, NotEnoughLabelsError
from prelabel.label_config import LabelSchema, parse_label_config, read_label_config
from prelabel.loop.ahead import fetch_again, fetch_ahead
from prelabel.loop.course import Course, read_course
from prelabel.loop.gate import LEFT_OUT, Gate, describe_left_out
from prelabel.loop.hints import write_hints
from prelabel.loop.names import (
    count_texts_read,
    find_texts_due,
    let_names_speak,
    require_news,
    write_names_hint,
)
from prelabel.loop.receipt import Receipt
from prelabel.loop.rollback import say_withdrawn
from prelabel.loop.texts import Texts
from prelabel.loop.trained import Trained
from prelabel.models import artifact
from prelabel.models.base import Model
from prelabel.models.method import Method
from prelabel.storage.labels import LabelStore, Snapshot
from prelabel.storage.versions import VersionStore
from prelabel.types import JobState, ModelVersion, ProjectKey

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Work:
    """What one training is for and learns from."""

    project: ProjectKey
    owner: str
    course: Course
    receipt: Receipt


class Trainer:
    """Trains projects, one at a time.

    Parameters
    ----------
    method
        How the examples are learned.
    gate
        Decides which versions may be activated.
    train_every
        Label changes that make a training due by itself, where the project does not say it.
    """

    def __init__(
        self,
        *,
        labels: LabelStore,
        versions: VersionStore,
        artifacts: Path,
        method: Method,
        gate: Gate,
        train_every: int,
        texts: Texts,
    ) -> None:
        self._labels = labels
        self._versions = versions
        self._artifacts = artifacts
        self._method = method
        self._gate = gate
        self._train_every = train_every
        self._texts = texts

    def train(self, project: ProjectKey, *, owner: str, must_train: bool) -> Trained | None:
        """Train a project if that is due; None if it is not. Texts are fetched for what comes next.

        Parameters
        ----------
        owner
            Who holds the project's lease.
        must_train
            Train however few labels have changed: someone asked.
        """
        snapshot = self._labels.snapshot(project)
        schema = read_label_config(snapshot.label_config)
        if schema:
            must_train |= fetch_again(self._texts, project, schema, snapshot)
        trained = None
        if must_train or self._is_due(snapshot):
            trained = self._train(project, owner, snapshot, must_train=must_train)
        if schema:
            return fetch_ahead(self._texts, project, schema, snapshot, trained)
        if snapshot.fetch_due_at:
            self._texts.try_again(project, None)
        return trained

    def _train(
        self, project: ProjectKey, owner: str, snapshot: Snapshot, *, must_train: bool
    ) -> Trained:
        try:
            schema = parse_label_config(snapshot.label_config or "")
        except LabelConfigError as error:
            return self._done(snapshot, str(error), None)
        course = self._read_course(project, schema, snapshot)
        n_new = None if must_train or snapshot.texts_are_due else self._count_due(snapshot)
        try:
            course.require_lessons()
            require_news(course, self._versions.active(project), n_new=n_new)
            receipt = course.write_receipt()
            work = _Work(project=project, owner=owner, course=course, receipt=receipt)
            trained = self._make_version(work, snapshot)
        except NotEnoughLabelsError as error:
            hints = write_hints(schema, snapshot.annotated, self._method)
            message = " ".join([str(error), "Training starts by itself.", *hints])
            trained = self._done(snapshot, message, None)
        return self._look_ahead(trained, course, snapshot)

    def _look_ahead(self, trained: Trained, course: Course, snapshot: Snapshot) -> Trained:
        """Return what came of a training with what makes the next one due."""
        if trained.state is JobState.NOT_YET or not course.is_of_labels:
            # One change short of due: the next label tries again, not the next ten.
            waiting = max(0, snapshot.label_changes - self._count_due(snapshot) + 1)
            trained = replace(trained, trained_changes=waiting)
        is_learned = trained.state is JobState.DONE
        kept = None if is_learned or snapshot.texts_are_due else snapshot.texts_due
        return replace(
            trained,
            message=trained.message + write_names_hint(course, is_learned=is_learned),
            texts_due=find_texts_due(course, snapshot.n_texts, kept=kept),
            texts_read=count_texts_read(course, len(snapshot.data)),
        )

    def _read_course(self, project: ProjectKey, schema: LabelSchema, snapshot: Snapshot) -> Course:
        """Return what there is to learn, with the texts of labeled tasks fetched."""
        annotated = snapshot.annotated
        if schema.has_urls:
            data = [task.data for task, _ in annotated]
            self._texts.fetch(project, schema, data)
            filled = self._texts.fill(project, schema, data)
            annotated = tuple(
                (replace(task, data=text), annotation)
                for (task, annotation), text in zip(annotated, filled, strict=True)
            )
        pool = self._texts.fill(project, schema, snapshot.data)
        return let_names_speak(read_course(schema, annotated, pool, self._method_of(snapshot)))

    def _is_due(self, snapshot: Snapshot) -> bool:
        by_texts = snapshot.texts_are_due and self._method.learns_names
        return by_texts or snapshot.untrained_changes >= self._count_due(snapshot)

    def _count_due(self, snapshot: Snapshot) -> int:
        return snapshot.settings.train_every or self._train_every

    def _method_of(self, snapshot: Snapshot) -> Method:
        own = snapshot.settings.C
        return self._method if own is None else replace(self._method, C=own)

    def _make_version(self, work: _Work, snapshot: Snapshot) -> Trained:
        known = self._versions.find(work.project, work.receipt.fingerprint)
        if known and known.withdrawn_at:
            return self._done(snapshot, say_withdrawn(known), known)
        if known and self._gate.can_be_served(known):
            version, message = self._reconsider(work, known)
            return self._done(snapshot, message, version)
        models = work.course.fit()
        version = self._store(work, models)
        message = f"{version.name} is active: {work.course.describe(models)}"
        if version.withheld is not None:
            message = f"{version.name} is kept but not activated: {version.withheld}"
        return self._done(snapshot, message, version)

    def _reconsider(self, work: _Work, known: ModelVersion) -> tuple[ModelVersion, str]:
        """Activate a version that equals what a training would make, if it may be."""
        active = self._versions.active(work.project)
        if active and active.number == known.number:
            return known, f"{known.name} is up to date: nothing has changed since it was trained"
        objection = self._judge(work, known.artifact, active)
        if objection is not None:
            return known, f"{known.name} is kept but not activated: {objection}"
        known = self._versions.activate(known, owner=work.owner)
        return known, f"{known.name} is active: it was trained on the same before"

    def _judge(self, work: _Work, new: str, active: ModelVersion | None) -> str | None:
        return self._gate.judge(new, active, lessons=work.course.ready)

    def _store(self, work: _Work, models: Mapping[str, Model]) -> ModelVersion:
        project = work.project
        measured = work.course.evaluate(models)
        metrics = {control: found.to_mapping() for control, found in measured.items()} or None
        left_out = {one.name: describe_left_out(one, models[one.name]) for one in work.course.ready}
        name = f"{project}/{uuid.uuid4().hex}"
        artifact.save(
            models,
            self._artifacts / name,
            receipt=work.receipt.to_mapping(metrics),
            beside={LEFT_OUT: left_out},
        )
        try:
            version = self._add(work, models, name, metrics)
        except BaseException:  # what no version names would keep a full disk full
            shutil.rmtree(self._artifacts / name, ignore_errors=True)
            raise
        figures = "; ".join(f"{control}: {found}" for control, found in measured.items())
        log.info("%s of project %s: %s", version.name, project, figures or "nothing measured")
        return version

    def _add(
        self, work: _Work, models: Mapping[str, Model], name: str, metrics: Mapping[str, Any] | None
    ) -> ModelVersion:
        """Add a version whose artifact is stored."""
        return self._versions.add(
            work.project,
            artifact=name,
            examples=work.course.n_tasks,
            heads=work.course.describe_heads(models),
            fingerprint=work.receipt.fingerprint,
            owner=work.owner,
            metrics=metrics,
            withheld=self._judge(work, name, self._versions.active(work.project)),
        )

    def _done(self, snapshot: Snapshot, message: str, version: ModelVersion | None) -> Trained:
        return Trained(
            state=JobState.DONE if version else JobState.NOT_YET,
            message=message,
            trained_changes=snapshot.label_changes,
            version=version,
        )
