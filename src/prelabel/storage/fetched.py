"""Texts that were fetched, by project and address; and which cannot be for now."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, or_, select

from prelabel.storage.clock import has_come, now, pause_after
from prelabel.storage.database import Database
from prelabel.storage.pool import is_alive
from prelabel.storage.rows import batches
from prelabel.storage.tables import fetched_text_table as table
from prelabel.storage.tables import task_table, update_project, upsert
from prelabel.types import ProjectKey

FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(days=1)

KEPT_UNUSED = timedelta(days=1)
"""So long a text is kept that no task has which is known here: of more than the pool takes in,
predictions may be asked for, and what was imported just now is not stored yet."""

_ROWS_AT_ONCE = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Missing:
    """Addresses whose texts are not there, once each and in their order.

    Attributes
    ----------
    new
        Those that nobody has tried to fetch.
    due
        Those that have failed, and whose pause is over.
    retry_at
        When the first of those that are still put off is due; None if there are none.
    """

    new: list[str]
    due: list[str]
    retry_at: datetime | None


class FetchedTexts:
    """Remembers texts that were fetched. A text stays as it was fetched, as long as a task has it.

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

    def find_missing(self, project: ProjectKey, urls: Iterable[str]) -> Missing:
        """Return the addresses whose texts are not there."""
        wanted = list(dict.fromkeys(urls))
        moment, state = now(), dict[str, bool | None]()
        pauses = list[datetime]()
        for batch in batches([_hash(url) for url in wanted]):
            query = select(table.c.url_sha256, table.c.text.is_not(None), table.c.retry_at).where(
                table.c.project == str(project), table.c.url_sha256.in_(batch)
            )
            with self._database.read() as connection:
                for digest, is_there, retry_at in connection.execute(query):
                    is_put_off = retry_at and not has_come(retry_at, moment, longest=LONGEST_PAUSE)
                    state[digest] = not (is_there or is_put_off)
                    pauses += [retry_at] if is_put_off else []
        of_url = [(url, state.get(_hash(url))) for url in wanted]
        return Missing(
            new=[url for url, is_due in of_url if is_due is None],
            due=[url for url, is_due in of_url if is_due],
            retry_at=min(pauses, default=None),
        )

    def keep(self, project: ProjectKey, url: str, text: str) -> None:
        """Remember a text of a known project."""
        # Half a surrogate pair cannot be stored.
        clean = text.encode("utf-8", "replace").decode()
        values = {"text": clean, "failures": 0, "retry_at": None, "tried_at": now()}
        self._write(project, url, values)

    def fail(self, project: ProjectKey, url: str) -> datetime:
        """Remember that an address of a known project could not be fetched; return when it is due.

        That is in a minute, and after twice as long each time it fails again, up to a day.
        """
        query = select(table.c.failures).where(_is(project, url))
        with self._database.read() as connection:
            failures = int(connection.scalar(query) or 0)
        retry_at = now() + pause_after(failures, first=FIRST_PAUSE, longest=LONGEST_PAUSE)
        values = {"failures": failures + 1, "retry_at": retry_at, "tried_at": now()}
        self._write(project, url, values)
        return retry_at

    def try_again(self, project: ProjectKey, at: datetime | None) -> None:
        """Note when a job is due that fetches what has failed; None if nothing waits for it."""
        with self._database.write() as connection:
            connection.execute(update_project(project).values(fetch_due_at=at))

    def forget(self, project: ProjectKey, gone: Iterable[Mapping[str, object]]) -> None:
        """Forget the texts of tasks that were deleted, given their data; not those of others."""
        digests = sorted({_hash(text) for data in gone for text in _find_strings(data)})
        found = set[str]()
        for batch in batches(digests):
            these = and_(table.c.project == str(project), table.c.url_sha256.in_(batch))
            with self._database.read() as connection:
                found |= set(connection.scalars(select(table.c.url_sha256).where(these)))
        if found:
            self._drop(project, found - self._find_used(project))

    def forget_unused(self, project: ProjectKey, *, dry_run: bool = False) -> int:
        """Forget what was fetched a day ago and more, and no task has; return how many texts.

        Those are of tasks that were deleted and not told, or left out of the pool.
        """
        at, a_day_ago = table.c.tried_at, now() - KEPT_UNUSED
        is_old = or_(at.is_(None), has_come(at, a_day_ago, longest=KEPT_UNUSED))
        old = select(table.c.url_sha256).where(table.c.project == str(project), is_old)
        with self._database.read() as connection:
            hashes = set(connection.scalars(old))
        unused = hashes - self._find_used(project) if hashes else hashes
        if not dry_run:
            self._drop(project, unused)
        return len(unused)

    def _find_used(self, project: ProjectKey) -> set[str]:
        """Return the hashes of all strings in tasks' data.

        Which of them are addresses the labeling config says; an edit of it may be taken back, and
        the address not be valid any more.
        """
        query = select(task_table.c.data).where(is_alive(project))
        with self._database.read() as connection:
            # In parts: the tasks are many, what is wanted of them is little.
            rows = connection.execution_options(yield_per=_ROWS_AT_ONCE).scalars(query)
            return {_hash(text) for data in rows for text in _find_strings(data)}

    def _drop(self, project: ProjectKey, hashes: Iterable[str]) -> None:
        for batch in batches(sorted(hashes)):
            these = and_(table.c.project == str(project), table.c.url_sha256.in_(batch))
            with self._database.write() as connection:
                connection.execute(delete(table).where(these))

    def _write(self, project: ProjectKey, url: str, values: Mapping[str, object]) -> None:
        key = {"project": str(project), "url_sha256": _hash(url)}
        with self._database.write() as connection:
            upsert(connection, table, {**key, **values})


def _is(project: ProjectKey, url: str) -> ColumnElement[bool]:
    return and_(table.c.project == str(project), table.c.url_sha256 == _hash(url))


def _find_strings(data: object) -> Iterator[str]:
    """Yield all strings in a task's data, as an address is read: without space around it."""
    values = [data]
    while values:
        value = values.pop()
        if isinstance(value, str):
            yield value.strip()
        elif isinstance(value, Mapping):
            values += value.values()
        elif isinstance(value, list):
            values += value


def _hash(url: str) -> str:
    return hashlib.sha256(url.encode("utf-8", "replace")).hexdigest()
