"""What is read of projects and tasks, page by page."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from prelabel.errors import UpstreamError
from prelabel.label_studio.client import LabelStudioClient
from prelabel.types import ProjectKey
from tests.label_studio import (
    KEY,
    PROJECT,
    Connect,
    Reply,
    Request,
    Serve,
    Server,
    holding,
    make_task,
    refusal_of,
)

# Projects


def test_a_project_has_its_key_and_label_config(serve: Serve, connect: Connect) -> None:
    project = connect(serve(Reply(PROJECT))).project(7)
    assert project.key == ProjectKey.parse("7.1795447612")
    assert project.key == KEY
    assert project.label_config == "<View/>"


def test_a_missing_project_is_explained(serve: Serve, connect: Connect) -> None:
    server = serve(Reply({"detail": "No Project matches the given query."}, 404))
    error = refusal_of(connect(server))
    assert "/api/projects/7/" in error.received
    assert "No Project matches" in error.received
    assert "project's id" in error.fix


@pytest.mark.parametrize(
    "body",
    [
        b"<html>Sign in</html>",
        b"",
        [],
        {},
        {**PROJECT, "created_at": "now"},
        {**PROJECT, "id": "x"},
    ],
)
def test_an_answer_that_is_no_project_is_an_error(
    serve: Serve, connect: Connect, body: object
) -> None:
    error = refusal_of(connect(serve(Reply(body))))
    assert not error.retryable
    assert "LABEL_STUDIO_HOST" in error.fix


# Labeled tasks


def ids_of(client: LabelStudioClient) -> list[list[int]]:
    return [[task.id for task, _ in page.tasks] for page in client.labeled_tasks(7)]


def test_labeled_tasks_come_in_pages_with_their_annotations(serve: Serve, connect: Connect) -> None:
    server = serve(holding([*map(make_task, (1, 2, 4, 5, 9))]))
    pages = [page.tasks for page in connect(server, page_size=2).labeled_tasks(7)]
    assert [[task.id for task, _ in page] for page in pages] == [[1, 2], [4, 5], [9]]
    first, [annotation] = pages[0][0]
    assert first.data == {"text": "text 1"}
    assert (annotation.id, annotation.task_id, annotation.completed_by) == (10, 1, 3)
    assert (annotation.ground_truth, annotation.was_cancelled) == (True, False)
    assert annotation.updated_at == datetime(2026, 11, 23, 15, 27, 58, tzinfo=UTC)
    assert annotation.regions[0].value == {"choices": ["a"]}


def test_a_page_tells_how_many_tasks_remain(serve: Serve, connect: Connect) -> None:
    server = serve(holding([*map(make_task, range(1, 6))]))
    pages = connect(server, page_size=2).labeled_tasks(7)
    assert [page.remaining for page in pages] == [5, 3, 1]


def test_a_sync_that_goes_on_asks_for_what_changed_after_an_id(
    serve: Serve, connect: Connect
) -> None:
    server = serve(holding([]))
    since = datetime(2026, 11, 23, 15, 27, 58, 686505, tzinfo=UTC)
    list(connect(server).labeled_tasks(7, after_id=40, since=since))
    after, labeled, changed = filters_of(server.requests[0])
    assert (after["value"], labeled["value"]) == (40, 0)
    assert changed == {
        "filter": "filter:tasks:updated_at",
        "type": "Datetime",
        "operator": "greater",
        "value": "2026-11-23T15:27:58.686505Z",
    }


def filters_of(request: Request) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(request.query["query"])["filters"]["items"]
    return found


def test_a_summary_counts_what_is_labeled_and_dates_the_last_change(
    serve: Serve, connect: Connect
) -> None:
    newest = {"id": 5, "updated_at": "2026-11-23T15:27:58.686505Z"}
    server = serve(Reply({"tasks": [newest], "total": 4, "total_annotations": 6}))
    summary = connect(server).summary(7)
    assert (summary.tasks, summary.annotations) == (4, 6)
    assert summary.newest == datetime(2026, 11, 23, 15, 27, 58, 686505, tzinfo=UTC)
    query = json.loads(server.requests[0].query["query"])
    assert query["ordering"] == ["-tasks:updated_at"]
    assert server.requests[0].query["page_size"] == "1"


def test_a_summary_of_nothing_has_no_date(serve: Serve, connect: Connect) -> None:
    assert connect(serve(Reply({"tasks": [], "total": 0}))).summary(7).newest is None


def test_annotations_are_counted_page_by_page(serve: Serve, connect: Connect) -> None:
    pages = [[(1, 2), (3, 1)], [(9, 1)], []]
    server = serve(
        *(
            Reply({"tasks": [{"id": id_, "total_annotations": n} for id_, n in page]})
            for page in pages
        )
    )
    assert list(connect(server).annotation_counts(7)) == [{1: 2, 3: 1}, {9: 1}]
    assert [filters_of(request)[0]["value"] for request in server.requests] == [0, 3, 9]
    assert server.requests[0].query["include"] == "id,total_annotations"


@pytest.mark.parametrize(
    "tasks",
    [
        [{"id": 2, "total_annotations": 1}, {"id": 2, "total_annotations": 1}],
        [{"id": "x", "total_annotations": 1}],
        [{"id": 5}],
        [7],
    ],
)
def test_counts_that_cannot_be_trusted_are_an_error(
    serve: Serve, connect: Connect, tasks: list[Any]
) -> None:
    # What is left out of the counts would be taken for deleted.
    with pytest.raises(UpstreamError, match="after task"):
        list(connect(serve(Reply({"tasks": tasks}))).annotation_counts(7))


def test_chosen_tasks_are_asked_for_a_hundred_at_a_time(serve: Serve, connect: Connect) -> None:
    def answer(request: Request) -> Reply:
        ids = json.loads(request.query["query"])["selectedItems"]["included"]
        return Reply({"tasks": [make_task(id_) for id_ in ids]})

    server = serve(answer)
    found = [len(tasks) for tasks in connect(server).labeled_tasks_of(7, range(1, 251))]
    assert found == [100, 100, 50]
    assert [request.query["page_size"] for request in server.requests] == ["100", "100", "50"]


def test_unlabeled_tasks_come_in_pages_without_annotations(serve: Serve, connect: Connect) -> None:
    odd = {"id": 9, "data": None}
    server = serve(holding([*map(make_task, (1, 2, 4)), odd]))
    pages = [*connect(server, page_size=2).unlabeled_tasks(7, 50)]
    assert [[task.id for task in page] for page in pages[:2]] == [[1, 2], [4, 9]]
    assert [task.data for task in pages[1]] == [{"text": "text 4"}, {}]
    assert {request.query["include"] for request in server.requests} == {"id,data,updated_at"}


def test_no_more_unlabeled_tasks_are_read_than_are_wanted(serve: Serve, connect: Connect) -> None:
    server = serve(holding([*map(make_task, range(1, 10))]))
    pages = connect(server, page_size=2).unlabeled_tasks(7, 3)
    assert [[task.id for task in page] for page in pages] == [[1, 2], [3]]
    assert len(server.requests) == 2


def test_unlabeled_tasks_with_long_texts_come_a_few_at_a_time(
    serve: Serve, connect: Connect
) -> None:
    large = {"text": "x" * 200_000}
    server = serve(holding([make_task(number, data=large) for number in range(1, 41)]))
    pages = connect(server, page_size=1000).unlabeled_tasks(7, 5000)
    assert sum(len(page) for page in pages) == 40
    assert sizes_asked(server)[:2] == [100, 19], "of 200 kB each, for a page of 4 MB"


def test_a_page_continues_after_the_last_id(serve: Serve, connect: Connect) -> None:
    server = serve(holding([*map(make_task, (1, 2, 4))]))
    ids_of(connect(server, page_size=2))
    queries = [json.loads(request.query["query"]) for request in server.requests]
    bounds = [[item["value"] for item in query["filters"]["items"]] for query in queries]
    assert bounds == [[0, 0], [2, 0], [4, 0]]
    assert {item["operator"] for item in queries[0]["filters"]["items"]} == {"greater"}
    assert queries[0]["filters"]["conjunction"] == "and"
    assert queries[0]["ordering"] == ["tasks:id"]
    assert [request.query["page"] for request in server.requests] == ["1"] * 3
    assert server.requests[0].query["fields"] == "all"


def test_a_page_is_asked_for_when_it_is_wanted(serve: Serve, connect: Connect) -> None:
    server = serve(holding([*map(make_task, range(1, 7))]))
    pages = connect(server, page_size=2).labeled_tasks(7)
    assert len(server.requests) == 0
    next(pages)
    assert len(server.requests) == 1
    next(pages)
    assert len(server.requests) == 2


def test_a_server_may_give_smaller_pages_than_asked_for(serve: Serve, connect: Connect) -> None:
    server = serve(holding([*map(make_task, range(1, 251))]))
    assert [len(page) for page in ids_of(connect(server, page_size=1000))] == [100, 100, 50]


def test_a_page_cut_off_by_a_count_too_low_is_not_the_last(serve: Serve, connect: Connect) -> None:
    cut_off = Reply({"tasks": [make_task(1), make_task(2)], "total": 2})
    server = serve(cut_off, holding([make_task(3)]))
    assert ids_of(connect(server)) == [[1, 2], [3]]


def test_a_task_deleted_between_pages_hides_no_other(serve: Serve, connect: Connect) -> None:
    tasks = list(map(make_task, range(1, 7)))
    server = serve(holding(tasks))
    pages = connect(server, page_size=3).labeled_tasks(7)
    next(pages)
    del tasks[:3]
    assert [task.id for task, _ in next(pages).tasks] == [4, 5, 6]


def test_a_project_without_labels_has_no_pages(serve: Serve, connect: Connect) -> None:
    assert ids_of(connect(serve(holding([])))) == []


@pytest.mark.parametrize("odd", [5, None, {"data": {}}, {"id": "secret"}, {"id": True}, {"id": -1}])
def test_a_task_that_cannot_be_read_is_left_out(
    serve: Serve, connect: Connect, odd: object, caplog: pytest.LogCaptureFixture
) -> None:
    server = serve(Reply({"tasks": [make_task(1), odd, make_task(3)]}), Reply({"tasks": []}))
    assert ids_of(connect(server)) == [[1, 3]]
    assert "after task 1" in caplog.text
    assert "secret" not in caplog.text


def test_a_task_without_a_list_of_annotations_is_left_out(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    server = serve(holding([make_task(1, annotations="secret"), make_task(2), make_task(3)]))
    assert ids_of(connect(server, page_size=1)) == [[2], [3]]
    assert "task 1" in caplog.text
    assert "secret" not in caplog.text


def test_an_annotation_that_cannot_be_read_is_left_out(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    odd = [1, {"id": None}, {"id": "secret"}, {"id": 5, "result": "odd", "completed_by": {}}]
    server = serve(holding([make_task(1, annotations=odd)]))
    [(_, annotations)] = next(connect(server).labeled_tasks(7)).tasks
    assert [(annotation.id, annotation.regions) for annotation in annotations] == [(5, ())]
    assert "task 1" in caplog.text
    assert "secret" not in caplog.text


def test_data_that_is_no_object_counts_as_empty(serve: Serve, connect: Connect) -> None:
    client = connect(serve(holding([make_task(1, data="odd")])))
    [(task, _)] = next(client.labeled_tasks(7)).tasks
    assert task.data == {}


@pytest.mark.parametrize("tasks", [[make_task(2), make_task(1)], [make_task(1)] * 2, [None, None]])
def test_a_server_that_pages_otherwise_is_an_error(
    serve: Serve, connect: Connect, tasks: list[Any]
) -> None:
    with pytest.raises(UpstreamError, match="order") as caught:
        ids_of(connect(serve(Reply({"tasks": tasks}))))
    assert not caught.value.retryable


def test_a_server_that_ignores_the_filter_is_an_error(serve: Serve, connect: Connect) -> None:
    server = serve(Reply({"tasks": [make_task(1), make_task(2)]}))
    with pytest.raises(UpstreamError, match="task 1 after task 2"):
        ids_of(connect(server))


def test_half_a_surrogate_pair_in_a_text_spoils_nothing(serve: Serve, connect: Connect) -> None:
    server = serve(holding([make_task(1, data={"text": "\ud83d!"})]))
    [(task, _)] = next(connect(server).labeled_tasks(7)).tasks
    assert task.data == {"text": "?!"}


# How large pages are


def test_a_page_that_takes_too_long_is_asked_for_in_smaller_ones(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    tasks = holding([*map(make_task, range(1, 31))])

    def answer(request: Request) -> Reply:
        slow = 60 if int(request.query["page_size"]) > 20 else 0
        return replace(tasks(request), delay_seconds=slow)

    server = serve(answer)
    client = connect(server, page_size=80, deadline_seconds=1, attempts=1)
    assert [len(page) for page in ids_of(client)] == [20, 10]
    assert "Pages of 20 tasks are asked for" in caplog.text
    assert sizes_asked(server) == [80, 20, 20, 20]


def sizes_asked(server: Server) -> list[int]:
    return [int(request.query["page_size"]) for request in server.requests]


def test_pages_grow_to_what_was_asked_for_where_tasks_are_small(
    serve: Serve, connect: Connect
) -> None:
    server = serve(holding([*map(make_task, range(1, 201))]))
    ids_of(connect(server, page_size=300))
    assert sizes_asked(server) == [100, 300, 300]


def test_pages_of_large_tasks_have_few(serve: Serve, connect: Connect) -> None:
    large = {"text": "x" * 200_000}
    server = serve(holding([make_task(number, data=large) for number in range(1, 41)]))
    assert sum(len(page) for page in ids_of(connect(server, page_size=1000))) == 40
    asked = sizes_asked(server)
    assert asked[0] == 100
    assert asked[1] == 19, "of 200 kB each, for a page of 4 MB"


def test_a_label_studio_that_is_always_slow_is_an_error(serve: Serve, connect: Connect) -> None:
    server = serve(Reply({"tasks": []}, delay_seconds=60))
    client = connect(server, page_size=40, deadline_seconds=0.3, attempts=1)
    with pytest.raises(UpstreamError):
        next(client.labeled_tasks(7))
    assert [request.query["page_size"] for request in server.requests] == ["40", "10"]
