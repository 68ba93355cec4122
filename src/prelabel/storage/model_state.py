"""What a raw model remembers of a project, durably."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, select
from sqlalchemy.exc import StatementError

from prelabel.errors import ModelError, shorten
from prelabel.storage.database import Database
from prelabel.storage.tables import model_state_table as table
from prelabel.storage.tables import upsert
from prelabel.types import ProjectKey


class ModelState(MutableMapping[str, Any]):
    """A project's values of JSON by name. What was set is durable when that returns.

    A text is queried once while nothing has changed. Other values are the caller's own, who may
    change them, and are read each time.
    """

    def __init__(self, database: Database, project: ProjectKey) -> None:
        self._database = database
        self._project = project
        self._texts: dict[str, tuple[int, str]] = {}

    def __getitem__(self, name: str) -> Any:
        change = self._database.last_change()
        known = self._texts.get(name)
        if known is not None and known[0] == change:
            return known[1]
        query = select(table.c.value).where(self._is(name))
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            raise KeyError(name)
        if isinstance(row.value, str):
            self._texts[name] = change, row.value
        return row.value

    def __setitem__(self, name: str, value: Any) -> None:
        try:
            with self._database.write() as connection:
                row = {"project": str(self._project), "name": name, "value": value}
                upsert(connection, table, row)
        except StatementError as error:
            if not isinstance(error.orig, TypeError):
                raise
            raise ModelError(
                f"The model set {shorten(name)} to {shorten(value)}",
                expected="a value of JSON",
                fix="Keep numbers, texts, lists and mappings with set; other things in a file.",
            ) from error

    def __delitem__(self, name: str) -> None:
        with self._database.write() as connection:
            if not connection.execute(delete(table).where(self._is(name))).rowcount:
                raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        query = select(table.c.name).where(table.c.project == str(self._project))
        with self._database.read() as connection:
            return iter(list(connection.scalars(query)))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _is(self, name: str) -> ColumnElement[bool]:
        return and_(table.c.project == str(self._project), table.c.name == name)
