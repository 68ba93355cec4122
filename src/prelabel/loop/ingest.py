"""Step 1: what Label Studio tells → label store, durably; then wake whoever trains."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from prelabel.errors import LabelConfigError
from prelabel.label_config import (
    LabelSchema,
    describe_edit,
    parse_label_config,
    read_label_config,
)
from prelabel.loop.pulls import Pulls
from prelabel.loop.texts import Texts
from prelabel.storage.jobs import JobStore
from prelabel.storage.labels import LabelStore
from prelabel.storage.project_settings import ProjectSettingsStore
from prelabel.storage.projects import ProjectStore, Seen
from prelabel.types import Event, EventKind, Job, ProjectKey, ProjectSettings

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ingested:
    """What came of an event: label changes made, and the job it asked for."""

    label_changes: int = 0
    job: Job | None = None


class Ingest:
    """Takes news in. What a method was told is durable when it returns.

    Parameters
    ----------
    pulls
        Asks for what events do not tell; None where Label Studio's API cannot be asked, for want
        of a key.
    wake
        Called when a project may have become due.
    """

    def __init__(
        self,
        *,
        projects: ProjectStore,
        settings: ProjectSettingsStore,
        labels: LabelStore,
        jobs: JobStore,
        texts: Texts,
        pulls: Pulls | None,
        wake: Callable[[], None],
    ) -> None:
        self._projects = projects
        self._settings = settings
        self._labels = labels
        self._jobs = jobs
        self._texts = texts
        self._pulls = pulls
        self._wake = wake

    def register(
        self, project: ProjectKey, label_config: str, settings: ProjectSettings | None
    ) -> LabelSchema:
        """Take note of a project, its labeling config and its settings.

        Parameters
        ----------
        settings
            None if nothing is said of them (`ProjectSettingsStore.set`).

        Raises
        ------
        LabelConfigError
            If the config cannot be served; Label Studio shows the message to its user.
        """
        schema = parse_label_config(label_config)
        with self._make_up(project):
            self._register(project, label_config, schema, settings)
        return schema

    def _register(
        self, project: ProjectKey, label_config: str, schema: LabelSchema,
        settings: ProjectSettings | None,
    ) -> None:  # fmt: skip
        seen = self._projects.see(project, label_config)
        if schema.unusable and (seen.is_new or seen.previous_label_config != seen.label_config):
            log.warning("Project %s: not learned: %s", project, "; ".join(schema.unusable))
        self._react(project, seen)
        self._set(project, settings)

    def _set(self, project: ProjectKey, given: ProjectSettings | None) -> None:
        before, settings = self._settings.set(project, given)
        if before == settings:
            return
        log.info("The settings of project %s are now %s", project, settings.to_mapping() or "none")
        if before.C != settings.C:
            self._jobs.request(project, "settings edited")
        self._wake()

    def apply(self, event: Event) -> Ingested:
        """Apply an event; repeated and late ones change nothing.

        Raises
        ------
        StorageError
            If it cannot be stored. Label Studio does not send it again: its labels are pulled.
        """
        with self._make_up(event.project):
            return self._apply(event)

    def _make_up(self, project: ProjectKey) -> AbstractContextManager[None]:
        return self._pulls.make_up(project) if self._pulls else nullcontext()

    def _apply(self, event: Event) -> Ingested:
        if event.kind is EventKind.PROJECT_DELETED:
            self.forget(event.project)
            return Ingested()
        applied = self._labels.apply(event)
        self._react(event.project, applied.seen)
        schema = read_label_config(applied.seen.label_config)
        if schema and event.created:
            self._texts.ask(event.project, schema, [task.data for task in event.created])
        if applied.gone:
            self._texts.forget(event.project, applied.gone)
        if event.created and self._pulls:
            self._pulls.ask_later(event.project)  # nobody tells the labels they were imported with
        job = None
        if event.kind is EventKind.TRAINING_REQUESTED:
            job = self.request_training(event.project, "Start Training")
        elif applied.label_changes:
            log.debug("%d label changes in project %s", applied.label_changes, event.project)
            self._wake()
        return Ingested(label_changes=applied.label_changes, job=job)

    def request_training(self, project: ProjectKey, reason: str) -> Job:
        """Ask for a training at once, of all labels there are: they are pulled first."""
        self._react(project, self._projects.see(project))
        job = self._jobs.request(project, reason)
        self._wake()
        return job

    def forget(self, project: ProjectKey) -> None:
        """Stop working for a project until it is heard of again; its labels are kept."""
        self._projects.forget(project)

    def doubt(self, id_: int) -> None:
        """Look whether the projects with a number are still there, if that can be asked.

        A number alone is no reason to forget one: each Label Studio counts from 1.
        """
        for state in self._projects.states():
            if state.project.id != id_:
                continue
            log.warning(
                "Project %s: a webhook tells that a project %d was deleted, and not in which Label "
                'Studio. If it was this one, tell it: POST /delete with {"project": "%s"}',
                state.project, id_, state.project,
            )  # fmt: skip
            if self._pulls:
                self._pulls.ask_later(state.project)

    def _react(self, project: ProjectKey, seen: Seen) -> None:
        if seen.is_new:
            self._begin_project(project)
            return
        before = read_label_config(seen.previous_label_config)
        try:
            after = parse_label_config(seen.label_config or "")
        except LabelConfigError as error:
            if before:
                log.warning(
                    "The labeling config of project %s was edited and cannot be served any more; "
                    "labels and versions are kept, and used when it can: %s",
                    project, error,
                )  # fmt: skip
            return
        if before == after:
            return
        if before:
            what = describe_edit(before, after)
            log.info("The labels of project %s were edited (%s); it is trained anew", project, what)
        else:
            log.info("The labeling config of project %s can be served now", project)
        self._wake()

    def _begin_project(self, project: ProjectKey) -> None:
        if self._pulls:
            log.info("Project %s is new here; its labels are pulled from Label Studio", project)
            self._pulls.ask(project)
        else:
            log.warning(
                "Project %s is new here and LABEL_STUDIO_API_KEY is not set: labels made from now "
                "on are learned, those made before are not",
                project,
            )
