from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from prelabel.errors import UpstreamError
from prelabel.label_studio.client import LabelStudioClient
from prelabel.label_studio.sync import LabelSync
from prelabel.storage.database import Database
from prelabel.storage.labels import LabelStore
from prelabel.storage.syncs import SyncStore
from prelabel.types import ProjectKey, Task
from tests.builders import CONFIG
from tests.label_studio import KEY, LEGACY, PROJECT, Reply, Request, Server, make_task


class Studio:
    """A Label Studio with three labeled tasks, whose count of annotations is not to be trusted."""

    def __init__(self) -> None:
        self.tasks = {number: make_task(number, updated_at="") for number in (1, 2, 3)}
        self.miscounted = 0
        self.is_busy = False
        self.asked: list[str] = []
        self.unlabeled: dict[int, dict[str, Any]] = {}
        self.changed: set[int] = set()
        self.label_configs = [PROJECT["label_config"]]
        self.at_counts: list[Callable[[], object]] = []

    def __call__(self, request: Request) -> Reply:
        if request.path == "/api/projects/7/":
            config = self.label_configs.pop(0) if self.label_configs[1:] else self.label_configs[0]
            return Reply(
                PROJECT
                | {"label_config": config, "task_number": len(self.tasks) + len(self.unlabeled)}
            )
        query = json.loads(request.query["query"])
        if query["ordering"] == ["-tasks:updated_at"]:
            if self.at_counts:
                self.at_counts.pop(0)()
            newest = {"id": 1, "updated_at": "2026-11-23T15:28:00Z"}
            total = len(self.tasks) + self.miscounted
            tasks = [newest] if self.tasks else []
            return Reply({"tasks": tasks, "total": len(self.tasks), "total_annotations": total})
        if query["ordering"] == ["-tasks:id"]:
            return Reply({"tasks": [{"id": id_} for id_ in list(self.tasks)[-1:]]})
        found = list(self._find(request, query))
        if self.is_busy and len(self.tasks) < 20:  # people go on: it would be no end otherwise
            number = max(self.tasks) + 1
            self.tasks[number] = make_task(number, updated_at="")
        return Reply({"tasks": found, "total": 3})

    def _find(self, request: Request, query: dict[str, Any]) -> Iterator[dict[str, Any]]:
        filters = {item["filter"]: item["value"] for item in query["filters"]["items"]}
        after = filters.get("filter:tasks:id", 0)
        included = query.get("selectedItems", {"included": self.tasks})["included"]
        is_counted = request.query["include"] == "id,total_annotations"
        is_labeled = "fields" in request.query or is_counted
        since = "filter:tasks:updated_at" in filters
        what = "changes" if since else "tasks"
        self.asked.append("counts" if is_counted else what if is_labeled else "texts")
        if not is_labeled:
            yield from (task for number, task in self.unlabeled.items() if number > after)
        for number, task in self.tasks.items():
            is_shown = number > after and number in (self.changed if since else included)
            if is_labeled and is_shown:
                yield {"id": number, "total_annotations": 1} if is_counted else task


@pytest.fixture
def studio() -> Studio:
    return Studio()


