"""What a job does for what comes next: it fetches texts of which tasks have only the address.

Names of labels speak from a thousand texts on, and people come to a few at a time. So a training
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


def fetch_ahead(
    texts: Texts,
    project: ProjectKey,
    schema: LabelSchema,
    snapshot: Snapshot,
    trained: Trained | None,
) -> Trained | None:
    """Fetch the next texts; return what came of a training with what texts have to do with it.

    It says how many texts of labeled tasks are missing, and is due again where names wait for
    texts that are on their way.
    """
    n_left = texts.fetch_some(project, schema, snapshot.data, at_most=_SLICE)
    if trained is None or not schema.has_urls:
        return trained
    n_missing = texts.count_missing(project, schema, [task.data for task, _ in snapshot.annotated])
    if n_missing:
        missing = f" The texts of {n_missing} labeled tasks are missing; the log says why."
        trained = replace(trained, message=trained.message + missing)
    if trained.texts_read is None:
        return trained
    filled = texts.fill(project, schema, snapshot.data)
    # As the training counted them: a text may be there and say nothing.
    n_texts = sum(len(read_pool(control, filled)) for control in schema.controls)
    if n_texts <= trained.texts_read and not n_left:
        return trained
    return replace(
        trained,
        message=f"{trained.message} More are on their way.",
        texts_due=snapshot.texts,
        wait=_NEXT_AFTER if n_texts > trained.texts_read else _AWAY_FOR,
    )
