"""Texts that were fetched: what is kept, for whom, and what is tried again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from prelabel.storage.clock import now
from prelabel.storage.database import Database
from prelabel.storage.fetched import FetchedTexts
from prelabel.storage.labels import LabelStore
from prelabel.storage.projects import ProjectStore
from prelabel.storage.tables import fetched_text_table
from prelabel.types import Task
from tests.builders import CONFIG, PROJECT, TWIN, annotated, labeled, tasks_deleted
from tests.contract.releases import go_back


def task_at(id_: int, url: str) -> Task:
    return Task(id=id_, data={"at": url})


@pytest.fixture
def fetched(database: Database, projects: ProjectStore) -> FetchedTexts:
    for project in (PROJECT, TWIN):
        projects.see(project, CONFIG)
    return FetchedTexts(database)


def test_a_text_is_found_by_its_projects_address_only(fetched: FetchedTexts) -> None:
    fetched.keep(PROJECT, "/a", "a text")
    assert fetched.find(PROJECT, ["/a", "/b"]) == {"/a": "a text"}
    assert fetched.find(TWIN, ["/a"]) == {}


def test_a_text_outlives_the_process(fetched: FetchedTexts, database: Database) -> None:
    fetched.keep(PROJECT, "/a", "a text")
    with Database(database.path) as reopened:
        assert FetchedTexts(reopened).find(PROJECT, ["/a"]) == {"/a": "a text"}


def test_what_is_new_is_due_and_once_each(fetched: FetchedTexts) -> None:
    fetched.keep(PROJECT, "/a", "a text")
    missing = fetched.find_missing(PROJECT, ["/c", "/a", "/b", "/c"])
    assert (missing.new, missing.due, missing.retry_at) == (["/c", "/b"], [], None)


def test_what_failed_is_due_after_a_pause_that_grows(
    fetched: FetchedTexts, database: Database
) -> None:
    pauses = []
    for _ in range(3):
        until = fetched.fail(PROJECT, "/a")
        missing = fetched.find_missing(PROJECT, ["/a"])
        assert (missing.due, missing.retry_at) == ([], until)
        with database.write() as connection:
            connection.execute(update(fetched_text_table).values(retry_at=now()))
        pauses.append(until - now())
        assert fetched.find_missing(PROJECT, ["/a"]).due == ["/a"]
    for found, minutes in zip(pauses, (1, 2, 4), strict=True):
        assert timedelta(minutes=minutes - 0.5) < found <= timedelta(minutes=minutes)


def test_what_failed_once_is_new_no_more(fetched: FetchedTexts) -> None:
    fetched.keep(PROJECT, "/a", "a text")
    fetched.fail(PROJECT, "/b")
    assert fetched.find_missing(PROJECT, ["/d", "/a", "/b", "/c", "/d"]).new == ["/d", "/c"]
    assert fetched.find_missing(TWIN, ["/a"]).new == ["/a"]


def test_what_failed_and_came_is_a_text(fetched: FetchedTexts) -> None:
    fetched.fail(PROJECT, "/a")
    fetched.keep(PROJECT, "/a", "at last")
    assert fetched.find(PROJECT, ["/a"]) == {"/a": "at last"}
    missing = fetched.find_missing(PROJECT, ["/a"])
    assert (missing.new, missing.due, missing.retry_at) == ([], [], None)


def test_a_text_stays_though_its_address_failed_since(fetched: FetchedTexts) -> None:
    fetched.keep(PROJECT, "/a", "a text")
    fetched.fail(PROJECT, "/a")
    assert fetched.find(PROJECT, ["/a"]) == {"/a": "a text"}


def test_what_a_clock_that_was_set_back_since_put_off_is_due(
    fetched: FetchedTexts, database: Database
) -> None:
    fetched.fail(PROJECT, "/a")
    with database.write() as connection:
        later = now() + timedelta(days=400)
        connection.execute(update(fetched_text_table).values(retry_at=later))
    assert fetched.find_missing(PROJECT, ["/a"]).due == ["/a"]


def test_of_deleted_tasks_those_texts_go_that_no_other_task_has(
    fetched: FetchedTexts, labels: LabelStore
) -> None:
    for project in (PROJECT, TWIN):
        labels.add_texts(project, [task_at(1, "/a"), task_at(2, "/both"), task_at(3, "/both")])
        for url in ("/a", "/both"):
            fetched.keep(project, url, url)
    for id_, left in ((1, {"/both"}), (2, {"/both"}), (3, set())):
        fetched.forget(PROJECT, labels.apply(tasks_deleted(id_)).gone)
        assert set(fetched.find(PROJECT, ["/a", "/both"])) == left
    assert len(fetched.find(TWIN, ["/a", "/both"])) == 2


def test_what_a_repeated_deletion_tells_is_gone_already(
    fetched: FetchedTexts, labels: LabelStore
) -> None:
    labels.add_texts(PROJECT, [task_at(1, "/a")])
    fetched.keep(PROJECT, "/a", "a text")
    applied = labels.apply(tasks_deleted(1, 1, 7))
    assert applied.gone == ({"at": "/a"},)
    assert labels.apply(tasks_deleted(1, 7)).gone == ()


def test_where_nothing_was_fetched_deleted_tasks_are_not_read(labels: LabelStore) -> None:
    labels.apply(annotated(labeled(1)))
    assert labels.apply(tasks_deleted(labeled(1)[0].id)).gone == ()


@pytest.mark.parametrize("hours", [-400 * 24, 25, None])
def test_old_texts_go_that_no_task_has(
    fetched: FetchedTexts, labels: LabelStore, database: Database, hours: int | None
) -> None:
    labels.add_texts(PROJECT, [task_at(1, "/a")])
    for url in ("/a", "/thinned out", "/failed"):
        fetched.keep(PROJECT, url, url)
    fetched.fail(PROJECT, "/failed")
    fetched.keep(TWIN, "/thinned out", "another project's")
    assert fetched.forget_unused(PROJECT) == 0, "they are new"
    tried_at = None if hours is None else now() - timedelta(hours=hours)
    with database.write() as connection:
        connection.execute(update(fetched_text_table).values(tried_at=tried_at))
    assert fetched.forget_unused(PROJECT, dry_run=True) == 2
    assert fetched.forget_unused(PROJECT) == 2
    assert set(fetched.find(PROJECT, ["/a", "/thinned out"])) == {"/a"}
    assert fetched.find_missing(PROJECT, ["/failed"]).new == ["/failed"]
    assert fetched.find(TWIN, ["/thinned out"])


def test_texts_stay_that_a_task_has_anywhere_whatever_the_labeling_config_reads(
    fetched: FetchedTexts, labels: LabelStore, database: Database
) -> None:
    deep = {"at": [{"url": " /a "}, "/b"], "note": None, "n": 1}
    labels.add_texts(PROJECT, [Task(id=1, data=deep), Task(id=2, data={"x": "/a", "y": "/c"})])
    for url in ("/a", "/b", "/c", "url"):
        fetched.keep(PROJECT, url, url)
    with database.write() as connection:
        connection.execute(update(fetched_text_table).values(tried_at=None))
    assert fetched.forget_unused(PROJECT) == 1, "a key is no address"
    fetched.forget(PROJECT, labels.apply(tasks_deleted(2)).gone)
    assert set(fetched.find(PROJECT, ["/a", "/b", "/c", "url"])) == {"/a", "/b"}


def test_many_texts_are_found_at_once(fetched: FetchedTexts) -> None:
    urls = [f"/{n}" for n in range(1200)]
    for url in urls[::100]:
        fetched.keep(PROJECT, url, url)
    assert set(fetched.find(PROJECT, urls)) == set(urls[::100])
    assert len(fetched.find_missing(PROJECT, urls).new) == 1200 - 12


def test_what_had_failed_in_a_store_of_the_release_that_waited_for_events_is_tried_again(
    fetched: FetchedTexts, database: Database, labels: LabelStore
) -> None:
    fetched.fail(PROJECT, "/a")
    fetched.keep(TWIN, "/a", "a text")
    go_back(database, "0011")
    database.migrate()
    assert labels.snapshot(PROJECT).fetch_is_due
    assert not labels.snapshot(TWIN).fetch_is_due


def test_odd_characters_are_kept_as_far_as_they_can_be(fetched: FetchedTexts) -> None:
    fetched.keep(PROJECT, "/\ud800", "half \ud800 a pair, \0 and 🎾")
    assert fetched.find(PROJECT, ["/\ud800"]) == {"/\ud800": "half ? a pair, \0 and 🎾"}
