from __future__ import annotations

import threading
from functools import partial

import anyio
import pytest

from prelabel.errors import UnavailableError
from prelabel.server.limits import MOST_WAITING, Turns


@pytest.mark.parametrize(("n_bytes", "n_held"), [(1, 2 + MOST_WAITING), (400, 3)])
def test_no_more_may_wait_for_their_turn_than_can_be_held_and_all_others_get_it(
    n_bytes: int, n_held: int
) -> None:
    go_on, done = threading.Event(), list[int]()

    def work(number: int) -> None:
        go_on.wait(60)
        done.append(number)

    async def send_all() -> None:
        turns, body = Turns(2, most_bytes=1000), b"x" * n_bytes
        async with anyio.create_task_group() as requests:
            for number in range(n_held):
                requests.start_soon(turns.run, partial(work, number), body)
                await anyio.wait_all_tasks_blocked()
            try:
                with pytest.raises(UnavailableError, match="wait for their turn"):
                    await turns.run(partial(work, -1), body)
            finally:
                go_on.set()
        await turns.run(partial(work, n_held), body)

    anyio.run(send_all)
    assert sorted(done) == list(range(n_held + 1))
