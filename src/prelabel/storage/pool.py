"""Which of a project's tasks its words are learned from: all, or an even sample of very many.

Each task has a level that follows from its data alone: half of all are on level 0, a quarter on 1,
an eighth on 2, and so on. A project keeps tasks from some level on, and that rises by one when they
become too many. So a sample is even, whatever order tasks come in, equal data is in it or not as
one, and between two changes of the level it only grows at its end: what was learned of it stays
valid (adaptive sampling, Flajolet, https://doi.org/10.1007/BF02241657).

Before a level goes, copies go: tasks with the same data as another one, which teach nothing more.
A third of all answers may be "none", and is all on one level: it would make that level too many,
and take all that is below it along.

The level falls again where tasks were deleted, or the limit was raised, so that there is room for
three times as many. What was left out before is gone: then a sample has more of what came later.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, or_, select

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

_IS_LABELED = exists().where(
    annotation_table.c.project == task_table.c.project,
    annotation_table.c.task == task_table.c.task,
)

_BITS = 64
_ENOUGH = 32
"""Tasks whose number tells how many there are of all, within a third or so."""

_ROOMY = 3
"""The level falls where so many times the sample fit: right after it has risen, twice may do so."""


def find_level(data: Mapping[str, object]) -> int:
    """Return the level of a task's data, in [0, 64]."""
    written = msgspec.json.encode(data, order="deterministic")
    digest = hashlib.blake2b(written, digest_size=_BITS // 8).digest()
    return _BITS - int.from_bytes(digest).bit_length()


def choose(connection: Connection, project: ProjectKey, tasks: Sequence[Task]) -> list[Task]:
    """Return those tasks whose level is in a project's sample."""
    least = _pool_level(connection, project)
    return [task for task in tasks if find_level(task.data) >= least]


def fit_level(connection: Connection, project: ProjectKey, limit: int) -> None:
    """Let no more than ``limit`` tasks be in the sample, and more than a third if there are.

    If there are too many, copies are forgotten. If that is not enough, the level rises and the
    others are forgotten; tasks with annotations are kept, though not learned from as texts. Where
    tasks were deleted, or the limit was raised, it falls, and tasks that come from now on fill the
    sample. How many are in it is noted in the project's row.
    """
    before, counts = _pool_level(connection, project), _count_by_level(connection, project)
    if _count_from(counts, before) > limit:
        _forget_copies(connection, project)
        counts = _count_by_level(connection, project)
    level = _raise_level(counts, before, limit)
    if level == before:
        level = _lower_level(counts, before, limit)
    texts = _count_from(counts, level)
    changed = or_(project_table.c.texts != texts, project_table.c.pool_level != level)
    noted = update_project(project).where(changed).values(texts=texts, pool_level=level)
    connection.execute(noted)
    if level <= before:
        return
    connection.execute(
        delete(task_table).where(is_alive(project), task_table.c.level < level, ~_IS_LABELED)
    )


def _forget_copies(connection: Connection, project: ProjectKey) -> None:
    """Of tasks with the same data keep those with annotations, or else the first one."""
    order = func.row_number().over(
        partition_by=(task_table.c.level, task_table.c.data),
        order_by=(_IS_LABELED.desc(), task_table.c.task),
    )
    ranks = select(task_table.c.task, order.label("rank")).where(is_alive(project)).subquery()
    copies = select(ranks.c.task).where(ranks.c.rank > 1)
    connection.execute(
        delete(task_table).where(is_alive(project), task_table.c.task.in_(copies), ~_IS_LABELED)
    )


def find_least_level(connection: Connection, project: ProjectKey, limit: int) -> int:
    """Return the lowest level of a project from which on there are at most ``limit`` tasks."""
    counts = _count_by_level(connection, project)
    return _raise_level(counts, _pool_level(connection, project), limit)


def has_room(limit: int) -> ColumnElement[bool]:
    """Return the condition that a project's sample may take in more than it does."""
    return and_(project_table.c.pool_level > 0, _ROOMY * project_table.c.texts <= limit)


def _raise_level(counts: Mapping[int, int], level: int, limit: int) -> int:
    while _count_from(counts, level) > limit:
        level += 1
    return level


def _lower_level(counts: Mapping[int, int], level: int, limit: int) -> int:
    """Lower a level while there would be no more than ``limit`` tasks on it.

    Of levels that the sample began with once nothing is missing, and each has as many as all above:
    so the tasks of high levels, where they are not too few to tell, say how many there are of all.
    """
    so_many = {of: _count_from(counts, of) for of in counts if of > level}
    told = [count * 2 ** (of - level) for of, count in so_many.items() if count >= _ENOUGH]
    expected = max([_count_from(counts, level), *told])
    while level and _ROOMY * expected <= limit and _count_from(counts, level - 1) <= limit:
        level -= 1
        expected *= 2
    return level


def _count_by_level(connection: Connection, project: ProjectKey) -> Mapping[int, int]:
    query = select(task_table.c.level, func.count()).where(is_alive(project))
    return {row[0]: row[1] for row in connection.execute(query.group_by(task_table.c.level))}


def _count_from(counts: Mapping[int, int], level: int) -> int:
    return sum(count for of, count in counts.items() if of >= level)


def is_alive(project: ProjectKey) -> ColumnElement[bool]:
    """Return the condition that a task is a project's, and not deleted."""
    return and_(task_table.c.project == str(project), task_table.c.deleted.is_(False))


def _pool_level(connection: Connection, project: ProjectKey) -> int:
    query = select(project_table.c.pool_level).where(is_project(project))
    return int(connection.execute(query).scalar_one())
