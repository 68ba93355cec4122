from __future__ import annotations

import asyncio
from unittest.mock import AsyncMock

import pytest
from starlette.types import Message, Receive, Scope, Send

from prelabel.errors import UnavailableError
from prelabel.server import limits
from prelabel.server.limits import PROJECTS, BodiesTogether, ProjectLimiters, Turns
from prelabel.types import ProjectKey


def test_a_project_has_one_limiter_until_too_many_others_were_asked_for() -> None:
    limiters, first = ProjectLimiters(), ProjectKey(1, 1)
    limiter = limiters.of(first)
    assert limiters.of(first) is limiter
    for number in range(2, PROJECTS + 2):
        assert limiters.of(ProjectKey(number, 1)) is not limiter
    assert limiters.of(first) is not limiter


def test_bodies_of_strangers_take_no_more_together_than_they_may() -> None:
    refused: list[bool] = []
    came = asyncio.Queue[int]()

    async def read(_scope: Scope, receive: Receive, _send: Send) -> None:
        while (await receive())["more_body"]:
            came.put_nowait(1)

    app = BodiesTogether(read, most_bytes=100, refused=lambda: refused.append(True))

    async def post(*sizes: int, end: asyncio.Event | None = None) -> None:
        sent = iter(sizes)

        async def receive() -> Message:
            size = next(sent, None)
            if size is None and end:
                await end.wait()
            return {"body": b"x" * (size or 0), "more_body": size is not None}

        await app({}, receive, AsyncMock())

    async def together() -> None:
        end = asyncio.Event()
        slow = asyncio.create_task(post(30, 30, end=end))
        for _ in range(2):
            await came.get()
        with pytest.raises(UnavailableError, match="Expected: 100 bytes"):
            await post(30, 30)
        await post(30)
        end.set()
        await slow
        await post(60, 40)

    asyncio.run(together())
    assert refused == [True]


def test_it_is_told_that_news_may_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_WAITING", 0)
    refused: list[bool] = []
    turns = Turns(1, 100, refused=lambda: refused.append(True))
    with pytest.raises(UnavailableError):
        asyncio.run(turns.run(list, b""))
    assert refused
