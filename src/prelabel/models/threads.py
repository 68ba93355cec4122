"""One thread for what a fit computes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock


class _Fits:
    """Fits under way in this process, whose limit is one: the first that ends must not lift it."""

    def __init__(self) -> None:
        self._n_running = 0
        self._limits = ExitStack()
        self._changing = Lock()

    def begin(self) -> None:
        # SciPy has a linear algebra of its own, and what is loaded later would have all the
        # threads: so each fit limits what is there when it begins.
        import scipy.linalg  # noqa: F401, PLC0415 - a process that serves does without
        from threadpoolctl import (  # type: ignore[import-untyped]  # noqa: PLC0415
            threadpool_limits,
        )

        with self._changing:
            self._limits.enter_context(threadpool_limits(limits=1))
            self._n_running += 1

    def end(self) -> None:
        with self._changing:
            self._n_running -= 1
            if not self._n_running:
                self._limits.close()  # the last limit first: what was before the first one is left


_FITS = _Fits()


@contextmanager
def one_thread() -> Iterator[None]:
    """Let linear algebra have one thread, until the last of the fits that overlap has ended.

    More, on a machine that also serves, take 40 times as long. And a sum that is divided among
    threads is rounded otherwise: the same fit would not give the same bits.
    """
    _FITS.begin()
    try:
        yield
    finally:
        _FITS.end()
