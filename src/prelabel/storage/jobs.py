"""Jobs: who works on a project that is due, and what came of it.

Nothing is queued in memory. A project is due because of what its rows say, so a crash loses
nothing; a lease that runs out makes another process take over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, func, insert, select, update

from prelabel.storage.clock import now, pause_after
from prelabel.storage.database import Database
from prelabel.storage.due import IS_OPEN, is_due
from prelabel.storage.leases import check_lease, is_free
from prelabel.storage.tables import is_project, job_table, project_table, update_project
from prelabel.types import Job, JobState, ProjectKey

MAX_ATTEMPTS = 3
"""How often a job is started whose process dies each time, before it has failed."""


class JobStore:
    """Remembers jobs, and who may work on which project."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def request(self, project: ProjectKey, reason: str) -> Job:
        """Ask for a training. While one waits already, that one is the answer."""
        with self._database.write() as connection:
            return _get(connection, ask(connection, project, reason))

    def get(self, id_: int) -> Job | None:
        """Return a job, or None if there is none with that id."""
        if not 0 < id_ < 2**63:  # what no column can hold cannot be asked for either
            return None
        with self._database.read() as connection:
            row = connection.execute(select(job_table).where(job_table.c.id == id_)).one_or_none()
        return _to_job(row) if row else None

    def due(
        self, train_every: int, *, by_texts: bool = False, can_sync: bool = True
    ) -> list[ProjectKey]:
        """Return the projects that need a job (`is_due`), longest waiting first."""
        # A project that always has more to do must not keep the others waiting.
        of_project = job_table.c.project == project_table.c.project
        last_at = select(func.max(job_table.c.started_at)).where(of_project).scalar_subquery()
        due = is_due(train_every, by_texts=by_texts, can_sync=can_sync)
        query = select(project_table.c.project).where(due).order_by(last_at.nulls_first())
        with self._database.read() as connection:
            return [ProjectKey.parse(project) for project in connection.scalars(query)]

    def claim(self, project: ProjectKey, owner: str, lease: timedelta) -> Job | None:
        """Take the project's job, and the right to work on it; None if another has that right.

        A job that another left unfinished is taken up again, unless its servers died under it the
        third time: then it has failed. What takes all processes with it would else do so for ever.
        """
        of_project = select(is_free(now()), project_table.c.lease_owner).where(is_project(project))
        with self._database.write() as connection:
            found = connection.execute(of_project).first()
            if found is None or not found[0]:
                return None
            query = (
                select(job_table)
                .where(job_table.c.project == str(project), IS_OPEN)
                .order_by(job_table.c.id)
            )
            row = connection.execute(query).first()
            was_left = row is not None and row.state == JobState.RUNNING and found.lease_owner
            if row and was_left and _count_attempt(connection, _to_job(row)) >= MAX_ATTEMPTS:
                connection.execute(update_project(project).values(lease_owner=None))
                return None
            id_ = row.id if row else _add(connection, project, "due by itself", must_train=False)
            started = {"state": JobState.RUNNING, "started_at": now()}
            connection.execute(update(job_table).where(job_table.c.id == id_).values(started))
            connection.execute(
                update_project(project).values(lease_owner=owner, lease_until=now() + lease)
            )
            return replace(_get(connection, id_), owner=owner)

    def renew(self, project: ProjectKey, owner: str, lease: timedelta) -> bool:
        """Keep the right to work on a project; False if it was lost."""
        mine = update_project(project).where(project_table.c.lease_owner == owner)
        with self._database.write() as connection:
            result = connection.execute(mine.values(lease_until=now() + lease))
        return bool(result.rowcount)

    def release(self, project: ProjectKey, owner: str) -> None:
        """Give the right to work on a project back; what it left unfinished is due at once."""
        mine = update_project(project).where(project_table.c.lease_owner == owner)
        with self._database.write() as connection:
            connection.execute(mine.values(lease_owner=None, lease_until=None))

    def break_off(self, job: Job) -> None:
        """Record that a job's process died under it; the third time, the job has failed."""
        with self._database.write() as connection:
            _count_attempt(connection, job)

    def finish(
        self,
        job: Job,
        state: JobState,
        message: str,
        *,
        trained_changes: int | None = None,
        texts_due: int | None = None,
        wait: timedelta | None = None,
        model_version: str | None = None,
    ) -> None:
        """Record what came of a job that `claim` returned.

        Parameters
        ----------
        trained_changes
            The project's label changes that count as trained from now on; None, where nothing was
            to be trained, leaves them and the texts.
        texts_due
            From how many texts on the next training is due; None if texts make none due.
        wait
            How long nothing is tried by itself, whatever is due.

        Raises
        ------
        LeaseLostError
            If another works on the project by now; nothing is recorded.
        """
        values: Mapping[str, Any] = {
            "state": state,
            "message": message,
            "model_version": model_version,
            "finished_at": now(),
        }
        with self._database.write() as connection:
            check_lease(connection, job.project, job.owner)
            connection.execute(update(job_table).where(job_table.c.id == job.id).values(values))
            changes: dict[str, Any] = {"failures": 0, "retry_at": now() + wait if wait else None}
            if trained_changes is not None:
                changes |= {"trained_changes": trained_changes, "texts_due": texts_due}
            connection.execute(update_project(job.project).values(changes))

    def fail(self, job: Job, message: str) -> None:
        """Record that a job failed; what it was for is tried again, after a pause that grows.

        Raises
        ------
        LeaseLostError
            If another works on the project by now; nothing is recorded.
        """
        with self._database.write() as connection:
            check_lease(connection, job.project, job.owner)
            _fail(connection, job, message)


