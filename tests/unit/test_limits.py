from __future__ import annotations

import asyncio

import pytest

from prelabel.errors import UnavailableError
from prelabel.server import limits
from prelabel.server.limits import PROJECTS, ProjectLimiters, Turns
from prelabel.types import ProjectKey


def test_a_project_has_one_limiter_until_too_many_others_were_asked_for() -> None:
    limiters, first = ProjectLimiters(), ProjectKey(1, 1)
    limiter = limiters.of(first)
    assert limiters.of(first) is limiter
    for number in range(2, PROJECTS + 2):
        assert limiters.of(ProjectKey(number, 1)) is not limiter
    assert limiters.of(first) is not limiter


def test_it_is_told_that_news_may_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_WAITING", 0)
    refused: list[bool] = []
    turns = Turns(1, 100, refused=lambda: refused.append(True))
    with pytest.raises(UnavailableError):
        asyncio.run(turns.run(list, b""))
    assert refused
