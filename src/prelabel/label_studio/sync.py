"""Label Studio's API → label store: all labels of a project, whatever webhooks missed.

The first sync reads everything. Those after it read what changed since, and then compare counts:
only where these differ, because tasks were deleted, is it asked how many annotations each task has.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from prelabel.errors import UpstreamError
from prelabel.label_studio.client import LabelStudioClient
from prelabel.label_studio.pages import LabeledTask
from prelabel.storage.labels import LabelStore
from prelabel.storage.syncs import Sync, SyncStore
from prelabel.types import ProjectKey

log = logging.getLogger(__name__)

ENOUGH_TEXTS = 5_000
"""Texts to learn a project's words from: more gain little, and cost Label Studio seconds."""

_ONCE = "once: "
"""Before a difference of counts that was left after one comparison: what came while it was compared
differs, too. What is left after two is wrong in Label Studio."""

Report = Callable[[int, int], None]
"""Told how many tasks have been read, and of how many, as far as that is known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Synced:
    """What a sync read and did."""

    tasks: int
    annotations: int
    label_changes: int
    was_full: bool
    seconds: float

    def __str__(self) -> str:
        which = "all labels" if self.was_full else "what changed"
        return (
            f"{self.annotations} annotations of {self.tasks} tasks pulled from Label Studio "
            f"({which}, {self.seconds:.1f} s): {self.label_changes} label changes."
        )


class LabelSync:
    """Makes the label store agree with Label Studio.

    Parameters
    ----------
    report
        Called after each page.
    """

    def __init__(
        self,
        client: LabelStudioClient,
        labels: LabelStore,
        syncs: SyncStore,
        *,
        report: Report = lambda _done, _all: None,
    ) -> None:
        self._client = client
        self._labels = labels
        self._syncs = syncs
        self._report = report
        self._tasks = self._annotations = self._changes = 0

    def pull(self, project: ProjectKey, *, everything: bool = False) -> Synced:
        """Pull what changed, or everything; go on with what a killed process left.

        Raises
        ------
        UpstreamError
            If Label Studio cannot be reached, refuses the key, or has no such project.
        LeaseLostError
            If another process pulls the project's labels meanwhile.
        """
        started = time.monotonic()
        self._tasks = self._annotations = self._changes = 0
        theirs = self._client.project(project.id)
        _require_same(theirs.key, project)
        sync = self._begin(project, theirs.label_config, everything=everything)
        was_full = sync.since is None
        self._run(sync, theirs.tasks)
        if sync.is_resumed:  # what it read before it broke off has changed since
            self._run(self._begin(project, theirs.label_config), theirs.tasks)
        return Synced(
            tasks=self._tasks,
            annotations=self._annotations,
            label_changes=self._changes,
            was_full=was_full,
            seconds=time.monotonic() - started,
        )

    def _begin(self, project: ProjectKey, label_config: str, *, everything: bool = False) -> Sync:
        newest = self._client.summary(project.id).newest
        sync = self._syncs.begin(project, label_config, newest=newest, everything=everything)
        # Edited before it began, it is on nobody's list of what to pull any more.
        edited = self._client.project(project.id).label_config
        if edited != label_config:
            self._syncs.see_label_config(project, edited)
        what = "everything" if sync.since is None else f"what changed since {sync.since}"
        after = f", going on after task {sync.after_id}" if sync.is_resumed else ""
        log.info("Project %s: sync %d pulls %s%s", project, sync.number, what, after)
        return sync

    def _run(self, sync: Sync, n_tasks: float) -> None:
        # What is labeled behind this task meanwhile is the next sync's, if no webhook tells it.
        last_id = self._client.last_labeled(sync.project.id)
        for page in self._client.labeled_tasks(
            sync.project.id, after_id=sync.after_id, last_id=last_id, since=sync.since
        ):
            n_all = self._tasks + page.remaining
            self._apply(sync, page.tasks)
            self._syncs.advance(sync, page.tasks[-1][0].id)
            log.info("Project %s: %d of %d tasks read", sync.project, self._tasks, n_all)
            self._report(self._tasks, n_all)
        self._add_texts(sync, n_tasks)
        if sync.since is None:
            self._end(sync, showed_all=True)
        else:
            self._end_with_counts(sync)

    def _apply(self, sync: Sync, shown: list[LabeledTask]) -> None:
        self._changes += self._syncs.apply(sync, shown)
        self._tasks += len(shown)
        self._annotations += sum(len(annotations) for _, annotations in shown)

    def _add_texts(self, sync: Sync, n_tasks: float) -> None:
        """Read texts without labels, where not enough are known of those there were."""
        project = sync.project
        # Webhooks tell of most. Of more than the pool takes it keeps a half or so, by chance.
        enough = min(ENOUGH_TEXTS, n_tasks, self._labels.pool_texts // 3)
        if self._labels.count_texts(project) < enough:
            for texts in self._client.unlabeled_tasks(project.id, ENOUGH_TEXTS, since=sync.since):
                self._labels.add_texts(project, texts)

    def _end_with_counts(self, sync: Sync) -> None:
        """Compare what is there with what is here, if their counts differ, and end the sync."""
        difference = self._find_difference(sync)
        # Label Studio's own counts may be wrong for good: they are worth two looks, not one a sync.
        if difference in (None, sync.difference):
            self._end(sync, showed_all=False)
            return
        log.info("Project %s: %s; they are compared", sync.project, difference)
        self._compare(sync)
        self._end(sync, showed_all=True)
        left = self._find_difference(sync)
        is_new = left is not None and sync.difference != f"{_ONCE}{left}"
        self._syncs.note_difference(sync.project, f"{_ONCE}{left}" if is_new else left)

    def _end(self, sync: Sync, *, showed_all: bool) -> None:
        self._changes += self._syncs.end(sync, showed_all=showed_all, is_quiet=not self._changes)

    def _find_difference(self, sync: Sync) -> str | None:
        theirs, ours = self._client.summary(sync.project.id), self._syncs.count(sync.project)
        if ours == (theirs.tasks, theirs.annotations):
            return None
        return (
            f"Label Studio has {theirs.tasks} labeled tasks with {theirs.annotations} annotations, "
            f"here are {ours[0]} with {ours[1]}"
        )

    def _compare(self, sync: Sync) -> None:
        id_ = sync.project.id
        last_id = self._client.last_labeled(id_)
        for counts in self._client.annotation_counts(id_, last_id=last_id):
            differing = self._syncs.compare(sync, counts)
            for tasks in self._client.labeled_tasks_of(id_, differing):
                self._apply(sync, tasks)


def _require_same(theirs: ProjectKey, project: ProjectKey) -> None:
    """Raise `UpstreamError` if it is another Label Studio's project of the same id."""
    if theirs != project:  # our key is not for it
        raise UpstreamError(
            f"Project {project.id} of the configured Label Studio was created at "
            f"{theirs.created}, the one that talks to this server at {project.created}",
            expected="LABEL_STUDIO_HOST naming the Label Studio the project is in",
            fix="Correct LABEL_STUDIO_HOST, or go on without: webhooks are learned from.",
            retryable=False,
        )
