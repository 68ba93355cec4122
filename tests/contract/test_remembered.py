from __future__ import annotations

import pytest

from prelabel.errors import StorageError
from prelabel.storage.database import Database
from prelabel.storage.projects import ProjectStore
from prelabel.storage.remembered import Remembered
from tests.builders import CONFIG, PROJECT, TWIN


@pytest.fixture
def answers(database: Database) -> Remembered[str]:
    return Remembered[str](database)


def test_an_answer_is_read_once_while_nothing_changes_and_anew_after_any_change(
    answers: Remembered[str], projects: ProjectStore
) -> None:
    read = iter(["first", "of the twin", "second"])
    assert [answers.get(PROJECT, lambda: next(read)) for _ in range(2)] == ["first"] * 2
    assert answers.get(TWIN, lambda: next(read)) == "of the twin"
    projects.see(TWIN, CONFIG)  # even of another project
    assert answers.get(PROJECT, lambda: next(read)) == "second"


def test_what_was_read_before_a_change_is_not_known_since_but_was_the_last(
    answers: Remembered[str], database: Database, projects: ProjectStore
) -> None:
    assert answers.known(PROJECT, database.last_change()) is None
    assert answers.last(PROJECT) is None
    answers.get(PROJECT, lambda: "first")
    assert answers.known(PROJECT, database.last_change()) == "first"
    projects.see(PROJECT, CONFIG)
    assert answers.known(PROJECT, database.last_change()) is None
    assert answers.last(PROJECT) == "first"


def test_an_answer_that_cannot_be_read_is_asked_for_again(answers: Remembered[str]) -> None:
    def fail() -> str:
        raise StorageError("Locked", expected="a database", fix="Wait.")

    with pytest.raises(StorageError):
        answers.get(PROJECT, fail)
    assert answers.get(PROJECT, lambda: "now") == "now"
