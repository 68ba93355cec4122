"""Texts that were fetched: what is kept, for whom, and what is tried again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from prelabel.storage.database import Database
from prelabel.storage.fetched import FetchedTexts
from prelabel.storage.projects import ProjectStore, now
from prelabel.storage.tables import fetched_text_table
from tests.builders import CONFIG, PROJECT, TWIN


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
    assert fetched.find_due(PROJECT, ["/c", "/a", "/b", "/c"]) == ["/c", "/b"]


def test_what_failed_is_due_after_a_pause_that_grows(
    fetched: FetchedTexts, database: Database
) -> None:
    pauses = []
    for _ in range(3):
        fetched.fail(PROJECT, "/a")
        assert fetched.find_due(PROJECT, ["/a"]) == []
        with database.write() as connection:
            retry_at = connection.scalar(fetched_text_table.select().with_only_columns(
                fetched_text_table.c.retry_at))  # fmt: skip
            connection.execute(update(fetched_text_table).values(retry_at=now()))
        assert retry_at
        pauses.append(retry_at - now())
        assert fetched.find_due(PROJECT, ["/a"]) == ["/a"]
    for found, minutes in zip(pauses, (1, 2, 4), strict=True):
        assert timedelta(minutes=minutes - 0.5) < found <= timedelta(minutes=minutes)


def test_what_failed_once_is_new_no_more(fetched: FetchedTexts) -> None:
    fetched.keep(PROJECT, "/a", "a text")
    fetched.fail(PROJECT, "/b")
    assert fetched.find_new(PROJECT, ["/d", "/a", "/b", "/c", "/d"]) == ["/d", "/c"]
    assert fetched.find_new(TWIN, ["/a"]) == ["/a"]


def test_what_failed_and_came_is_a_text(fetched: FetchedTexts) -> None:
    fetched.fail(PROJECT, "/a")
    fetched.keep(PROJECT, "/a", "at last")
    assert fetched.find(PROJECT, ["/a"]) == {"/a": "at last"}
    assert fetched.find_due(PROJECT, ["/a"]) == []


def test_many_texts_are_found_at_once(fetched: FetchedTexts) -> None:
    urls = [f"/{n}" for n in range(1200)]
    for url in urls[::100]:
        fetched.keep(PROJECT, url, url)
    assert set(fetched.find(PROJECT, urls)) == set(urls[::100])
    assert len(fetched.find_due(PROJECT, urls)) == 1200 - 12


def test_odd_characters_are_kept_as_far_as_they_can_be(fetched: FetchedTexts) -> None:
    fetched.keep(PROJECT, "/\ud800", "half \ud800 a pair, \0 and 🎾")
    assert fetched.find(PROJECT, ["/\ud800"]) == {"/\ud800": "half ? a pair, \0 and 🎾"}
