"""What projects set for themselves."""

from __future__ import annotations

from sqlalchemy import select

from prelabel.errors import StorageError
from prelabel.recent import Recent
from prelabel.storage.database import Database
from prelabel.storage.projects import REMEMBERED
from prelabel.storage.tables import is_project, project_table, update_project
from prelabel.types import ProjectKey, ProjectSettings


class ProjectSettingsStore:
    """Remembers settings of projects; nothing is queried while nothing has changed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._read = Recent[ProjectKey, tuple[int, ProjectSettings]](REMEMBERED)

    def get(self, project: ProjectKey) -> ProjectSettings:
        """Return a project's settings; those of a project that is not known are empty.

        While the store cannot be read they are what they were: what is loaded is served on.
        """
        known = self._read.get(project)
        try:
            return self._get(project, known)
        except StorageError:
            if known is None:
                raise
            return known[1]

    def _get(
        self, project: ProjectKey, known: tuple[int, ProjectSettings] | None
    ) -> ProjectSettings:
        change = self._database.last_change()
        if known is None or known[0] != change:
            query = select(project_table.c.settings).where(is_project(project))
            with self._database.read() as connection:
                settings = ProjectSettings.from_mapping(connection.scalar(query))
            self._read[project] = known = change, settings
        return known[1]

    def known(self, project: ProjectKey, change: int) -> ProjectSettings | None:
        """Return a project's settings since a change, if they are known; None if not."""
        known = self._read.get(project)
        return known[1] if known and known[0] == change else None

    def set(self, project: ProjectKey, settings: ProjectSettings) -> ProjectSettings:
        """Set a known project's settings; return those before. Writes only if that is news."""
        before = self.get(project)
        if before != settings:
            with self._database.write() as connection:
                connection.execute(update_project(project).values(settings=settings.to_mapping()))
        return before
