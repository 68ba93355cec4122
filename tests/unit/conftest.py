from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from prelabel.label_studio.client import LabelStudioClient
from tests.label_studio import (
    LEGACY,
    Answer,
    Connect,
    Reply,
    Request,
    Serve,
    Server,
)


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Start a server that gives each reply once, the last one for ever."""
    monkeypatch.setenv("NO_PROXY", "*")
    with ExitStack() as stack:

        def start(*replies: Answer | Reply) -> Server:
            left = list(replies)

            def answer(request: Request) -> Reply:
                reply = left.pop(0) if len(left) > 1 else left[0]
                return reply if isinstance(reply, Reply) else reply(request)

            return stack.enter_context(Server(answer).running())

        yield start


@pytest.fixture
def connect() -> Iterator[Connect]:
    def make(server: Server, key: str = LEGACY, **options: Any) -> LabelStudioClient:
        made = LabelStudioClient(server.url, key, **{"backoff_seconds": 0.001, **options})
        return entered.enter_context(made)

    with ExitStack() as entered:
        yield make
