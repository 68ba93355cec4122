"""Texts of which tasks have only the address: fetched beside the requests, kept, filled in."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from prelabel.errors import StorageError, UpstreamError
from prelabel.label_config import FETCHED_KEY, LabelSchema
from prelabel.storage.fetched import FetchedTexts
from prelabel.storage.projects import ProjectStore
from prelabel.types import ProjectKey

log = logging.getLogger(__name__)

AT_ONCE = 8
MOST_WAITING = 1_000
GIVE_UP = 2 * AT_ONCE
"""After so many texts in a row of which none could be had, no more are tried for now."""

Data = Mapping[str, object]
Fetch = Callable[[ProjectKey, str], str]


class Texts:
    """Gives tasks the texts of which they have only the address.

    What requests ask for is fetched after them: nothing waits for another host but threads of its
    own and trainings.

    Parameters
    ----------
    fetch
        Returns the text at an address of a project's task; raises `UpstreamError`.
    most_waiting
        Texts that are asked for and not fetched yet; beyond, who asks must ask again.
    """

    def __init__(
        self,
        store: FetchedTexts,
        projects: ProjectStore,
        fetch: Fetch,
        *,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        self._store = store
        self._projects = projects
        self._fetch = fetch
        self._most_waiting = most_waiting
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="texts")
        self._lock = threading.Lock()
        self._waiting: set[tuple[ProjectKey, str]] = set()

    def fill(self, project: ProjectKey, schema: LabelSchema, data: Sequence[Data]) -> list[Data]:
        """Return tasks' data with the texts that were fetched before."""
        if not schema.has_urls:
            return list(data)
        urls = [schema.find_urls(item) for item in data]
        texts = self._store.find(project, {url for several in urls for url in several})
        return [
            {**item, FETCHED_KEY: {url: texts[url] for url in several if url in texts}}
            for item, several in zip(data, urls, strict=True)
        ]

    def count_missing(self, project: ProjectKey, schema: LabelSchema, data: Sequence[Data]) -> int:
        """Return of how many tasks a text is not there."""
        urls = [schema.find_urls(item) for item in data]
        texts = self._store.find(project, {url for several in urls for url in several})
        return sum(any(url not in texts for url in several) for several in urls)

    def ask(self, project: ProjectKey, schema: LabelSchema, data: Iterable[Data]) -> None:
        """Have the texts fetched that are not yet, later; those of strangers are not."""
        if not schema.has_urls or not self._projects.is_known(project):
            return
        for url in self._store.find_due(project, _find_urls(schema, data)):
            with self._lock:
                item = project, url
                if item in self._waiting or len(self._waiting) >= self._most_waiting:
                    continue
                self._waiting.add(item)
            self._pool.submit(self._fetch_waiting, project, url)

    def fetch(self, project: ProjectKey, schema: LabelSchema, data: Iterable[Data]) -> None:
        """Fetch the texts that are not yet, now; what fails costs its task only."""
        if schema.has_urls:
            self._fetch_all(project, self._store.find_due(project, _find_urls(schema, data)))

    def fetch_some(
        self, project: ProjectKey, schema: LabelSchema, data: Iterable[Data], *, at_most: int
    ) -> int:
        """Fetch the next texts that are not yet, now; return how many are left that are new.

        Where not one of several can be had it stops: their host may be away. What failed before
        comes last and is not counted: it may fail for good, and keeps nobody waiting.
        """
        if not schema.has_urls:
            return 0
        urls = _find_urls(schema, data)
        new = self._store.find_new(project, urls)
        due = [*dict.fromkeys([*new, *self._store.find_due(project, urls)])]
        n_tried = 0
        for start in range(0, min(at_most, len(due)), GIVE_UP):
            some = due[start : min(start + GIVE_UP, at_most)]
            n_tried += len(some)
            if not self._fetch_all(project, some):
                break
        return max(0, len(new) - n_tried)

    def stop(self) -> None:
        """Fetch nothing more."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _fetch_waiting(self, project: ProjectKey, url: str) -> None:
        try:
            self._fetch_one(project, url)
        except StorageError as error:
            log.warning("Project %s: a text that was fetched cannot be kept: %s", project, error)
        finally:
            with self._lock:
                self._waiting.discard((project, url))

    def _fetch_all(self, project: ProjectKey, urls: Sequence[str]) -> int:
        """Fetch texts; return how many could be had."""
        return sum(self._pool.map(lambda url: self._fetch_one(project, url), urls))

    def _fetch_one(self, project: ProjectKey, url: str) -> bool:
        """Fetch a text; return whether it could be had."""
        try:
            text = self._fetch(project, url)
        except UpstreamError as error:
            log.warning("Project %s: %s", project, error)
            self._store.fail(project, url)
            return False
        self._store.keep(project, url, text)
        return True


def _find_urls(schema: LabelSchema, data: Iterable[Data]) -> list[str]:
    return [url for item in data for url in sorted(schema.find_urls(item))]
