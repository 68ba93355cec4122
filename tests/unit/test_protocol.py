from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prelabel.errors import MalformedError, TooLargeError
from prelabel.protocol.bodies import (
    MAX_PARTS,
    DuplicateBody,
    JobStatusBody,
    PredictBody,
    ProjectOnlyBody,
    SetupBody,
    ValidateBody,
    decode,
    read_tasks,
    write_results,
)
from prelabel.protocol.events import KINDS, EventBody, find_deleted, to_event
from prelabel.protocol.values import (
    LONG_AGO,
    MAX_DEPTH,
    AnnotationBody,
    TaskBody,
    to_annotation,
    to_datetime,
    to_regions,
    to_task,
)
from prelabel.types import Event, EventKind, Prediction, ProjectKey
from tests.builders import DATA, PROJECT, region
from tests.strategies import JSON

CREATED_AT = datetime(2026, 11, 23, 15, 26, 52, 405339, tzinfo=UTC)


def recorded(name: str) -> bytes:
    return (DATA / f"{name}.json").read_bytes()


def load(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(recorded(name))
    return loaded


def event_of(body: object) -> Event:
    event = to_event(decode(json.dumps(body).encode(), EventBody))
    assert event is not None
    return event


def refusal_of(body: bytes, body_type: type[object] = EventBody) -> str:
    with pytest.raises(MalformedError) as caught:
        decode(body, body_type)
    return str(caught.value)


def predict_body(text: bytes) -> bytes:
    start = b'{"project":"1.1","label_config":"","tasks":[{"id":1,"data":{"text":'
    return start + text + b"}}]}"


# What Label Studio 1.23.2 sends


def test_a_created_annotation_is_recorded_with_its_task() -> None:
    event = event_of(load("annotation_created"))
    assert (event.kind, event.project, event.deleted_ids) == (EventKind.ANNOTATED, PROJECT, ())
    assert event.project_updated_at == CREATED_AT
    ((task, annotation),) = event.annotated
    assert (task.id, task.data) == (1, {"text": "text number 0", "extra": 0})
    assert task.updated_at == datetime(2026, 11, 23, 15, 26, 58, 774958, tzinfo=UTC)
    assert (annotation.id, annotation.task_id, annotation.completed_by) == (1, 1, 1)
    assert annotation.regions == (region("sports"),)
    assert annotation.updated_at == datetime(2026, 11, 23, 15, 26, 58, 686537, tzinfo=UTC)
    assert not annotation.was_cancelled
    assert not annotation.ground_truth


def test_annotations_made_of_predictions_come_as_parallel_lists() -> None:
    event = event_of(load("annotations_created"))
    ids = [(task.id, item.id, item.task_id) for task, item in event.annotated]
    assert ids == [(5, 5, 5), (4, 6, 4)]


@pytest.mark.parametrize(
    ("name", "kind", "ids"),
    [
        ("annotations_deleted", EventKind.ANNOTATIONS_DELETED, (1,)),
        ("tasks_deleted", EventKind.TASKS_DELETED, (4,)),
        ("project_updated", EventKind.PROJECT_UPDATED, ()),
        ("start_training", EventKind.TRAINING_REQUESTED, ()),
    ],
)
def test_every_other_event_says_what_happened(
    name: str, kind: EventKind, ids: tuple[int, ...]
) -> None:
    event = event_of(load(name))
    assert (event.kind, event.project, event.deleted_ids) == (kind, PROJECT, ids)
    assert event.label_config == load(name)["project"]["label_config"]
    assert event.annotated == ()


def test_created_tasks_bring_their_texts() -> None:
    event = event_of(load("tasks_created"))
    assert event.kind is EventKind.TASKS_CREATED
    assert [(task.id, set(task.data) >= {"text"}) for task in event.created] == [
        (item["id"], True) for item in load("tasks_created")["tasks"]
    ]


def test_odd_tasks_among_created_ones_are_left_out() -> None:
    odd: list[Any] = [None, 5, "x", [], {}, {"id": "x"}, {"id": 7, "data": 5}]
    body = {**load("tasks_created"), "tasks": odd}
    event = to_event(decode(json.dumps(body).encode(), EventBody))
    assert event
    assert [(task.id, task.data) for task in event.created] == [(7, {})]


def test_setup_is_read_without_its_secrets() -> None:
    body = decode(recorded("setup"), SetupBody)
    assert ProjectKey.parse(body.project) == PROJECT
    assert body.schema == load("setup")["schema"]
    assert "0123456789abcdef" not in repr(body)


def test_predict_is_read_in_order() -> None:
    body = decode(recorded("predict"), PredictBody)
    assert (body.project, body.label_config) == (str(PROJECT), load("predict")["label_config"])
    texts = [data["text"] for data in body.usable_data]
    assert texts == ["text number 0", "text number 1"]


def test_bodies_of_other_releases_are_read() -> None:
    assert decode(b'{"project":"1.2","x":1}', ProjectOnlyBody).project == "1.2"
    assert decode(b'{"job":"job-1","project":3}', JobStatusBody).job == "job-1"
    both = decode(b'{"project_src":"1.2","project_dst":"3.4"}', DuplicateBody)
    assert (both.project_src, both.project_dst) == ("1.2", "3.4")
    assert decode(b'{"config":"<View/>"}', ValidateBody).config == "<View/>"


@pytest.mark.parametrize("action", ["", "ANNOTATION", "LABEL_LINK_CREATED", "annotation_created"])
def test_an_unknown_action_is_nothing(action: str) -> None:
    body = {**load("annotation_created"), "action": action, "label_link": {"id": 1}}
    assert to_event(decode(json.dumps(body).encode(), EventBody)) is None


def test_an_event_without_a_project_is_nothing() -> None:
    assert to_event(decode(b'{"action":"START_TRAINING"}', EventBody)) is None


@pytest.mark.parametrize("action", ["ANNOTATION_DELETED", "ANNOTATIONS_DELETED"])
@pytest.mark.parametrize("key", ["annotation", "annotations"])
def test_both_spellings_of_a_deletion_are_understood(action: str, key: str) -> None:
    body = {**load("start_training"), "action": action}
    event = event_of({**body, key: {"id": 7} if key == "annotation" else [{"id": 7}]})
    assert (event.kind, event.deleted_ids) == (EventKind.ANNOTATIONS_DELETED, (7,))


# Project keys


@pytest.mark.parametrize("text", ["12.1795447612", "0.0", f"{'9' * 18}.{'9' * 18}"])
def test_a_project_key_is_written_as_it_was_read(text: str) -> None:
    assert str(ProjectKey.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    ["", "1", "1.", ".1", "1.2.3", "-1.2", "1.-2", "1.2\n", "٣.٤", f"{'9' * 19}.1", 1.2, None],
)
def test_anything_else_is_no_project(text: object) -> None:
    with pytest.raises(MalformedError, match="as the project"):
        ProjectKey.parse(text)


@pytest.mark.parametrize(
    "project",
    [
        {"id": -1, "created_at": "2026-11-23T15:26:52Z"},
        {"id": 10**18, "created_at": "2026-11-23T15:26:52Z"},
        {"id": 10**40, "created_at": "2026-11-23T15:26:52Z"},
        {"id": 1, "created_at": "1960-01-01T00:00:00Z"},
        {"id": 1, "created_at": "yesterday"},
        {"id": 1, "created_at": ""},
        {"id": 1},
        {"id": 1, "created_at": "0001-01-01T00:00:00+14:00"},
    ],
)
def test_an_event_never_names_a_project_that_could_not_be_read_again(project: object) -> None:
    with pytest.raises(MalformedError):
        event_of({"action": "START_TRAINING", "project": project})


def test_of_a_deleted_project_its_number_is_enough() -> None:
    told = decode(b'{"action": "PROJECT_DELETED", "project": {"id": 7}}', EventBody)
    assert (find_deleted(told), to_event(told)) == (7, None)
    for body in (load("start_training"), {**load("start_training"), "action": "PROJECT_DELETED"}):
        assert find_deleted(decode(json.dumps(body).encode(), EventBody)) is None
        assert event_of(body).project == PROJECT


# Bodies that do not fit


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"null", "Expected `object`, got `null`"),
        (b"[]", "Expected `object`, got `array`"),
        (b"{}", "missing required field `tasks`"),
        (b'{"tasks":{},"label_config":"","project":"1.1"}', "$.tasks"),
        (b'{"tasks":[],"label_config":null,"project":"1.1"}', "$.label_config"),
        (b'{"tasks":[],"label_config":"","project":1}', "$.project"),
    ],
)
def test_a_body_of_the_wrong_form_is_told_the_place(body: bytes, place: str) -> None:
    message = refusal_of(body, PredictBody)
    assert place in message
    assert "/predict" in message


