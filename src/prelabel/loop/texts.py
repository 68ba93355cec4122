"""Texts of which tasks have only the address: fetched beside the requests, kept, filled in."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from prelabel.errors import StorageError, UpstreamError
from prelabel.label_config import FETCHED_KEY, LabelSchema
from prelabel.storage.clock import now
from prelabel.storage.fetched import FetchedTexts, Missing
from prelabel.storage.projects import ProjectStore
from prelabel.types import ProjectKey

log = logging.getLogger(__name__)

AT_ONCE = 8
MOST_WAITING = 1_000
GIVE_UP = 2 * AT_ONCE
"""After so many texts in a row for which no host answered, no more are tried for now."""

Data = Mapping[str, object]
Fetch = Callable[[ProjectKey, str], str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetched:
    """What came of fetching texts.

    Attributes
    ----------
    n_had
        How many there are more.
    n_new
        How many are left that nobody has tried.
    retry_at
        When what has failed is worth another try; None if nothing has.
    """

    n_had: int = 0
    n_new: int = 0
    retry_at: datetime | None = None


class _Try(NamedTuple):
    """Whether a host answered, and when to try again; None if there is the text."""

    retry_at: datetime | None
    has_answer: bool


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
        urls, texts = self._find_texts(project, schema, data)
        return [
            {**item, FETCHED_KEY: {url: texts[url] for url in several if url in texts}}
            for item, several in zip(data, urls, strict=True)
        ]

    def count_missing(self, project: ProjectKey, schema: LabelSchema, data: Sequence[Data]) -> int:
        """Return of how many tasks a text is not there."""
        if not schema.has_urls:
            return 0
        urls, texts = self._find_texts(project, schema, data)
        return sum(any(url not in texts for url in several) for several in urls)

    def ask(self, project: ProjectKey, schema: LabelSchema, data: Iterable[Data]) -> None:
        """Have the texts fetched that are not yet, later; those of strangers are not."""
        if not schema.has_urls or not self._projects.is_known(project):
            return
        missing = self._store.find_missing(project, _find_urls(schema, data))
        for url in (*missing.new, *missing.due):
            with self._lock:
                item = project, url
                if item in self._waiting or len(self._waiting) >= self._most_waiting:
                    continue
                self._waiting.add(item)
            self._pool.submit(self._fetch_waiting, project, url)

    def fetch(
        self,
        project: ProjectKey,
        schema: LabelSchema,
        data: Iterable[Data],
        *,
        at_most: int | None = None,
    ) -> Fetched:
        """Fetch the next texts that are not there, now; what fails costs its task only.

        What failed before comes last. Where no host answers for several in a row it stops.
        """
        if not schema.has_urls:
            return Fetched()
        missing = self._store.find_missing(project, _find_urls(schema, data))
        urls, tried = [*missing.new, *missing.due], list[_Try]()
        for start in range(0, len(urls[:at_most]), GIVE_UP):
            some = urls[:at_most][start : start + GIVE_UP]
            tries = [*self._pool.map(lambda url: self._fetch_one(project, url), some)]
            tried += tries
            if not any(each.has_answer for each in tries):
                return _count(missing, tried, next_at=max(each.retry_at or now() for each in tries))
        n_due = len(urls) - max(len(tried), len(missing.new))
        return _count(missing, tried, next_at=now() if n_due else None)

    def try_again(self, project: ProjectKey, at: datetime | None) -> None:
        """Have a job made that fetches what has failed, at a time; None has none made."""
        self._store.try_again(project, at)

    def forget(self, project: ProjectKey, gone: Iterable[Data]) -> None:
        """Forget the texts of tasks that were deleted, given their data; not those of others."""
        self._store.forget(project, gone)

    def stop(self) -> None:
        """Fetch nothing more."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _find_texts(
        self, project: ProjectKey, schema: LabelSchema, data: Sequence[Data]
    ) -> tuple[list[frozenset[str]], Mapping[str, str]]:
        """Return the addresses in each task's data, and the texts of those that were fetched."""
        urls = [schema.find_urls(item) for item in data]
        return urls, self._store.find(project, {url for several in urls for url in several})

    def _fetch_waiting(self, project: ProjectKey, url: str) -> None:
        try:
            missing = self._store.find_missing(project, [url])
            if missing.new or missing.due:  # it may have come while somebody asked for it again
                self._fetch_one(project, url)
        except StorageError as error:
            log.warning("Project %s: a text that was fetched cannot be kept: %s", project, error)
        finally:
            with self._lock:
                self._waiting.discard((project, url))

    def _fetch_one(self, project: ProjectKey, url: str) -> _Try:
        try:
            text = self._fetch(project, url)
        except UpstreamError as error:
            log.warning("Project %s: %s", project, error)
            return _Try(self._store.fail(project, url), has_answer=not error.retryable)
        self._store.keep(project, url, text)
        return _Try(None, has_answer=True)


def _count(missing: Missing, tried: Sequence[_Try], *, next_at: datetime | None) -> Fetched:
    """Return what came of it; without a time for the next try, that is when the first is due."""
    put_off = [missing.retry_at, *(each.retry_at for each in tried)]
    return Fetched(
        n_had=sum(each.retry_at is None for each in tried),
        n_new=max(0, len(missing.new) - len(tried)),
        retry_at=next_at or min(filter(None, put_off), default=None),
    )


def _find_urls(schema: LabelSchema, data: Iterable[Data]) -> list[str]:
    return [url for item in data for url in sorted(schema.find_urls(item))]
