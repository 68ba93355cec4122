"""Label Studio's API → label store: all labels of a project, whatever webhooks missed."""

from __future__ import annotations

import logging

from prelabel.errors import UpstreamError
from prelabel.label_studio.client import LabelStudioClient
from prelabel.storage.labels import LabelStore
from prelabel.types import ProjectKey

log = logging.getLogger(__name__)

ENOUGH_TEXTS = 5_000
"""Texts to learn a project's words from: more gain little, and cost Label Studio seconds."""


def sync_labels(client: LabelStudioClient, labels: LabelStore, project: ProjectKey) -> str:
    """Make the label store agree with Label Studio, page by page; say what that changed.

    Raises
    ------
    UpstreamError
        If Label Studio cannot be reached, refuses the key, or has no such project.
    """
    theirs = client.project(project.id)
    if theirs.key != project:
        # Another Label Studio's project of the same id: our key is not for it.
        raise UpstreamError(
            f"Project {project.id} of the configured Label Studio was created at "
            f"{theirs.key.created}, the one that talks to this server at {project.created}",
            expected="LABEL_STUDIO_HOST naming the Label Studio the project is in",
            fix="Correct LABEL_STUDIO_HOST, or go on without: webhooks are learned from.",
            retryable=False,
        )
    sync = labels.begin_sync(project, theirs.label_config)
    pulled, changes = 0, 0
    for page in client.labeled_tasks(project.id):
        pairs = [(task, annotation) for task, many in page for annotation in many]
        changes += labels.apply_sync(sync, pairs)
        pulled += len(pairs)
        log.info("Project %s: %d annotations pulled so far", project, pulled)
    changes += labels.end_sync(sync)
    if labels.count_texts(project) < ENOUGH_TEXTS:
        labels.add_texts(project, client.unlabeled_tasks(project.id, ENOUGH_TEXTS))
    return f"{pulled} annotations pulled from Label Studio, {changes} of them news."
