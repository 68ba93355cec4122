"""Rows that nothing needs any more: versions, finished jobs, fetched texts, forgotten projects."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    and_,
    delete,
    func,
    literal_column,
    not_,
    select,
)

from prelabel.storage.clock import now
from prelabel.storage.database import Database
from prelabel.storage.due import IS_OPEN
from prelabel.storage.fetched import FetchedTexts
from prelabel.storage.leases import is_free
from prelabel.storage.tables import (
    is_project,
    job_table,
    metadata,
    project_table,
    version_table,
)
from prelabel.storage.versions import is_before
from prelabel.types import ProjectKey

KEPT_JOBS = 200
"""Finished jobs of a project whose outcome can still be asked for."""

ROWS_AT_ONCE = 2000
"""A large project is erased in parts: webhooks wait for milliseconds."""

_OF_PROJECT = [table for table in metadata.sorted_tables if table is not project_table]


class Retention:
    """Finds and removes rows. With ``dry_run``, methods tell what they would remove.

    Nothing is locked where there is nothing to remove.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def projects(self) -> list[ProjectKey]:
        """Return all projects, forgotten ones too."""
        with self._database.read() as connection:
            found = connection.scalars(select(project_table.c.project))
            return [ProjectKey.parse(text) for text in found]

    def drop_versions(
        self, project: ProjectKey, keep: int, *, dry_run: bool = False
    ) -> tuple[int, Sequence[str]]:
        """Remove old versions; return how many, and the artifacts that none needs any more.

        A project's ``keep`` newest ones stay, its active one however old, and the one that would
        be served if that were damaged or rolled back.
        """
        with self._database.read() as connection:
            old = _is_old(connection, project, keep)
            count, artifacts = _count(connection, version_table, old), _unneeded(connection, old)
        if dry_run or not count:
            return count, artifacts
        with self._database.write() as connection:
            old = _is_old(connection, project, keep)
            artifacts = _unneeded(connection, old)
            return connection.execute(delete(version_table).where(old)).rowcount, artifacts

    def drop_jobs(self, project: ProjectKey, *, dry_run: bool = False) -> int:
        """Remove all finished jobs but the `KEPT_JOBS` newest; return how many."""
        mine = job_table.c.project == str(project)
        over = not_(IS_OPEN)
        newest = select(job_table.c.id).where(mine, over).order_by(job_table.c.id.desc())
        with self._database.read() as connection:
            limit = connection.scalar(newest.offset(KEPT_JOBS).limit(1)) or 0
            old = and_(mine, over, job_table.c.id <= limit)
            count = _count(connection, job_table, old)
        if dry_run or not count:
            return count
        with self._database.write() as connection:
            return connection.execute(delete(job_table).where(old)).rowcount

    def drop_texts(self, project: ProjectKey, *, dry_run: bool = False) -> int:
        """Remove fetched texts that no task has any more; return how many."""
        return FetchedTexts(self._database).forget_unused(project, dry_run=dry_run)

    def forgotten(self, before: datetime) -> Sequence[ProjectKey]:
        """Return the projects forgotten before a time that were not seen, nor worked on, since."""
        query = select(project_table.c.project).where(_is_forgotten(before))
        with self._database.read() as connection:
            return [ProjectKey.parse(text) for text in connection.scalars(query)]

    def erase(self, project: ProjectKey, forgotten_before: datetime) -> bool:
        """Remove all that is known of a forgotten project.

        Returns False if it is seen again meanwhile, or a job is at work on it still.
        """
        is_forgotten = and_(is_project(project), _is_forgotten(forgotten_before))
        known = select(project_table.c.project).where(is_forgotten)
        for table in _OF_PROJECT:
            removed = ROWS_AT_ONCE
            while removed == ROWS_AT_ONCE:
                with self._database.write() as connection:
                    if connection.scalar(known) is None:
                        return False
                    removed = _drop_some(connection, table, table.c.project == str(project))
        with self._database.write() as connection:
            is_gone = connection.execute(delete(project_table).where(is_forgotten)).rowcount == 1
        self._database.settle()  # its texts would stay in the log for a while
        return is_gone

    def named(self, artifacts: Collection[str], *, besides: ProjectKey | None = None) -> set[str]:
        """Return those of the artifacts that a version needs, of a project ``besides`` that one."""
        columns = version_table.c
        query = select(columns.artifact).where(columns.artifact.in_(artifacts))
        if besides is not None:
            query = query.where(columns.project != str(besides))
        with self._database.read() as connection:
            return set(connection.scalars(query))


def _is_forgotten(before: datetime) -> ColumnElement[bool]:
    return and_(project_table.c.deleted_at < before, is_free(now()))


def _is_old(connection: Connection, project: ProjectKey, keep: int) -> ColumnElement[bool]:
    mine, columns = version_table.c.project == str(project), version_table.c
    newest = connection.scalar(select(func.max(columns.number)).where(mine)) or 0
    served = select(project_table.c.active_version).where(is_project(project))
    active = connection.scalar(served) or 0
    next_best = select(func.max(columns.number)).where(is_before(project, active))
    needed = [active, connection.scalar(next_best) or 0]
    return and_(mine, columns.number <= newest - keep, columns.number.not_in(needed))


def _unneeded(connection: Connection, old: ColumnElement[bool]) -> Sequence[str]:
    columns = version_table.c
    needed = select(columns.artifact).where(not_(old))
    return connection.scalars(
        select(columns.artifact).where(old, columns.artifact.not_in(needed))
    ).all()


def _count(connection: Connection, table: Table, which: ColumnElement[bool]) -> int:
    return connection.scalar(select(func.count()).select_from(table).where(which)) or 0


def _drop_some(connection: Connection, table: Table, which: ColumnElement[bool]) -> int:
    rowid: ColumnElement[int] = literal_column("rowid")
    some = select(rowid).select_from(table).where(which).limit(ROWS_AT_ONCE)
    return connection.execute(delete(table).where(rowid.in_(some))).rowcount
