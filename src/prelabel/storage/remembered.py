"""Answers of the store that are asked for at every request: read once while nothing changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from prelabel.recent import Recent
from prelabel.storage.database import Database
from prelabel.types import ProjectKey

Answer = TypeVar("Answer")

_PROJECTS = 1000


class Remembered(Generic[Answer]):
    """One kind of answer, of each of the projects that were asked about last."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._answers = Recent[ProjectKey, tuple[int, Answer]](_PROJECTS)

    def get(self, project: ProjectKey, read: Callable[[], Answer]) -> Answer:
        """Return what is known of a project; read it if anything has changed since."""
        change = self._database.last_change()
        known = self._answers.get(project)
        if known is None or known[0] != change:
            known = self._answers[project] = change, read()
        return known[1]

    def known(self, project: ProjectKey, change: int) -> Answer | None:
        """Return what was read since a change (`Database.last_change`); None if nothing was."""
        known = self._answers.get(project)
        return known[1] if known and known[0] == change else None

    def last(self, project: ProjectKey) -> Answer | None:
        """Return what was read last, whatever has changed since; None if nothing was."""
        known = self._answers.get(project)
        return known[1] if known else None