@pytest.fixture
def client(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> Iterator[LabelStudioClient]:
    monkeypatch.setenv("NO_PROXY", "*")
    with Server(studio).running() as server, LabelStudioClient(server.url, LEGACY) as client:
        yield client


def test_counts_that_agree_are_a_reason_to_look_no_further(
    studio: Studio, client: LabelStudioClient, labels: LabelStore, syncs: SyncStore
) -> None:
    puller = LabelSync(client, labels, syncs)
    first, second = puller.pull(KEY), puller.pull(KEY)
    assert (first.was_full, first.tasks, first.label_changes) == (True, 3, 3)
    assert (second.was_full, second.tasks, second.label_changes) == (False, 0, 0)
    assert "counts" not in studio.asked


def test_a_deleted_task_is_found_by_counts(
    studio: Studio, client: LabelStudioClient, labels: LabelStore, syncs: SyncStore
) -> None:
    puller = LabelSync(client, labels, syncs)
    puller.pull(KEY)
    del studio.tasks[2]
    assert puller.pull(KEY).label_changes == 1
    assert [task.id for task, _ in labels.snapshot(KEY).annotated] == [1, 3]


def break_off(*_: int) -> None:
    raise InterruptedError


def test_what_changed_since_a_sync_broke_off_is_pulled_by_the_one_that_goes_on(
    studio: Studio, client: LabelStudioClient, labels: LabelStore, syncs: SyncStore
) -> None:
    with pytest.raises(InterruptedError):
        LabelSync(client, labels, syncs, report=break_off).pull(KEY)
    edited = make_task(1, updated_at="")
    edited["annotations"][0] |= {"updated_at": "2026-11-23T15:29:00Z", "ground_truth": False}
    studio.tasks[1], studio.changed = edited, {1}
    assert LabelSync(client, labels, syncs).pull(KEY).tasks == 1
    truth = {task.id: one.ground_truth for task, one in labels.snapshot(KEY).annotated}
    assert truth == {1: False, 2: True, 3: True}


def test_counts_that_are_wrong_for_good_are_looked_into_twice(
    studio: Studio, client: LabelStudioClient, labels: LabelStore, syncs: SyncStore
) -> None:
    puller = LabelSync(client, labels, syncs)
    studio.miscounted = 2
    for _ in range(4):
        puller.pull(KEY)
    assert studio.asked.count("counts") == 2
    del studio.tasks[2]
    assert puller.pull(KEY).label_changes == 1, "another difference is looked into"


def test_a_difference_that_came_while_counts_were_compared_is_not_taken_for_one_that_stays(
    studio: Studio, client: LabelStudioClient, labels: LabelStore, syncs: SyncStore
) -> None:
    puller = LabelSync(client, labels, syncs)
    puller.pull(KEY)
    del studio.tasks[1]
    studio.at_counts = [int, int, lambda: studio.tasks.pop(2)]  # the last: when it has compared
    puller.pull(KEY)
    assert puller.pull(KEY).label_changes == 1
    assert [task.id for task, _ in labels.snapshot(KEY).annotated] == [3]


def test_a_labeling_config_that_is_edited_as_a_sync_begins_is_taken_down(
    studio: Studio, client: LabelStudioClient, labels: LabelStore, syncs: SyncStore
) -> None:
    studio.label_configs = ["<View/>", CONFIG]
    LabelSync(client, labels, syncs).pull(KEY)
    assert labels.snapshot(KEY).label_config == CONFIG


def test_texts_without_labels_are_asked_for_until_there_are_enough(
    studio: Studio, client: LabelStudioClient, labels: LabelStore, syncs: SyncStore
) -> None:
    puller = LabelSync(client, labels, syncs)
    studio.unlabeled[50] = {"id": 50, "data": {"text": "nobody labeled it"}}
    puller.pull(KEY)
    assert "texts" in studio.asked
    assert {"text": "nobody labeled it"} in labels.snapshot(KEY).data
    studio.asked.clear()
    labels.add_texts(KEY, [Task(id=100 + n, data={"text": f"text {n}"}) for n in range(5_000)])
    puller.pull(KEY)
    assert studio.asked
    assert "texts" not in studio.asked


def test_texts_that_are_known_are_not_asked_for_again(
    studio: Studio, client: LabelStudioClient, labels: LabelStore, syncs: SyncStore
) -> None:
    puller = LabelSync(client, labels, syncs)
    studio.tasks.clear()
    puller.pull(KEY)
    for number in (1, 2, 3):
        studio.unlabeled[number] = {"id": number, "data": {"text": f"imported {number}"}}
        labels.add_texts(KEY, [Task(id=number, data={"text": f"imported {number}"})])
        puller.pull(KEY)
    assert "texts" not in studio.asked, "webhooks have told all of them"
    studio.unlabeled[4] = {"id": 4, "data": {"text": "nobody told"}}
    puller.pull(KEY)
    assert labels.count_texts(KEY) == 4
    studio.asked.clear()
    puller.pull(KEY)
    assert "texts" not in studio.asked


def test_of_more_texts_than_are_kept_no_more_are_asked_for_again(
    studio: Studio, client: LabelStudioClient, database: Database, syncs: SyncStore
) -> None:
    few = LabelStore(database, pool_texts=30)
    puller = LabelSync(client, few, syncs)
    for number in range(100, 200):
        studio.unlabeled[number] = {"id": number, "data": {"text": f"imported {number}"}}
    puller.pull(KEY)
    assert few.count_texts(KEY) < 40
    studio.asked.clear()
    puller.pull(KEY)
    assert "texts" not in studio.asked


def test_how_far_it_is_is_told_after_each_page(
    client: LabelStudioClient, labels: LabelStore, syncs: SyncStore
) -> None:
    told: list[tuple[int, int]] = []
    LabelSync(client, labels, syncs, report=lambda *done: told.append(done)).pull(KEY)
    assert told == [(3, 3)]


def test_people_who_label_without_a_pause_do_not_keep_a_sync_going(
    studio: Studio, client: LabelStudioClient, labels: LabelStore, syncs: SyncStore
) -> None:
    studio.is_busy = True
    puller = LabelSync(client, labels, syncs)
    assert puller.pull(KEY).tasks == 3, "all that were labeled when it began"
    assert studio.asked.count("tasks") == 1
    puller.pull(KEY)
    assert studio.asked.count("counts") == 1


def test_a_project_of_another_label_studio_is_left_alone(
    studio: Studio, client: LabelStudioClient, labels: LabelStore, syncs: SyncStore
) -> None:
    with pytest.raises(UpstreamError, match="was created at") as caught:
        LabelSync(client, labels, syncs).pull(ProjectKey(7, 1))
    assert not caught.value.retryable
    assert studio.asked == []
