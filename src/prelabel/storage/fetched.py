"""Texts that were fetched, by project and address; and which cannot be for now."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, insert, select, true, update

from prelabel.storage.database import Database
from prelabel.storage.projects import now
from prelabel.storage.rows import batches
from prelabel.storage.tables import fetched_text_table as table
from prelabel.types import ProjectKey

FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(days=1)


class FetchedTexts:
    """Remembers texts that were fetched. A text stays as it was fetched, as long as its project.

    Its address is kept as a hash: it may hold a password.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, project: ProjectKey, urls: Iterable[str]) -> Mapping[str, str]:
        """Return the texts that were fetched, by their addresses."""
        found: dict[str, str] = {}
        for batch in batches(sorted(set(urls))):
            by_hash = {_hash(url): url for url in batch}
            query = select(table.c.url_sha256, table.c.text).where(
                table.c.project == str(project),
                table.c.url_sha256.in_(by_hash),
                table.c.text.is_not(None),
            )
            with self._database.read() as connection:
                found |= {by_hash[row.url_sha256]: row.text for row in connection.execute(query)}
        return found

    def find_due(self, project: ProjectKey, urls: Iterable[str]) -> list[str]:
        """Return which addresses are to be fetched, in their order.

        Those are new ones, and failed ones after a pause: a minute, and twice as long each time.
        """
        return self._without(project, urls, table.c.text.is_not(None) | (table.c.retry_at > now()))

    def find_new(self, project: ProjectKey, urls: Iterable[str]) -> list[str]:
        """Return which addresses nobody has tried to fetch, in their order."""
        return self._without(project, urls, true())

    def _without(
        self, project: ProjectKey, urls: Iterable[str], known: ColumnElement[bool]
    ) -> list[str]:
        """Return the addresses, once each and in their order, of which that is not known."""
        wanted, found = list(dict.fromkeys(urls)), set[str]()
        for batch in batches(wanted):
            hashes = [_hash(url) for url in batch]
            query = select(table.c.url_sha256).where(
                table.c.project == str(project), table.c.url_sha256.in_(hashes), known
            )
            with self._database.read() as connection:
                found |= set(connection.scalars(query))
        return [url for url in wanted if _hash(url) not in found]

    def keep(self, project: ProjectKey, url: str, text: str) -> None:
        """Remember a text of a known project."""
        # Half a surrogate pair cannot be stored.
        clean = text.encode("utf-8", "replace").decode()
        self._write(project, url, {"text": clean, "failures": 0, "retry_at": None})

    def fail(self, project: ProjectKey, url: str) -> None:
        """Remember that an address of a known project could not be fetched."""
        query = select(table.c.failures).where(_is(project, url))
        with self._database.read() as connection:
            failures = int(connection.scalar(query) or 0) + 1
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(failures - 1, 20))
        self._write(project, url, {"failures": failures, "retry_at": now() + pause})

    def _write(self, project: ProjectKey, url: str, values: Mapping[str, object]) -> None:
        with self._database.write() as connection:
            changed = connection.execute(update(table).where(_is(project, url)).values(**values))
            if not changed.rowcount:
                key = {"project": str(project), "url_sha256": _hash(url)}
                connection.execute(insert(table).values(**key, **values))


def _is(project: ProjectKey, url: str) -> ColumnElement[bool]:
    return and_(table.c.project == str(project), table.c.url_sha256 == _hash(url))


def _hash(url: str) -> str:
    return hashlib.sha256(url.encode("utf-8", "replace")).hexdigest()
