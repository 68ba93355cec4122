from __future__ import annotations

import pytest

from prelabel.errors import ModelError
from prelabel.storage.database import Database
from prelabel.storage.model_events import KEPT, ModelEventStore
from prelabel.storage.model_state import ModelState
from prelabel.storage.projects import ProjectStore
from prelabel.types import JobState
from tests.builders import PROJECT, TWIN


@pytest.fixture
def events(database: Database, projects: ProjectStore) -> ModelEventStore:
    projects.see(PROJECT)
    projects.see(TWIN)
    return ModelEventStore(database)


def test_events_come_in_order_and_each_project_has_its_own(events: ModelEventStore) -> None:
    for project, body in [(PROJECT, b"1"), (TWIN, b"2"), (PROJECT, b"3")]:
        events.add(project, "X", body)
    assert events.waiting() == [PROJECT, TWIN]
    first = events.begin(PROJECT)
    assert first is not None
    events.finish(first, JobState.DONE)
    second = events.begin(PROJECT)
    assert second is not None
    assert (first.body, second.body) == (b"1", b"3")


def test_an_event_whose_end_nobody_saw_is_handed_out_again(events: ModelEventStore) -> None:
    number = events.add(PROJECT, "X", b"1")
    assert [events.begin(PROJECT) is not None for _ in range(2)] == [True, True]
    found = events.get(number)
    assert found is not None
    assert (found.state, found.attempts) == (JobState.RUNNING, 2)


def test_what_went_wrong_can_be_asked_for(events: ModelEventStore) -> None:
    events.add(PROJECT, "X", b"1")
    event = events.begin(PROJECT)
    assert event is not None
    events.finish(event, JobState.FAILED, "no")
    recent = events.recent(PROJECT)
    assert [(e.state, e.message, e.body) for e in recent] == [(JobState.FAILED, "no", b"")]
    assert events.begin(PROJECT) is None


def test_old_events_are_let_go(events: ModelEventStore) -> None:
    numbers = [events.add(PROJECT, "X", b"") for _ in range(KEPT + 2)]
    while event := events.begin(PROJECT):
        events.finish(event, JobState.DONE)
    assert [events.get(numbers[n]) is None for n in (0, 1, 2)] == [True, True, False]


def test_state_is_kept_by_project(database: Database, events: ModelEventStore) -> None:
    state = ModelState(database, PROJECT)
    state["a"] = {"n": [1, None]}
    state["a"] = {"n": [2]}
    state["b"] = None
    assert dict(ModelState(database, PROJECT)) == {"a": {"n": [2]}, "b": None}
    assert dict(ModelState(database, TWIN)) == {}
    del state["a"]
    assert list(state) == ["b"]


def test_what_another_process_sets_is_seen_at_once(
    database: Database, events: ModelEventStore
) -> None:
    state = ModelState(database, PROJECT)
    with Database(database.path) as other:
        for version in ("1", "2"):
            ModelState(other, PROJECT)["model_version"] = version
            assert [state["model_version"] for _ in range(2)] == [version] * 2
        del ModelState(other, PROJECT)["model_version"]
        assert "model_version" not in state


def test_a_value_that_the_caller_changes_is_not_changed_for_others(
    database: Database, events: ModelEventStore
) -> None:
    state = ModelState(database, PROJECT)
    state["seen"] = [1]
    state["seen"].append(2)
    assert state["seen"] == [1]


def test_what_is_no_json_is_refused(database: Database, events: ModelEventStore) -> None:
    with pytest.raises(ModelError, match="a value of JSON"):
        ModelState(database, PROJECT)["a"] = object()
