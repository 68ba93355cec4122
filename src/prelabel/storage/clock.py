"""What time it is, and how long to wait: by a clock that may be set back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, or_

FIRST_RETRY = timedelta(seconds=5)
LONGEST_RETRY = timedelta(minutes=10)


def pause_after(failures: int) -> timedelta:
    """Return how long to wait after so many failures before this one: 5 s, doubled to 10 min."""
    doublings: int = 2 ** min(failures, 10)
    return min(FIRST_RETRY * doublings, LONGEST_RETRY)


def has_come(
    time: ColumnElement[Any], moment: datetime, *, longest: timedelta = LONGEST_RETRY
) -> ColumnElement[bool]:
    """Return the condition that a time has come, or is so far ahead that a clock was set back."""
    return or_(time <= moment, time > moment + longest)


def now() -> datetime:
    """Return the time, aware and in UTC."""
    return datetime.now(UTC)
