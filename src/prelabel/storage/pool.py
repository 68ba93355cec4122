"""Which of a project's tasks its words are learned from: all, or an even sample of very many.

Each task has a level that follows from its data alone: half of all are on level 0, a quarter on 1,
an eighth on 2, and so on. A project keeps tasks from some level on, and that rises by one when they
become too many. So a sample is even, whatever order tasks come in, equal data is in it or not as
one, and between two rises it only grows at its end: what was learned of it stays valid (adaptive
sampling, Flajolet, https://doi.org/10.1007/BF02241657).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, select

from prelabel.storage.tables import (
    annotation_table,
    is_project,
    project_table,
    task_table,
    update_project,
)
from prelabel.types import ProjectKey, Task

POOL_TEXTS = 20_000
"""How many tasks' texts are kept and learned from, if nothing else is set."""

_BITS = 64


def find_level(data: Mapping[str, object]) -> int:
    """Return the level of a task's data, in [0, 64]."""
    written = msgspec.json.encode(data, order="deterministic")
    digest = hashlib.blake2b(written, digest_size=_BITS // 8).digest()
    return _BITS - int.from_bytes(digest).bit_length()


def choose(connection: Connection, project: ProjectKey, tasks: Sequence[Task]) -> list[Task]:
    """Return those tasks whose level is in a project's sample."""
    least = _pool_level(connection, project)
    return [task for task in tasks if find_level(task.data) >= least]


def thin_out(connection: Connection, project: ProjectKey, limit: int) -> None:
    """Raise the level until no more than ``limit`` tasks are in the sample; forget the others.

    Tasks with annotations are kept, though not learned from as texts. How many tasks are in the
    sample is noted in the project's row.
    """
    level, texts = find_least_level(connection, project, limit)
    connection.execute(
        update_project(project).where(project_table.c.texts != texts).values(texts=texts)
    )
    if level == _pool_level(connection, project):
        return
    labeled = exists().where(
        annotation_table.c.project == task_table.c.project,
        annotation_table.c.task == task_table.c.task,
    )
    connection.execute(
        delete(task_table).where(is_alive(project), task_table.c.level < level, ~labeled)
    )
    connection.execute(update_project(project).values(pool_level=level))


def find_least_level(connection: Connection, project: ProjectKey, limit: int) -> tuple[int, int]:
    """Return the lowest level from which on there are at most ``limit`` tasks, and how many."""
    query = select(task_table.c.level, func.count()).where(is_alive(project))
    counts = connection.execute(query.group_by(task_table.c.level)).all()
    level = _pool_level(connection, project)
    while (texts := sum(count for of, count in counts if of >= level)) > limit:
        level += 1
    return level, texts


def is_alive(project: ProjectKey) -> ColumnElement[bool]:
    """Return the condition that a task is a project's, and not deleted."""
    return and_(task_table.c.project == str(project), task_table.c.deleted.is_(False))


def _pool_level(connection: Connection, project: ProjectKey) -> int:
    query = select(project_table.c.pool_level).where(is_project(project))
    return int(connection.execute(query).scalar_one())
