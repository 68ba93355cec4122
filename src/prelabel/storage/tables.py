"""The tables: what prelabel remembers. Everything is keyed by project; nothing is shared.

A change here needs a migration; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    Update,
    update,
)
from sqlalchemy.dialects.sqlite import insert

from prelabel.types import FIRST_TEXTS, ProjectKey

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class UtcTime(TypeDecorator[datetime]):
    """An aware UTC time, kept as microseconds since 1970: exact, and ordered in every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - SQLAlchemy's signature
        return None if value is None else (value - EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        return None if value is None else EPOCH + timedelta(microseconds=value)


metadata = MetaData()

project_table = Table(
    "projects",
    metadata,
    Column("project", Text, primary_key=True),
    Column("label_config", Text),
    Column("label_config_at", UtcTime),
    # Two counters make "due" a fact in rows: label changes so far, and those a training has seen.
    Column("label_changes", Integer, nullable=False, default=0),
    Column("trained_changes", Integer, nullable=False, default=0),
    Column("active_version", Integer),
    # A sync is wanted from this time on; none is while it is empty.
    Column("sync_due_at", UtcTime),
    Column("sync_number", Integer, nullable=False, default=0),
    Column("sync_failures", Integer, nullable=False, default=0),
    # Of the sync under way, see `syncs`: tasks up to this id are stored; none is under way while
    # it is empty. It shows what changed since a time of Label Studio's, or everything; the one
    # after it will show what changed since `sync_until`.
    Column("sync_after_id", BigInteger),
    Column("sync_since", UtcTime),
    Column("sync_until", UtcTime),
    # Of the last one that ended: when it did, by our clock; and its `sync_until`.
    Column("synced_at", UtcTime),
    Column("synced_until", UtcTime),
    # How counts of labels differ from Label Studio's although they have been compared.
    Column("sync_difference", Text),
    # After failures, and while texts are on their way, nothing is tried before this time, except
    # what someone asks for.
    Column("failures", Integer, nullable=False, default=0),
    Column("retry_at", UtcTime),
    # Who works on the project, and until when that counts without renewal.
    Column("lease_owner", Text),
    Column("lease_until", UtcTime),
    Column("deleted_at", UtcTime),
    Column("settings", JSON(none_as_null=True)),
    # Whether the last setup said nothing of them, see `ProjectSettingsStore.set`.
    Column("settings_left_out", Boolean, nullable=False, default=False, server_default="0"),
    # From which level on tasks without annotations are kept, see `pool`.
    Column("pool_level", Integer, nullable=False, server_default="0"),
    # How many tasks are in the pool. From so many on, a training is due that has too few labels to
    # learn from; while it is empty, texts make none due.
    Column("texts", Integer, nullable=False, server_default="0"),
    # The server's default is of rows that were there before the column.
    Column("texts_due", Integer, default=FIRST_TEXTS, server_default="1000"),
    # When texts that could not be fetched are tried again; empty while nothing waits for any.
    Column("fetch_due_at", UtcTime),
    # How often in a row Label Studio has refused a sync, which may be of no use for good.
    Column("sync_refusals", Integer, nullable=False, server_default="0"),
    # When one is due although nobody asks; empty until one has ended, or has failed.
    Column("sync_again_at", UtcTime),
)


def _project_column() -> Column[str]:
    return Column("project", Text, ForeignKey(project_table.c.project), primary_key=True)


task_table = Table(
    "tasks",
    metadata,
    _project_column(),
    Column("task", BigInteger, primary_key=True, autoincrement=False),
    Column("data", JSON, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("deleted", Boolean, nullable=False, default=False),
    Column("sync_number", Integer, nullable=False),
    Column("level", Integer, nullable=False, server_default="0"),
)

annotation_table = Table(
    "annotations",
    metadata,
    _project_column(),
    Column("annotation", BigInteger, primary_key=True, autoincrement=False),
    Column("task", BigInteger, nullable=False),
    Column("regions", JSON, nullable=False),
    Column("was_cancelled", Boolean, nullable=False),
    Column("ground_truth", Boolean, nullable=False),
    Column("completed_by", BigInteger),
    Column("updated_at", UtcTime, nullable=False),
    Column("deleted", Boolean, nullable=False, default=False),
    Column("sync_number", Integer, nullable=False),
    Index("annotations_by_task", "project", "task"),
)

version_table = Table(
    "versions",
    metadata,
    _project_column(),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("artifact", Text, nullable=False),
    Column("examples", Integer, nullable=False),
    Column("heads", JSON, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("metrics", JSON(none_as_null=True)),
    Column("withheld", Text),
    # When it was rolled back; empty for all that may be active.
    Column("withdrawn_at", UtcTime),
)

job_table = Table(
    "jobs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("project", Text, ForeignKey(project_table.c.project), nullable=False),
    Column("reason", Text, nullable=False),
    Column("must_train", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("message", Text, nullable=False, default=""),
    Column("model_version", Text),
    Column("attempts", Integer, nullable=False, default=0),
    Column("created_at", UtcTime, nullable=False),
    Column("started_at", UtcTime),
    Column("finished_at", UtcTime),
    Index("jobs_by_project", "project", "state"),
)

# What models that read Label Studio's JSON themselves are told, and what they remember.
model_event_table = Table(
    "model_events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("project", Text, ForeignKey(project_table.c.project), nullable=False),
    Column("action", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("message", Text, nullable=False, default=""),
    Column("attempts", Integer, nullable=False, default=0),
    Column("created_at", UtcTime, nullable=False),
    Column("finished_at", UtcTime),
    Index("model_events_by_project", "project", "state"),
)

model_state_table = Table(
    "model_state",
    metadata,
    _project_column(),
    Column("name", Text, primary_key=True),
    Column("value", JSON, nullable=False),
)

# Texts of which tasks have only the address; a row without a text says that it cannot be fetched.
fetched_text_table = Table(
    "fetched_texts",
    metadata,
    _project_column(),
    Column("url_sha256", Text, primary_key=True),
    Column("text", Text),
    Column("failures", Integer, nullable=False, default=0),
    Column("retry_at", UtcTime),
    # When it was fetched, or could not be.
    Column("tried_at", UtcTime),
)


def is_project(project: ProjectKey) -> ColumnElement[bool]:
    """Return the condition that a row of `project_table` is a project's."""
    return project_table.c.project == str(project)


def update_project(project: ProjectKey) -> Update:
    """Return an update of a project's row, still without values."""
    return update(project_table).where(is_project(project))


def upsert(connection: Connection, table: Table, *rows: Mapping[str, object]) -> None:
    """Write rows, all with the same columns; of a row that is there, only those change."""
    if rows:
        statement = insert(table)
        given = (column for column in statement.excluded if column.name in rows[0])
        others = {c.name: c for c in given if c.name not in table.primary_key.columns}
        connection.execute(
            statement.on_conflict_do_update(index_elements=table.primary_key, set_=others),
            [dict(row) for row in rows],
        )
