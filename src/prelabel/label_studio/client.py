"""What prelabel reads of a project in Label Studio: its config, its labels, its texts."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from prelabel.errors import MalformedError, UpstreamError
from prelabel.label_studio.api import LabelStudioApi, read_body, unreadable
from prelabel.label_studio.page_size import PageSize
from prelabel.label_studio.pages import (
    LabeledTask,
    Page,
    PageBody,
    Summary,
    read_counts,
    read_last,
    read_page,
    read_summary,
    read_unlabeled,
)
from prelabel.label_studio.queries import (
    Params,
    write_count_params,
    write_last_params,
    write_params,
    write_params_of,
    write_summary_params,
    write_unlabeled_params,
)
from prelabel.label_studio.refusals import timed_out
from prelabel.protocol.values import ProjectBody
from prelabel.types import ProjectKey, Task

T = TypeVar("T")

IDS_AT_ONCE = 100
"""More in one address are refused by some servers on the way."""

COUNTS_AT_ONCE = 5_000

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    """A project as Label Studio has it now.

    Attributes
    ----------
    tasks
        How many tasks it has, labeled or not; infinitely many where that is not told.
    """

    key: ProjectKey
    label_config: str
    tasks: float


class _ProjectBody(ProjectBody):
    task_number: int | None = None


class LabelStudioClient(LabelStudioApi):
    """A Label Studio, as what labels are pulled from.

    Parameters
    ----------
    page_size
        How many tasks a request brings at most; with short texts, 1,000 are half a megabyte.
    options
        As for `LabelStudioApi`.
    """

    def __init__(self, url: str, api_key: str, *, page_size: int = 1000, **options: Any) -> None:
        super().__init__(url, api_key, **options)
        self._page_size = page_size

    def project(self, project_id: int) -> Project:
        """Return a project; raise `UpstreamError` if there is none that the key may see."""
        body = self._get(f"/api/projects/{project_id}/", _ProjectBody)
        tasks = math.inf if body.task_number is None else body.task_number
        try:
            return Project(key=body.key, label_config=body.label_config or "", tasks=tasks)
        except MalformedError as error:
            raise unreadable(error) from error

    def summary(self, project_id: int) -> Summary:
        """Return how many labeled tasks there are, and when one changed last; cheap."""
        return read_summary(self._page(write_summary_params(project_id)))

    def last_labeled(self, project_id: int) -> int:
        """Return the greatest id of a labeled task; 0 if there is none. Cheap."""
        return _reading(read_last, self._page(write_last_params(project_id)))

    def labeled_tasks(
        self, project_id: int, *, after_id: int = 0, last_id: float = math.inf,
        since: datetime | None = None,
    ) -> Iterator[Page]:  # fmt: skip
        """Yield labeled tasks in order of their ids, a page at a time, fetched when asked for.

        Each comes with all its annotations, skipped ones too; a task that was only ever skipped
        is left out. Tasks labeled or deleted meanwhile make a page miss no other. Pages are of a
        few megabytes at most, and smaller where Label Studio is slow.

        Parameters
        ----------
        after_id
            Only tasks with a greater id.
        last_id
            No page is asked for behind this task: there would always be one where people label
            without a pause.
        since
            Only tasks that changed, or whose annotations did, after this time of Label Studio's.

        Raises
        ------
        UpstreamError
            While iterating.
        """
        ask = partial(self._labeled_page, project_id, since)
        # Not a loop: it would hold a page while the next one is read.
        return filter(lambda page: bool(page.tasks), self._pages(ask, after_id, last_id))

    def labeled_tasks_of(self, project_id: int, ids: Sequence[int]) -> Iterator[list[LabeledTask]]:
        """Yield the labeled tasks among those with these ids, rising, some at a time."""
        for start in range(0, len(ids), IDS_AT_ONCE):
            params = write_params_of(project_id, ids[start : start + IDS_AT_ONCE])
            tasks, _ = _reading(read_page, self._page(params), after_id=0)
            yield tasks

    def annotation_counts(
        self, project_id: int, *, last_id: float = math.inf
    ) -> Iterator[dict[int, int]]:
        """Yield how many annotations each labeled task has, by its id, a page at a time.

        It costs Label Studio a fraction of what the annotations do. Skipped ones do not count. No
        page is asked for behind ``last_id``, as in `labeled_tasks`.
        """
        after_id = 0
        while after_id < last_id and (counts := self._counts_page(project_id, after_id)):
            yield counts
            after_id = max(counts)

    def unlabeled_tasks(
        self, project_id: int, limit: int, *, since: datetime | None = None
    ) -> Iterator[list[Task]]:
        """Yield the first tasks of a project that have no annotation, as `labeled_tasks` does.

        Parameters
        ----------
        limit
            How many are yielded in all, at most.
        since
            Only tasks that came or changed after this time of Label Studio's.
        """
        ask = partial(self._unlabeled_page, project_id, since)
        for tasks in self._pages(ask):
            yield tasks[:limit]
            limit -= len(tasks)
            if limit <= 0:
                return

    def _pages(
        self, ask: Callable[[int, PageSize], tuple[T, int | None]], after_id: int = 0,
        last_id: float = math.inf,
    ) -> Iterator[T]:  # fmt: skip
        """Yield what is answered for one id after another, of fewer tasks where that is slow.

        Parameters
        ----------
        ask
            Returns a page of tasks after an id, and the id to go on after; None if there is none.
        """
        go_on_after: int | None = after_id
        size = PageSize(self._page_size)
        while go_on_after is not None and go_on_after < last_id:
            try:
                page, go_on_after = ask(go_on_after, size)
            except UpstreamError as error:
                if not timed_out(error) or not size.shrink():
                    raise
                log.warning("%s. Pages of %d tasks are asked for", error.received, size.now)
                continue
            yield page
            del page  # one page in memory, not two

    def _labeled_page(
        self, project_id: int, since: datetime | None, after_id: int, size: PageSize
    ) -> tuple[Page, int | None]:
        params = write_params(project_id, after_id=after_id, page_size=size.now, since=since)
        body = self._sized_page(params, size)
        tasks, last_id = _reading(read_page, body, after_id=after_id)
        return Page(tasks=tasks, remaining=body.total), last_id

    def _unlabeled_page(
        self, project_id: int, since: datetime | None, after_id: int, size: PageSize
    ) -> tuple[list[Task], int | None]:
        params = write_unlabeled_params(
            project_id, after_id=after_id, page_size=size.now, since=since
        )
        return _reading(read_unlabeled, self._sized_page(params, size), after_id=after_id)

    def _sized_page(self, params: Params, size: PageSize) -> PageBody:
        answer = self._request("GET", "/api/tasks/", params=params)
        body = read_body(answer, PageBody)
        size.fit(len(answer.content), len(body.tasks))
        return body

    def _counts_page(self, project_id: int, after_id: int) -> dict[int, int]:
        size = COUNTS_AT_ONCE
        body = self._page(write_count_params(project_id, after_id=after_id, page_size=size))
        return _reading(read_counts, body, after_id=after_id)

    def _page(self, params: Params) -> PageBody:
        return self._get("/api/tasks/", PageBody, params=params)


def _reading(read: Callable[..., T], body: PageBody, **options: int) -> T:
    try:
        return read(body, **options)
    except MalformedError as error:
        raise unreadable(error) from error
