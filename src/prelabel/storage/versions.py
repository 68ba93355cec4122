"""Which model versions there are, and which of them is active."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from prelabel.storage.clock import now
from prelabel.storage.database import Database
from prelabel.storage.leases import check_lease
from prelabel.storage.remembered import Remembered
from prelabel.storage.tables import project_table, update_project, version_table
from prelabel.types import Head, ModelVersion, ProjectKey


class VersionStore:
    """Remembers model versions. A version never changes; only which one is active does."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._active = Remembered[ModelVersion | None](database)

    def add(
        self,
        project: ProjectKey,
        *,
        artifact: str,
        examples: int,
        heads: Sequence[Head],
        fingerprint: str,
        owner: str,
        metrics: Mapping[str, Any] | None = None,
        withheld: str | None = None,
    ) -> ModelVersion:
        """Add a version whose artifact is stored already, and activate it if nothing is against it.

        Parameters
        ----------
        owner
            Who holds the project's lease. A process that lost it, because it hung, must not
            overwrite the work of the one that took over.
        withheld
            Why it is not activated; None activates it.

        Raises
        ------
        LeaseLostError
            If the lease is another's by now.
        """
        newest = select(func.max(version_table.c.number)).where(
            version_table.c.project == str(project)
        )
        with self._database.write() as connection:
            check_lease(connection, project, owner)
            number = (connection.scalar(newest) or 0) + 1
            version = ModelVersion(
                project=project,
                number=number,
                artifact=artifact,
                examples=examples,
                heads=tuple(heads),
                fingerprint=fingerprint,
                created_at=now(),
                metrics=metrics,
                withheld=withheld,
            )
            _add(connection, version)
        return version

    def activate(self, version: ModelVersion, *, owner: str) -> ModelVersion:
        """Serve a stored version from now on; return it, withheld no more.

        Raises
        ------
        LeaseLostError
            If the project's lease is not ``owner``'s.
        """
        project, number = version.project, version.number
        row = and_(version_table.c.project == str(project), version_table.c.number == number)
        with self._database.write() as connection:
            check_lease(connection, project, owner)
            connection.execute(update(version_table).where(row).values(withheld=None))
            connection.execute(update_project(project).values(active_version=number))
        return replace(version, withheld=None)

    def active(self, project: ProjectKey) -> ModelVersion | None:
        """Return the version that is served; None before the first.

        Nothing is queried while nothing in the database has changed: it is asked at every request.
        """

        def read() -> ModelVersion | None:
            with self._database.read() as connection:
                row = connection.execute(_ACTIVE, {"key": str(project)}).one_or_none()
            return _to_version(row) if row else None

        return self._active.get(project, read)

    def last_change(self) -> int:
        """Return `Database.last_change`."""
        return self._database.last_change()

    def known_active(self, project: ProjectKey, change: int) -> ModelVersion | None:
        """Return the version that was served at a change, if that is known; None if not."""
        return self._active.known(project, change)

    def all_active(self) -> list[ModelVersion]:
        """Return the versions that are served, of all projects but the forgotten, by project."""
        query = _ALL_ACTIVE.where(project_table.c.deleted_at.is_(None))
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(project_table.c.project)).all()
        return [_to_version(row) for row in rows]

    def find(self, project: ProjectKey, fingerprint: str) -> ModelVersion | None:
        """Return the newest version with a fingerprint, active or not."""
        columns = version_table.c
        same = and_(columns.project == str(project), columns.fingerprint == fingerprint)
        query = select(version_table).where(same).order_by(columns.number.desc()).limit(1)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return _to_version(row) if row else None

    def all(self, project: ProjectKey | None = None) -> list[ModelVersion]:
        """Return the versions of a project, or of all, newest first."""
        query = select(version_table).order_by(
            version_table.c.created_at.desc(), version_table.c.number.desc()
        )
        if project is not None:
            query = query.where(version_table.c.project == str(project))
        with self._database.read() as connection:
            return [_to_version(row) for row in connection.execute(query)]

    def before(self, version: ModelVersion) -> list[ModelVersion]:
        """Return those that may stand in for a version, or be gone back to, newest first."""
        query = select(version_table).where(is_before(version.project, version.number))
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(version_table.c.number.desc()))
            return [_to_version(row) for row in rows]

    def roll_back(self, version: ModelVersion) -> ModelVersion | None:
        """Serve a stored version from now on, and withdraw all newer ones.

        No lease is asked for: what a person decides does not wait for a training. A version that
        a training makes afterwards is another one, and may be activated.

        Returns the version as it is now, or None, with nothing changed, if it is gone.
        """
        project, number = version.project, version.number
        mine = version_table.c.project == str(project)
        newer = and_(mine, version_table.c.number > number, version_table.c.withdrawn_at.is_(None))
        restored = {"withheld": None, "withdrawn_at": None}
        chosen = update(version_table).where(mine, version_table.c.number == number)
        with self._database.write() as connection:
            if not connection.execute(chosen.values(restored)).rowcount:
                return None
            connection.execute(update(version_table).where(newer).values(withdrawn_at=now()))
            connection.execute(update_project(project).values(active_version=number))
        return replace(version, withheld=None, withdrawn_at=None)

    def copy(self, source: ProjectKey, target: ProjectKey) -> ModelVersion | None:
        """Let a project without a version start with another's active one; it keeps its artifact.

        Returns None, and does nothing, if there is none to copy or the target has one.
        """
        with self._database.write() as connection:
            row = connection.execute(_ACTIVE, {"key": str(source)}).one_or_none()
            if row is None or connection.execute(_ACTIVE, {"key": str(target)}).first():
                return None
            copied = replace(_to_version(row), project=target, created_at=now())
            # A target not seen so far stays one that is new: as if forgotten, it is not worked for.
            unseen = sqlite_insert(project_table).values(project=str(target), deleted_at=now())
            connection.execute(unseen.on_conflict_do_nothing())
            _add(connection, copied)
        return copied


def is_before(project: ProjectKey, number: int) -> ColumnElement[bool]:
    """Return the condition that a version is older, and neither withheld nor rolled back."""
    columns = version_table.c
    return and_(
        columns.project == str(project),
        columns.number < number,
        columns.withheld.is_(None),
        columns.withdrawn_at.is_(None),
    )


def _add(connection: Connection, version: ModelVersion) -> None:
    connection.execute(insert(version_table).values(_to_values(version)))
    if version.withheld is None:
        connection.execute(update_project(version.project).values(active_version=version.number))


_ALL_ACTIVE = select(version_table).join(
    project_table,
    and_(
        project_table.c.project == version_table.c.project,
        project_table.c.active_version == version_table.c.number,
    ),
)

# Built once: it runs at every request.
_ACTIVE = _ALL_ACTIVE.where(project_table.c.project == bindparam("key"))


def _to_values(version: ModelVersion) -> dict[str, Any]:
    return {**asdict(version), "project": str(version.project)}


def _to_version(row: Row[Any]) -> ModelVersion:
    return ModelVersion(
        project=ProjectKey.parse(row.project),
        number=row.number,
        artifact=row.artifact,
        examples=row.examples,
        heads=tuple(
            Head(
                control=head["control"],
                frame=head["frame"],
                labels=tuple(head["labels"]),
                name_texts=head.get("name_texts", 0),  # 0.1 had neither of these at first
                manner=head.get("manner"),
            )
            for head in row.heads
        ),
        fingerprint=row.fingerprint,
        created_at=row.created_at,
        metrics=row.metrics,
        withheld=row.withheld,
        withdrawn_at=row.withdrawn_at,
    )
