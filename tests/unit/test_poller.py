from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest

from prelabel.errors import StorageError
from prelabel.storage.poller import Poller
from tests.backend import wait_for

Run = Callable[..., Poller]

FAULT = StorageError("The database is gone", expected="a file", fix="Put it back.")


@pytest.fixture
def looks() -> list[float]:
    """When was looked, on the monotonic clock."""
    return []


@pytest.fixture
def run(looks: list[float]) -> Iterator[Run]:
    """Start pollers that look and raise; each is stopped at the end."""
    started: list[Poller] = []

    def start(error: Exception | None = None, **options: Any) -> Poller:
        def look() -> None:
            looks.append(time.monotonic())
            if error is not None:
                raise error

        started.append(Poller(look, name="poller", wanted="work", **options))
        started[-1].start()
        return started[-1]

    yield start
    for poller in started:
        poller.stop()


def test_what_nobody_announced_is_looked_for(run: Run, looks: list[float]) -> None:
    run(poll_seconds=0.01)
    wait_for(lambda: len(looks) > 3)


def test_a_look_that_raises_is_tried_again_after_a_pause_that_grows(
    run: Run, looks: list[float]
) -> None:
    run(FAULT, poll_seconds=0.02)
    wait_for(lambda: len(looks) >= 5)
    for number, (before, after) in enumerate(pairwise(looks)):
        assert after - before > 0.9 * 0.02 * 2**number


def test_what_may_not_wait_is_tried_again_soon(run: Run, looks: list[float]) -> None:
    run(FAULT, poll_seconds=0.01, may_wait=lambda: False)
    wait_for(lambda: len(looks) >= 30)


def test_who_is_woken_waits_no_longer(run: Run, looks: list[float]) -> None:
    poller = run(poll_seconds=20)
    for _ in range(3):
        looks.clear()
        poller.wake()
        wait_for(lambda: looks, seconds=10)


def test_to_be_woken_during_a_fault_neither_ends_a_pause_nor_makes_it_longer(
    run: Run, looks: list[float]
) -> None:
    poller = run(FAULT, poll_seconds=0.1)
    for _ in range(100):
        poller.wake()
        time.sleep(0.001)
    assert len(looks) <= 3
    wait_for(lambda: len(looks) > 3, seconds=10)


def test_a_poller_that_waits_is_stopped_at_once(run: Run, looks: list[float]) -> None:
    poller = run(FAULT, poll_seconds=20)
    began = time.monotonic()
    poller.stop()
    assert time.monotonic() - began < 10
    assert poller.is_stopping
    assert len(looks) == 1, "it looks a last time"


@pytest.mark.parametrize(("error", "is_news"), [(FAULT, False), (ZeroDivisionError("x"), True)])
def test_a_traceback_is_logged_only_of_what_nobody_foresaw(
    run: Run, caplog: pytest.LogCaptureFixture, error: Exception, is_news: bool
) -> None:
    run(error).wake()
    wait_for(lambda: caplog.records)
    assert f"Looking for work failed; it is tried again in 1 s: {error}" in caplog.text
    assert ("Traceback" in caplog.text) is is_news
