"""What a job does for what comes next: it fetches texts of which tasks have only the address.

Names of labels speak from a hundred texts on, and people come to a few at a time. So a training
that lacks texts is tried again while more of them come: a slice of them each time, so that neither
their host nor the projects whose jobs come between are kept busy.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from prelabel.label_config import LabelSchema
from prelabel.loop.course import read_pool
from prelabel.loop.texts import Texts
from prelabel.loop.trained import Trained
from prelabel.storage.labels import Snapshot
from prelabel.types import ProjectKey

_SLICE = 200
"""Texts that a job fetches for tasks that people have not come to yet."""

_NEXT_AFTER = timedelta(seconds=10)
_AWAY_FOR = timedelta(minutes=1)
"""How soon the next slice is fetched, and how soon after one of which no text could be had."""


def fetch_again(texts: Texts, project: ProjectKey, schema: LabelSchema, snapshot: Snapshot) -> bool:
    """Fetch what has failed, if it is time; return whether there is more to learn from now.

    More is what a label is about, and any text where names may wait for more.
    """
    if not snapshot.fetch_is_due:
        return False
    data = [task.data for task, _ in snapshot.annotated]
    if snapshot.texts_due is not None:
        data += snapshot.data
    return texts.fetch(project, schema, data, at_most=_SLICE).n_had > 0


def fetch_ahead(
    texts: Texts,
    project: ProjectKey,
    schema: LabelSchema,
    snapshot: Snapshot,
    trained: Trained | None,
) -> Trained | None:
    """Fetch the next texts; return what came of a training with what texts have to do with it.

    It says how many texts of labeled tasks are missing, and is due again where names wait for
    texts that are on their way. What has failed, and something waits for, is tried again by itself.
    """
    labeled = [task.data for task, _ in snapshot.annotated]
    fetched = texts.fetch(project, schema, [*labeled, *snapshot.data], at_most=_SLICE)
    n_missing = texts.count_missing(project, schema, labeled)
    names_wait = (trained or snapshot).texts_due is not None
    retry_at = fetched.retry_at if n_missing or names_wait else None
    if retry_at != snapshot.fetch_due_at:
        texts.try_again(project, retry_at)
    if trained is None:
        return None
    if n_missing:
        missing = f" The texts of {n_missing} labeled tasks are missing; the log says why."
        trained = replace(trained, message=trained.message + missing)
    if trained.texts_read is None:
        return trained
    n_texts = _count_texts(texts, project, schema, snapshot)
    if n_texts <= trained.texts_read and not fetched.n_new:
        return trained
    return replace(
        trained,
        message=f"{trained.message} More are on their way.",
        texts_due=snapshot.n_texts,
        wait=_NEXT_AFTER if n_texts > trained.texts_read else _AWAY_FOR,
    )


def _count_texts(texts: Texts, project: ProjectKey, schema: LabelSchema, snapshot: Snapshot) -> int:
    """Count as a training does: a text may be there and say nothing."""
    filled = texts.fill(project, schema, snapshot.data)
    return sum(len(read_pool(control, filled)) for control in schema.controls)
