"""Events that a raw model still has to be told, in order, and what came of the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, not_, select, update

from prelabel.storage.clock import now
from prelabel.storage.database import Database
from prelabel.storage.tables import model_event_table as table
from prelabel.types import OPEN_STATES, JobState, ProjectKey

KEPT = 200
"""Finished events of a project whose outcome can still be asked for."""

SHOWN = 20

_IS_OPEN = table.c.state.in_(OPEN_STATES)


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelEvent:
    """An event as Label Studio sent it, and where it stands.

    Attributes
    ----------
    body
        The webhook's body, JSON; empty once it is told for good: it holds texts, and many bytes.
    message
        What went wrong, for people; empty if nothing did.
    attempts
        How often a model was told it: more than once if its process ended each time.
    """

    id: int
    project: ProjectKey
    action: str
    body: bytes
    state: JobState
    message: str
    attempts: int
    created_at: datetime
    finished_at: datetime | None


class ModelEventStore:
    """Remembers events. What a method wrote is durable when it returns."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, project: ProjectKey, action: str, body: bytes) -> int:
        """Put an event behind all others of its project; return its id. The project is known."""
        new = {"project": str(project), "action": action, "body": body}
        with self._database.write() as connection:
            added = connection.execute(
                insert(table).values(**new, state=JobState.QUEUED, created_at=now())
            )
        (number,) = added.inserted_primary_key or (0,)
        return int(number)

    def get(self, number: int) -> ModelEvent | None:
        """Return an event; None if it is unknown, or too old."""
        with self._database.read() as connection:
            row = connection.execute(select(table).where(table.c.id == number)).one_or_none()
        return None if row is None else _to_event(row)

    def begin(self, project: ProjectKey) -> ModelEvent | None:
        """Take the oldest event that is not finished, and count the attempt."""
        query = select(table).where(table.c.project == str(project), _IS_OPEN).order_by(table.c.id)
        with self._database.write() as connection:
            row = connection.execute(query.limit(1)).one_or_none()
            if row is None:
                return None
            taken = {"state": JobState.RUNNING, "attempts": row.attempts + 1}
            connection.execute(update(table).where(table.c.id == row.id).values(**taken))
            again = connection.execute(select(table).where(table.c.id == row.id)).one()
        return _to_event(again)

    def finish(self, event: ModelEvent, state: JobState, message: str = "") -> None:
        """Record what came of an event, and let go of old ones."""
        done = {"state": state, "message": message, "finished_at": now(), "body": b""}
        same = table.c.project == str(event.project)
        over = not_(_IS_OPEN)
        with self._database.write() as connection:
            connection.execute(update(table).where(table.c.id == event.id).values(**done))
            newest = select(table.c.id).where(same, over).order_by(table.c.id.desc())
            limit = connection.scalar(newest.offset(KEPT).limit(1))
            if limit is not None:
                connection.execute(delete(table).where(same, over, table.c.id <= limit))

    def waiting(self) -> Sequence[ProjectKey]:
        """Return the projects with events that are not finished, the longest waiting first."""
        query = (
            select(table.c.project)
            .where(_IS_OPEN)
            .group_by(table.c.project)
            .order_by(func.min(table.c.id))
        )
        with self._database.read() as connection:
            return [ProjectKey.parse(text) for text in connection.scalars(query)]

    def recent(self, project: ProjectKey) -> Sequence[ModelEvent]:
        """Return a project's last events, newest first."""
        query = select(table).where(table.c.project == str(project)).order_by(table.c.id.desc())
        with self._database.read() as connection:
            return [_to_event(row) for row in connection.execute(query.limit(SHOWN))]


def _to_event(row: Any) -> ModelEvent:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's documented name
    project = ProjectKey.parse(values.pop("project"))
    return ModelEvent(**values | {"project": project, "state": JobState(values["state"])})
