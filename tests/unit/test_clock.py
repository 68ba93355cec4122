from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import create_engine, literal, select

from prelabel.storage.clock import has_come, pause_after
from prelabel.storage.tables import UtcTime

MOMENT = datetime(2026, 5, 1, tzinfo=UTC)


def test_a_pause_doubles_from_five_seconds_to_ten_minutes() -> None:
    pauses = [pause_after(failures).total_seconds() for failures in (0, 1, 2, 6, 7, 10**6)]
    assert pauses == [5, 10, 20, 320, 600, 600]


def test_a_pause_may_be_given_its_first_and_its_longest() -> None:
    minute, day = timedelta(minutes=1), timedelta(days=1)
    pauses = [pause_after(failures, first=minute, longest=day) for failures in (0, 10, 11, 10**6)]
    assert pauses == [minute, 1024 * minute, day, day]


@pytest.mark.parametrize(
    ("minutes", "has"), [(-9999, True), (0, True), (1, False), (60, False), (61, True)]
)
def test_a_time_has_come_or_is_of_a_clock_that_was_set_back(minutes: int, has: bool) -> None:
    time, longest = MOMENT + timedelta(minutes=minutes), timedelta(hours=1)
    assert has_come(time, MOMENT, longest=longest) is has
    in_a_column = select(has_come(literal(time, UtcTime), MOMENT, longest=longest))
    with create_engine("sqlite://").connect() as connection:
        assert bool(connection.scalar(in_a_column)) is has
