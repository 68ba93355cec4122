"""What fetches texts of which tasks have only the address, opened for the first of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from prelabel.loop.texts import Fetch, Texts
from prelabel.settings import Settings
from prelabel.storage.database import Database
from prelabel.storage.fetched import FetchedTexts
from prelabel.storage.projects import ProjectStore
from prelabel.types import ProjectKey


@contextmanager
def open_texts(settings: Settings, database: Database) -> Iterator[Texts]:
    """Yield what fills in the texts of tasks that have only their addresses."""
    with ExitStack() as opened:
        fetcher = _LateFetcher(settings, opened)
        texts = Texts(FetchedTexts(database), ProjectStore(database), fetcher.fetch)
        opened.callback(texts.stop)
        yield texts


class _LateFetcher:
    """Imports and opens what fetches when it is first asked: most projects have no such texts.

    An HTTP client is a tenth of what a start takes.
    """

    def __init__(self, settings: Settings, opened: ExitStack) -> None:
        self._settings = settings
        self._opened = opened
        self._opening = threading.Lock()
        self._fetch: Fetch | None = None

    def fetch(self, project: ProjectKey, address: str) -> str:
        with self._opening:
            if self._fetch is None:
                from prelabel.bootstrap.connections import open_fetcher  # noqa: PLC0415 - see above

                self._fetch = self._opened.enter_context(open_fetcher(self._settings)).fetch
        return self._fetch(project, address)
