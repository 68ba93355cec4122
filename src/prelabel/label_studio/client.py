"""What prelabel reads of a project in Label Studio: its config, its labels, its texts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from prelabel.errors import MalformedError
from prelabel.label_studio.api import LabelStudioApi, unreadable
from prelabel.label_studio.pages import (
    LabeledTask,
    PageBody,
    read_page,
    read_unlabeled,
    write_params,
    write_unlabeled_params,
)
from prelabel.protocol.values import ProjectBody
from prelabel.types import ProjectKey, Task


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    """A project as Label Studio has it now."""

    key: ProjectKey
    label_config: str


class LabelStudioClient(LabelStudioApi):
    """A Label Studio, as what labels are pulled from.

    Parameters
    ----------
    page_size
        How many tasks a request brings; with short texts, 1,000 are half a megabyte.
    options
        As for `LabelStudioApi`.
    """

    def __init__(self, url: str, api_key: str, *, page_size: int = 1000, **options: Any) -> None:
        super().__init__(url, api_key, **options)
        self._page_size = page_size

    def project(self, project_id: int) -> Project:
        """Return a project; raise `UpstreamError` if there is none that the key may see."""
        body = self._get(f"/api/projects/{project_id}/", ProjectBody)
        try:
            return Project(key=body.key, label_config=body.label_config or "")
        except MalformedError as error:
            raise unreadable(error) from error

    def labeled_tasks(self, project_id: int) -> Iterator[list[LabeledTask]]:
        """Yield all labeled tasks in order of their ids, a page at a time, fetched when asked for.

        Each comes with all its annotations, skipped ones too; a task that was only ever skipped
        is left out. Tasks labeled or deleted meanwhile make a page miss no other.

        Raises
        ------
        UpstreamError
            While iterating.
        """
        after_id: int | None = 0
        while after_id is not None:
            labeled, after_id = self._labeled_page(project_id, after_id)
            if labeled:
                yield labeled
            del labeled  # one page in memory, not two

    def unlabeled_tasks(self, project_id: int, limit: int) -> list[Task]:
        """Return tasks of a project that have no annotation, at most so many; one request."""
        params = write_unlabeled_params(project_id, limit=limit)
        return read_unlabeled(self._get("/api/tasks/", PageBody, params=params))

    def _labeled_page(self, project_id: int, after_id: int) -> tuple[list[LabeledTask], int | None]:
        params = write_params(project_id, after_id=after_id, page_size=self._page_size)
        page = self._get("/api/tasks/", PageBody, params=params)
        try:
            return read_page(page, after_id=after_id)
        except MalformedError as error:
            raise unreadable(error) from error
