"""The backend under test, and a look at what it has stored, also while it is dead."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from prelabel.storage.database import Database
from prelabel.storage.labels import LabelStore
from prelabel.storage.versions import VersionStore
from prelabel.types import ModelVersion, ProjectKey
from tests.backend import Backend

SECRETS = {"LABEL_STUDIO_API_KEY", "BASIC_AUTH_PASS", "PRELABEL_TOKEN", "PRELABEL_URL_SECRET"}


class OpenBackend(Backend):
    """A backend whose store can be read."""

    def read_log(self) -> str:
        """Return what it has logged so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def find_leaks(self) -> list[str]:
        """Return which secrets and which texts stand in what it has logged."""
        secrets = [value for name, value in self.settings.items() if name in SECRETS]
        with self._database() as database, database.read() as connection:
            tasks = connection.exec_driver_sql("SELECT data FROM tasks").scalars().all()
        values = (value for task in tasks for value in json.loads(task).values())
        texts = [value for value in values if isinstance(value, str) and len(value) > 12]
        log = self.read_log()
        return [word for word in (*secrets, *texts) if word in log]

    def annotation_ids(self, project: ProjectKey) -> set[int]:
        """Return which annotations of a project it has stored."""
        with self._database() as database:
            annotated = LabelStore(database).snapshot(project).annotated
        return {annotation.id for _, annotation in annotated}

    def count_texts(self, project: ProjectKey) -> int:
        """Return of how many tasks of a project it has the text."""
        with self._database() as database:
            return LabelStore(database).count_texts(project)

    def active_version(self, project: ProjectKey) -> ModelVersion | None:
        """Return the version of a project that it serves."""
        with self._database() as database:
            return VersionStore(database).active(project)

    def running_job(self) -> int | None:
        """Return the number of the job that is under way, or was when the process died."""
        with self._database() as database, database.read() as connection:
            running = "SELECT min(id) FROM jobs WHERE state = 'running'"
            number: int | None = connection.exec_driver_sql(running).scalar()
        return number

    @contextmanager
    def _database(self) -> Iterator[Database]:
        with Database(self.folder / "data" / "prelabel.sqlite3") as database:
            yield database