@pytest.mark.parametrize(
    "body",
    [b"", b" ", b"{", b"{'a': 1}", b"\xff", b'{"action":"\xff"}', b'{"action":"\x00"}', b"nul",
     b'{"action":""} {}'],
)  # fmt: skip
def test_what_is_not_json_is_refused(body: bytes) -> None:
    assert "not JSON" in refusal_of(body)


@pytest.mark.parametrize("part", [b"{}", b"[]"])
def test_a_body_of_too_many_parts_is_refused_before_it_is_read(
    part: bytes,
) -> None:
    body = b'{"tasks": [' + b",".join([part] * (MAX_PARTS + 1)) + b"]}"
    with pytest.raises(TooLargeError, match="lists and objects"):
        decode(body, PredictBody)


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_endless_nesting_is_refused(opening: str) -> None:
    closing = "]" if opening == "[" else "}"
    deep = opening * 100_000 + "1" + closing * 100_000
    assert "nested too deeply" in refusal_of(predict_body(deep.encode()), PredictBody)
    assert refusal_of(opening.encode() * 100_000)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_other_encodings_of_unicode_are_read(encoding: str) -> None:
    body = decode(recorded("predict").decode().encode(encoding), PredictBody)
    assert len(body.tasks) == 2


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (rb'"a\ud800b"', "a?b"),
        (rb'"\udc00\ud800"', "??"),
        (rb'"\ud83d\ude00"', "😀"),
        (rb'"\u0000"', "\x00"),
        (b"NaN", None),
        (b"-Infinity", None),
        (b"1" * 30, int("1" * 30)),
    ],
)
def test_values_that_json_should_not_have_become_harmless(text: bytes, value: object) -> None:
    (data,) = decode(predict_body(text), PredictBody).usable_data
    assert data == {"text": value}
    assert msgspec.json.encode(data)


