"""What projects set for themselves."""

from __future__ import annotations

from sqlalchemy import select

from prelabel.errors import StorageError
from prelabel.storage.database import Database
from prelabel.storage.remembered import Remembered
from prelabel.storage.tables import is_project, project_table, update_project
from prelabel.types import ProjectKey, ProjectSettings


class ProjectSettingsStore:
    """Remembers settings of projects; nothing is queried while nothing has changed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._settings = Remembered[ProjectSettings](database)

    def get(self, project: ProjectKey) -> ProjectSettings:
        """Return a project's settings; those of a project that is not known are empty.

        While the store cannot be read they are what they were: what is loaded is served on.
        """

        def read() -> ProjectSettings:
            query = select(project_table.c.settings).where(is_project(project))
            with self._database.read() as connection:
                return ProjectSettings.from_mapping(connection.scalar(query))

        try:
            return self._settings.get(project, read)
        except StorageError:
            if (before := self._settings.last(project)) is None:
                raise
            return before

    def known(self, project: ProjectKey, change: int) -> ProjectSettings | None:
        """Return a project's settings since a change, if they are known; None if not."""
        return self._settings.known(project, change)

    def set(self, project: ProjectKey, settings: ProjectSettings) -> ProjectSettings:
        """Set a known project's settings; return those before. Writes only if that is news."""
        before = self.get(project)
        if before != settings:
            with self._database.write() as connection:
                connection.execute(update_project(project).values(settings=settings.to_mapping()))
        return before
