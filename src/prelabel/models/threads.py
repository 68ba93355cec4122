"""One thread for what a fit computes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_thread() -> Iterator[None]:
    """Let linear algebra have one thread.

    More, on a machine that also serves, take 40 times as long. And a sum that is divided among
    threads is rounded otherwise: the same fit would not give the same bits.
    """
    # SciPy has a linear algebra of its own, and what is loaded later would have all the threads.
    import scipy.linalg  # noqa: F401, PLC0415 - a process that serves does without
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # noqa: PLC0415

    with threadpool_limits(limits=1):
        yield
