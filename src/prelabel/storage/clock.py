"""What time it is, and how long to wait: by a clock that may be set back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, overload

from sqlalchemy import ColumnElement

FIRST_RETRY = timedelta(seconds=5)
LONGEST_RETRY = timedelta(minutes=10)


def pause_after(
    failures: int, *, first: timedelta = FIRST_RETRY, longest: timedelta = LONGEST_RETRY
) -> timedelta:
    """Return how long to wait after so many failures before this one: doubled each time."""
    doublings: int = 2 ** min(failures, 20)
    return min(first * doublings, longest)


@overload
def has_come(time: datetime, moment: datetime, *, longest: timedelta = ...) -> bool: ...


@overload
def has_come(
    time: ColumnElement[Any], moment: datetime, *, longest: timedelta = ...
) -> ColumnElement[bool]: ...


def has_come(time: Any, moment: datetime, *, longest: timedelta = LONGEST_RETRY) -> Any:
    """Return whether a time has come, or is so far ahead that a clock was set back since.

    Of a column, the condition that it has. Nothing is put off for longer than ``longest``.
    """
    return (time <= moment) | (time > moment + longest)


def now() -> datetime:
    """Return the time, aware and in UTC."""
    return datetime.now(UTC)