def ask(connection: Connection, project: ProjectKey, reason: str) -> int:
    """Ask for a training inside a transaction, as `JobStore.request` does; return the job's id."""
    waiting = and_(
        job_table.c.project == str(project),
        job_table.c.state == JobState.QUEUED,
        job_table.c.must_train.is_(True),
    )
    # Someone asks: no pause.
    connection.execute(update_project(project).values(retry_at=None))
    known: int | None = connection.scalar(select(job_table.c.id).where(waiting))
    return known or _add(connection, project, reason, must_train=True)


def _count_attempt(connection: Connection, job: Job) -> int:
    """Count that a job's process died, and fail it the third time; return which time it was."""
    count = update(job_table).where(job_table.c.id == job.id, IS_OPEN)
    more = count.values(attempts=job_table.c.attempts + 1).returning(job_table.c.attempts)
    attempts = connection.execute(more).scalar() or 0
    if attempts >= MAX_ATTEMPTS:
        _fail(connection, job, _broke_off(attempts))
    return attempts


def _broke_off(attempts: int) -> str:
    return (
        f"The training broke off {attempts} times in a row, most often because the machine has "
        "too little memory or disk, or because a model of one's own ended its process. It is tried "
        "again in a while."
    )


def _fail(connection: Connection, job: Job, message: str) -> None:
    values = {"state": JobState.FAILED, "message": message, "finished_at": now()}
    connection.execute(update(job_table).where(job_table.c.id == job.id).values(values))
    if job.must_train:
        reason = f"{job.reason.removesuffix(', again')}, again"
        _add(connection, job.project, reason, must_train=True)
    failures = project_table.c.failures
    of_project = project_table.c.project == str(job.project)
    wait = pause_after(connection.scalar(select(failures).where(of_project)) or 0)
    later = {"failures": failures + 1, "retry_at": now() + wait}
    connection.execute(update_project(job.project).values(later))


def _add(connection: Connection, project: ProjectKey, reason: str, *, must_train: bool) -> int:
    statement = insert(job_table).values(
        project=str(project),
        reason=reason,
        must_train=must_train,
        state=JobState.QUEUED,
        created_at=now(),
    )
    return int(connection.execute(statement.returning(job_table.c.id)).scalar_one())


def _get(connection: Connection, id_: int) -> Job:
    return _to_job(connection.execute(select(job_table).where(job_table.c.id == id_)).one())


def _to_job(row: Row[Any]) -> Job:
    return Job(
        id=row.id,
        project=ProjectKey.parse(row.project),
        reason=row.reason,
        must_train=row.must_train,
        state=JobState(row.state),
        message=row.message,
        model_version=row.model_version,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )
