"""Leases: the right to work on a project for some seconds."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, or_, select

from prelabel.errors import LeaseLostError
from prelabel.storage.clock import has_come
from prelabel.storage.tables import is_project, project_table
from prelabel.types import ProjectKey

LONGEST_LEASE = timedelta(minutes=5)
"""No lease is given for longer."""


def check_lease(connection: Connection, project: ProjectKey, owner: str) -> None:
    """Raise `LeaseLostError` unless ``owner`` holds the project's lease."""
    holder = select(project_table.c.lease_owner).where(is_project(project))
    if connection.scalar(holder) != owner:
        raise LeaseLostError(project)


def is_free(moment: datetime) -> ColumnElement[bool]:
    """Return the condition that nobody works on a project."""
    until = project_table.c.lease_until
    return or_(until.is_(None), has_come(until, moment, longest=LONGEST_LEASE))