@pytest.mark.parametrize("number", [b"1e999", b"1" * 5_000, b"1" * 4_301])
def test_a_number_that_is_none_costs_only_itself(number: bytes) -> None:
    (data,) = decode(predict_body(number), PredictBody).usable_data
    assert data == {"text": None}


def test_what_is_no_task_has_nothing_and_is_not_kept() -> None:
    task = {"id": 1, "data": {"text": "x"}}
    tasks = [None, task, 5, 0.5, "x", True, [task], {}]
    body = msgspec.json.encode({"tasks": tasks, "label_config": "", "project": "1.1"})
    request = decode(body, PredictBody)
    assert request.usable_data == [{}, {"text": "x"}, *[{}] * 6]
    assert [kept.id for kept in read_tasks(request.tasks)] == [1]


def test_broken_text_does_not_hide_a_wrong_form() -> None:
    body = rb'{"schema":"\ud800","project":1}'
    assert "`$.project`" in refusal_of(body, SetupBody)


# Odd tasks, annotations and regions


@pytest.mark.parametrize("id_", [None, 0, -1, True, "1", 1.5, 2**63, [1], {}])
def test_what_has_no_usable_id_is_left_out(id_: object) -> None:
    assert to_task(TaskBody(id=id_)) is None
    assert to_annotation(AnnotationBody(id=id_), 1) is None
    body = load("tasks_deleted")
    assert event_of({**body, "tasks": [{"id": id_}, {"id": 3}, {}]}).deleted_ids == (3,)


def test_an_odd_annotation_beside_a_good_one_is_left_out_alone() -> None:
    body = load("annotations_created")
    body["annotation"][0]["id"] = None
    assert [item.id for _, item in event_of(body).annotated] == [6]


def test_lists_of_unequal_length_are_read_as_far_as_they_are_parallel() -> None:
    body = load("annotations_created")
    body["task"].pop()
    assert [item.id for _, item in event_of(body).annotated] == [5]
    assert event_of({**body, "task": None}).annotated == ()


@pytest.mark.parametrize("data", [None, [], "text", 1, True])
def test_data_that_is_no_object_is_empty(data: object) -> None:
    task = to_task(TaskBody(id=1, data=data))
    assert task is not None
    assert task.data == {}


@pytest.mark.parametrize(
    "result",
    [None, "text", {}, 1, [], [None], [[]], ["x"], [{}], [{"from_name": "a", "to_name": "b"}],
     [{"from_name": 1, "to_name": "b", "value": {}}],
     [{"from_name": "a", "to_name": "b", "value": []}], [{"id": "x", "type": "relation"}]],
)  # fmt: skip
def test_regions_that_cannot_be_read_are_left_out(result: object) -> None:
    assert list(to_regions(result)) == []


