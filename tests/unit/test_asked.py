from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from prelabel.loop import asked
from prelabel.loop.asked import AskedTexts
from prelabel.protocol.bodies import read_tasks
from prelabel.protocol.values import TaskBody
from prelabel.storage.database import Database
from prelabel.storage.labels import LabelStore
from prelabel.storage.projects import ProjectStore
from prelabel.storage.retention import Retention
from prelabel.types import ProjectKey, Task
from tests.backend import wait_for
from tests.builders import CONFIG, PROJECT, TWIN, annotated, labeled, tasks_deleted


@pytest.fixture
def texts(projects: ProjectStore, labels: LabelStore) -> Iterator[AskedTexts]:
    projects.see(PROJECT, CONFIG)
    found = AskedTexts(projects, labels, pause_seconds=0.05)
    yield found
    found.stop()


def ask(texts: AskedTexts, *ids: int, project: ProjectKey = PROJECT, n_bytes: int = 1000) -> None:
    tasks = [TaskBody(id=id_, data={"text": f"asked {id_}"}) for id_ in ids]
    texts.take(project, tasks, read_tasks, n_bytes=n_bytes)


def kept(labels: LabelStore, project: ProjectKey = PROJECT) -> list[object]:
    return [data["text"] for data in labels.snapshot(project).data]


def test_texts_that_were_asked_for_are_kept_a_moment_later(
    texts: AskedTexts, labels: LabelStore
) -> None:
    ask(texts, 1, 2)
    ask(texts, 2, 3)
    assert wait_for(lambda: kept(labels)) == ["asked 1", "asked 2", "asked 3"]


def test_texts_that_cannot_be_read_do_not_keep_later_ones_from_being_kept(
    texts: AskedTexts, labels: LabelStore, caplog: pytest.LogCaptureFixture
) -> None:
    def read(_asked: object) -> list[Task]:
        raise ZeroDivisionError("of a fault that nobody has thought of")

    texts.take(PROJECT, [None], read, n_bytes=1)
    wait_for(lambda: "ZeroDivisionError" in caplog.text)
    ask(texts, 1)
    assert wait_for(lambda: kept(labels)) == ["asked 1"]


def test_what_waits_is_kept_at_the_end(projects: ProjectStore, labels: LabelStore) -> None:
    projects.see(PROJECT, CONFIG)
    slow = AskedTexts(projects, labels, pause_seconds=1000)
    ask(slow, 1)
    slow.stop()
    assert kept(labels) == ["asked 1"]


def test_what_comes_while_others_are_kept_is_kept_at_the_end_too(
    projects: ProjectStore, labels: LabelStore
) -> None:
    projects.see(PROJECT, CONFIG)
    texts = AskedTexts(projects, labels, pause_seconds=0)
    reading, go_on = threading.Event(), threading.Event()

    def read(_asked: object) -> list[Task]:
        reading.set()
        go_on.wait()
        return []

    texts.take(PROJECT, [None], read, n_bytes=1)
    reading.wait()
    ask(texts, 1)
    stopping = threading.Thread(target=texts.stop)
    stopping.start()
    stopping.join(0.2)  # it waits for what is kept just now
    go_on.set()
    stopping.join()
    assert kept(labels) == ["asked 1"]


def test_of_strangers_nothing_is_kept(
    texts: AskedTexts, labels: LabelStore, projects: ProjectStore
) -> None:
    ask(texts, 1, project=TWIN)
    ask(texts, 2)
    wait_for(lambda: kept(labels))
    assert not projects.is_known(TWIN)


def test_what_was_erased_is_kept_again_when_it_is_asked_for_again(
    texts: AskedTexts, labels: LabelStore, projects: ProjectStore, database: Database
) -> None:
    ask(texts, 1, 2)
    wait_for(lambda: kept(labels))
    projects.forget(PROJECT)
    assert Retention(database).erase(PROJECT, datetime.now(UTC) + timedelta(days=1))
    projects.see(PROJECT, CONFIG)
    ask(texts, 2, 3)
    assert wait_for(lambda: kept(labels)) == ["asked 2", "asked 3"]


def test_nothing_is_written_of_tasks_that_are_kept_or_deleted_or_not_in_the_sample(
    labels: LabelStore, projects: ProjectStore, database: Database
) -> None:
    projects.see(PROJECT, CONFIG)
    few = LabelStore(database, pool_texts=5)
    tasks = [Task(id=id_, data={"text": f"text {id_}"}) for id_ in range(1, 301)]
    few.add_texts(PROJECT, tasks)
    assert 0 < labels.count_texts(PROJECT) <= 5
    assert not few.find_new(PROJECT, tasks)
    again = Task(id=301, data=labels.snapshot(PROJECT).data[0])
    assert few.find_new(PROJECT, [again]) == [again]
    labels.apply(tasks_deleted(301))
    assert not few.find_new(PROJECT, [again])


def test_what_an_event_tells_of_a_task_wins(texts: AskedTexts, labels: LabelStore) -> None:
    event = annotated(labeled(1))
    ask(texts, event.annotated[0][0].id)
    wait_for(lambda: kept(labels))
    labels.apply(event)
    assert kept(labels) == [event.annotated[0][0].data["text"]]


@pytest.mark.parametrize(
    ("n_asked", "n_bytes", "n_kept"),
    [(1_999, 1, 2_000), (2_000, 1, 2_000), (2_001, 1, 2_000), (5_000, 1, 2_000),
     (10, asked.MOST_BYTES - 500, 11), (10, asked.MOST_BYTES, 10), (8, 2 * asked.MOST_BYTES, 4)],
)  # fmt: skip
def test_of_more_than_a_moment_can_take_the_first_are_kept(
    projects: ProjectStore, labels: LabelStore, n_asked: int, n_bytes: int, n_kept: int
) -> None:
    projects.see(PROJECT, CONFIG)
    slow = AskedTexts(projects, labels, pause_seconds=1000)
    ask(slow, *range(1, n_asked + 1), n_bytes=n_bytes)
    ask(slow, 9_000, 9_001)
    slow.stop()
    ids = [*range(1, n_asked + 1), 9_000, 9_001]
    assert kept(labels) == [f"asked {id_}" for id_ in ids[:n_kept]]
