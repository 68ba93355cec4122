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
        # With whether the last setup left them out.
        self._settings = Remembered[tuple[ProjectSettings, bool]](database)

    def get(self, project: ProjectKey) -> ProjectSettings:
        """Return a project's settings; those of a project that is not known are empty.

        While the store cannot be read they are what they were: what is loaded is served on.
        """
        try:
            return self._find(project)[0]
        except StorageError:
            if (before := self._settings.last(project)) is None:
                raise
            return before[0]

    def known(self, project: ProjectKey, change: int) -> ProjectSettings | None:
        """Return a project's settings since a change, if they are known; None if not."""
        known = self._settings.known(project, change)
        return known[0] if known else None

    def set(
        self, project: ProjectKey, given: ProjectSettings | None
    ) -> tuple[ProjectSettings, ProjectSettings]:
        """Take what a setup says of a known project's settings; return those before and those now.

        Writes only what is news.

        Parameters
        ----------
        given
            None if nothing is said of them. Said twice in a row, that means that there are none:
            Label Studio says it once whenever a connection is edited without them, and those it
            has right after (1.23.2, ``ml/serializers.py``, ``_validate_setup``).
        """
        before, were_left_out = self._find(project)
        are_left_out = given is None and before != ProjectSettings() and not were_left_out
        settings = before if are_left_out else given or ProjectSettings()
        news: dict[str, object] = {}
        if settings != before:
            news["settings"] = settings.to_mapping()
        if are_left_out != were_left_out:
            news["settings_left_out"] = are_left_out
        if news:
            with self._database.write() as connection:
                connection.execute(update_project(project).values(news))
        return before, settings

    def _find(self, project: ProjectKey) -> tuple[ProjectSettings, bool]:
        columns = project_table.c

        def read() -> tuple[ProjectSettings, bool]:
            query = select(columns.settings, columns.settings_left_out).where(is_project(project))
            with self._database.read() as connection:
                row = connection.execute(query).one_or_none()
            return ProjectSettings.from_mapping(row and row.settings), bool(row and row[1])

        return self._settings.get(project, read)