def test_a_readable_region_beside_odd_ones_is_kept() -> None:
    good = load("annotation_created")["annotation"]["result"][0]
    assert list(to_regions([None, good, {}])) == [region("sports")]
    (odd,) = to_regions([{**good, "type": None, "extra": 1}])
    assert odd.type == "None"


def test_a_region_of_one_item_of_several_is_of_a_part() -> None:
    whole = load("annotation_created")["annotation"]["result"][0]
    found = to_regions([{**whole, "item_index": 0}, {**whole, "item_index": None}])
    assert [region.is_of_part for region in found] == [True, False]


def nest(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


def test_values_nested_deeper_than_stores_can_read_are_left_out() -> None:
    kept, lost = (to_task(TaskBody(id=1, data={"x": nest(MAX_DEPTH + n)})) for n in (-1, 0))
    assert kept is not None
    assert kept.data
    assert lost is not None
    assert lost.data == {}
    wrong = {"from_name": "a", "to_name": "b", "value": {"x": nest(MAX_DEPTH)}}
    assert list(to_regions([wrong])) == []


def test_flags_that_are_not_true_are_false() -> None:
    body = AnnotationBody(id=1, was_cancelled="yes", ground_truth=1, completed_by="me")
    annotation = to_annotation(body, 2)
    assert annotation is not None
    assert (annotation.was_cancelled, annotation.ground_truth) == (False, False)
    assert (annotation.completed_by, annotation.task_id) == (None, 2)


def test_an_annotation_without_a_time_is_older_than_any_other() -> None:
    for body in (AnnotationBody(id=1), AnnotationBody(id=1, updated_at=3, created_at="soon")):
        annotation = to_annotation(body, 1)
        assert annotation is not None
        assert annotation.updated_at == LONG_AGO


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-23T15:26:52.405339Z", CREATED_AT),
        ("2026-11-23T16:26:52.405339+01:00", CREATED_AT),
        ("2026-11-23T15:26:52.405339", CREATED_AT),
        ("9999-12-31T23:59:59-01:00", None),
        ("0001-01-01T00:00:00+01:00", None),
        ("", None),
        ("noon", None),
        (1795447612, None),
        (None, None),
    ],
)
def test_times_are_read_as_utc(text: object, moment: datetime | None) -> None:
    assert to_datetime(text) == moment


# Answers


def test_the_answer_has_one_entry_a_task_and_an_empty_list_for_an_abstention() -> None:
    prediction = Prediction(regions=(region("sports"),), score=0.25, model_version="v1-2labels")
    written = json.loads(write_results([None, prediction, None]))
    result = load("annotation_created")["annotation"]["result"]
    expected = {"result": result, "score": 0.25, "model_version": "v1-2labels"}
    assert written == {"results": [[], expected, []]}
    assert json.loads(write_results([])) == {"results": []}


# Anything

BODY_TYPES: list[type[object]] = [
    EventBody, PredictBody, SetupBody, ProjectOnlyBody, JobStatusBody, DuplicateBody, ValidateBody,
]  # fmt: skip
DATES = st.sampled_from(["2026-11-23T15:26:52Z", "2026-11-23", "x", "0001-01-01"])


def some(**values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return objects of which any field may be missing, or anything."""
    return st.fixed_dictionaries({}, optional={key: value | JSON for key, value in values.items()})


ITEMS = some(id=st.integers(), data=JSON, result=st.lists(JSON), updated_at=DATES)
EVENTS = st.fixed_dictionaries(
    {"action": st.sampled_from([*KINDS, "OTHER"])},
    optional={
        "project": some(id=st.integers(), created_at=DATES, label_config=st.text()),
        "annotation": ITEMS | st.lists(ITEMS),
        "annotations": st.lists(ITEMS),
        "task": ITEMS | st.lists(ITEMS),
        "tasks": st.lists(ITEMS),
    },
)


@pytest.mark.parametrize("body_type", BODY_TYPES)
@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_body_is_a_value_or_malformed(body_type: type[object], body: bytes) -> None:
    try:
        value = decode(body, body_type)
    except MalformedError as error:
        assert str(error)  # noqa: PT017 - either outcome is right
    else:
        assert isinstance(value, body_type)


@given(EVENTS)
def test_any_event_is_an_event_nothing_or_malformed(body: object) -> None:
    try:
        event = to_event(decode(json.dumps(body).encode(), EventBody))
    except MalformedError:
        return
    assert event is None or ProjectKey.parse(str(event.project)) == event.project
    for task, annotation in event.annotated if event else ():
        assert task.id == annotation.task_id
        assert 0 < annotation.id < 2**63
        assert annotation.updated_at.tzinfo is UTC
