from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import NoResultFound

from prelabel.storage.database import Database
from prelabel.storage.jobs import JobStore
from prelabel.storage.labels import DELETIONS_AT_ONCE, LabelStore
from prelabel.storage.projects import ProjectStore
from prelabel.storage.syncs import SyncStore
from prelabel.storage.versions import VersionStore
from prelabel.types import FIRST_TEXTS, Event, EventKind, ProjectKey, Task
from tests.builders import (
    CONFIG,
    PROJECT,
    TWIN,
    Pair,
    annotated,
    at,
    by_task,
    config,
    deleted,
    examples,
    labeled,
    tasks_deleted,
)
from tests.contract.annotations import apply_all, known
from tests.contract.releases import go_back

# Events in order


def test_what_was_applied_is_read_again_whole(labels: LabelStore) -> None:
    task, annotation = labeled(3, "sports", text="naïve 😀 \x00 text", minute=1.000001)
    rich = replace(annotation, ground_truth=True, completed_by=7)
    labels.apply(annotated((task, rich)))
    ((found_task, found),) = labels.snapshot(PROJECT).annotated
    assert found == rich
    assert (found_task.id, found_task.data) == (task.id, task.data)


def test_annotations_are_ordered_by_id(labels: LabelStore) -> None:
    labels.apply(annotated(labeled(9), labeled(2), labeled(5)))
    assert list(known(labels)) == [2, 5, 9]


def test_a_repeated_event_changes_nothing(labels: LabelStore) -> None:
    event = annotated(labeled(1), labeled(2, "cooking"))
    assert apply_all(labels, event, event, deleted(1), deleted(1), event) == [2, 0, 1, 0, 0]
    assert labels.snapshot(PROJECT).label_changes == 3


def test_an_annotation_twice_in_one_event_counts_once_and_the_newer_stays(
    labels: LabelStore,
) -> None:
    newer, older = labeled(1, "cooking", minute=2), labeled(1, "sports", minute=1)
    assert apply_all(labels, annotated(newer, older, newer)) == [1]
    assert known(labels) == {1: "cooking"}


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        (labeled(1, "sports"), labeled(1, "cooking", minute=1), 1),
        (labeled(1, "sports"), labeled(1, "sports", minute=1), 0),
        (labeled(1, "sports"), labeled(1, None, minute=1), 1),
        (labeled(1, "sports"), labeled(1, "sports", minute=1, skipped=True), 1),
        (labeled(1, None), labeled(1, "sports", minute=1), 1),
        (labeled(1, "sports", skipped=True), labeled(1, "sports", minute=1), 1),
        (labeled(1, "sports", skipped=True), labeled(1, "cooking", minute=1, skipped=True), 0),
        (labeled(1, None), labeled(1, None, minute=1), 0),
        (labeled(1, None), labeled(1, None, minute=1, skipped=True), 1),
        (labeled(1, "sports"), labeled(1, "sports", minute=1, truth=True), 1),
        (labeled(1, skipped=True), labeled(1, minute=1, skipped=True, truth=True), 0),
    ],
)
def test_only_what_an_example_would_notice_is_a_label_change(
    labels: LabelStore, before: Pair, after: Pair, changes: int
) -> None:
    labels.apply(annotated(before))
    assert apply_all(labels, annotated(after)) == [changes]


def test_who_skips_decides_nothing_and_who_chooses_nothing_does(labels: LabelStore) -> None:
    skipped, empty = labeled(1, "sports", skipped=True), labeled(2, None)
    assert apply_all(labels, annotated(skipped), deleted(1)) == [0, 0]
    assert apply_all(labels, annotated(empty), deleted(2)) == [1, 1]


def test_events_of_other_kinds_change_no_label(labels: LabelStore) -> None:
    labels.apply(annotated(labeled(1)))
    for kind in (EventKind.PROJECT_UPDATED, EventKind.TRAINING_REQUESTED):
        assert apply_all(labels, Event(kind=kind, project=PROJECT, deleted_ids=(1,))) == [0]
    assert known(labels) == {1: "sports"}


def test_deleting_a_task_deletes_its_annotations(labels: LabelStore) -> None:
    labels.apply(annotated(labeled(1, task=5), labeled(2, task=5), labeled(3, task=6)))
    assert apply_all(labels, tasks_deleted(5)) == [2]
    assert list(known(labels)) == [3]


def test_ids_that_nobody_knows_are_no_label_changes(labels: LabelStore) -> None:
    assert apply_all(labels, deleted(404, 404), tasks_deleted(404, 2**63 - 1)) == [0, 0]


def test_an_id_deleted_twice_in_one_event_counts_once(labels: LabelStore) -> None:
    labels.apply(annotated(*(labeled(number) for number in range(1, 301))))
    assert apply_all(labels, deleted(*range(1, 301), *range(1, 301))) == [300]


def test_five_thousand_annotations_at_once_are_five_thousand_label_changes(
    labels: LabelStore,
) -> None:
    event = annotated(*(labeled(number) for number in range(1, 5_001)))
    assert apply_all(labels, event, event) == [5_000, 0]
    assert apply_all(labels, tasks_deleted(*range(1, 5_001))) == [5_000]
    assert labels.snapshot(PROJECT).annotated == ()


def test_the_newest_text_of_a_task_is_kept(labels: LabelStore) -> None:
    first = labeled(1, task=1, text="as corrected", minute=5)
    second = labeled(2, task=1, text="as imported", minute=1)
    apply_all(labels, annotated(first), annotated(second))
    assert {task.data["text"] for task, _ in labels.snapshot(PROJECT).annotated} == {"as corrected"}


def test_a_task_without_a_time_is_stored_and_gives_way(labels: LabelStore) -> None:
    task, annotation = labeled(1, text="from nowhere")
    labels.apply(annotated((replace(task, updated_at=None), annotation)))
    labels.apply(annotated(labeled(2, task=1, text="from Label Studio")))
    assert {t.data["text"] for t, _ in labels.snapshot(PROJECT).annotated} == {"from Label Studio"}


# Events out of order


def test_created_after_updated_is_late(labels: LabelStore) -> None:
    updated, created = annotated(labeled(1, "cooking", minute=2)), annotated(labeled(1, "sports"))
    assert apply_all(labels, updated, created) == [1, 0]
    assert known(labels) == {1: "cooking"}


def test_created_or_updated_after_deleted_stays_deleted(labels: LabelStore) -> None:
    events = deleted(1), annotated(labeled(1)), annotated(labeled(1, "cooking", minute=9))
    assert apply_all(labels, *events) == [0, 0, 0]
    assert known(labels) == {}


@pytest.mark.parametrize("gone", [deleted(1), tasks_deleted(1)])
def test_updated_after_deleted_is_late_however_new_it_says_it_is(
    labels: LabelStore, gone: Event
) -> None:
    events = annotated(labeled(1)), gone, annotated(labeled(1, "cooking", minute=9))
    assert apply_all(labels, *events) == [1, 1, 0]
    assert known(labels) == {}


def test_of_two_states_of_one_time_the_first_to_arrive_stays(labels: LabelStore) -> None:
    events = annotated(labeled(1, "sports")), annotated(labeled(1, "cooking"))
    assert apply_all(labels, *events) == [1, 0]
    assert known(labels) == {1: "sports"}


def test_an_annotation_of_a_task_already_deleted_is_no_example(labels: LabelStore) -> None:
    events = tasks_deleted(5), annotated(labeled(1, task=5), labeled(2, task=6))
    assert apply_all(labels, *events) == [0, 1]
    assert list(known(labels)) == [2]


STORY = [
    *(annotated(labeled(id_, "sports", minute=id_)) for id_ in (1, 2, 3)),
    *(annotated(labeled(id_, "cooking", minute=10 + id_)) for id_ in (1, 2, 3, 4)),
    annotated(labeled(1, "sports", minute=20, skipped=True)),
    annotated(labeled(5, "sports", task=2, minute=30), labeled(6, None, task=3, minute=31)),
    annotated(labeled(6, "sports", task=3, text="edited", minute=40)),
    deleted(4, 99),
    tasks_deleted(2),
]
STORY_KEYS = itertools.count(1)
FEW = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def truth(events: Sequence[Event]) -> list[Pair]:
    """Return what Label Studio shows after events in their right order."""
    shown: dict[int, Pair] = {}
    for event in events:
        gone, by_task = set(event.deleted_ids), event.kind is EventKind.TASKS_DELETED
        texts = {task.id: task for task, _ in event.annotated}
        shown |= {pair[1].id: pair for pair in event.annotated}
        shown = {
            id_: (texts.get(task.id, task), item)
            for id_, (task, item) in sorted(shown.items())
            if (task.id if by_task else id_) not in gone
        }
    return list(shown.values())


def check(labels: LabelStore, project: ProjectKey, expected: Sequence[Pair]) -> None:
    found = labels.snapshot(project).annotated
    assert [(task.data, item) for task, item in found] == [(t.data, item) for t, item in expected]


@FEW
@given(st.permutations(STORY), st.lists(st.sampled_from(STORY), max_size=6), st.randoms())
def test_any_order_and_repetition_of_events_ends_the_same(
    labels: LabelStore, order: list[Event], again: list[Event], chance: random.Random
) -> None:
    told, project = [*order, *again], ProjectKey(next(STORY_KEYS), 1)
    chance.shuffle(told)
    apply_all(labels, *(replace(event, project=project) for event in told))
    check(labels, project, truth(STORY))


@FEW
@given(st.permutations(STORY), st.integers(0, len(STORY)), st.data())
def test_a_sync_repairs_whatever_was_lost_before_it(
    labels: LabelStore, syncs: SyncStore, order: list[Event], since: int, data: st.DataObject
) -> None:
    project = ProjectKey(next(STORY_KEYS), 1)
    moved = {id(event): replace(event, project=project) for event in STORY}
    received = [moved[id(event)] for event in order if event in STORY[:since]]
    apply_all(labels, *received[: data.draw(st.integers(0, since))])
    begun = syncs.begin(project, CONFIG, newest=at(0), everything=True)
    meanwhile = [moved[id(event)] for event in order if event in STORY[since:]]
    during = data.draw(st.integers(0, len(meanwhile)))
    apply_all(labels, *meanwhile[:during])
    syncs.apply(begun, by_task(truth(STORY[:since])))
    syncs.end(begun, showed_all=True)
    apply_all(labels, *meanwhile[during:])
    check(labels, project, truth(STORY))


# Projects


def told_config(label_config: str, minute: float | None) -> Event:
    moment = None if minute is None else at(minute)
    return Event(
        kind=EventKind.PROJECT_UPDATED,
        project=PROJECT,
        label_config=label_config,
        project_updated_at=moment,
    )


def test_a_late_labeling_config_is_no_news(labels: LabelStore) -> None:
    new, old = config("new"), config("old")
    assert labels.apply(told_config(new, 5)).seen.is_new
    seen = labels.apply(told_config(old, 1)).seen
    assert (seen.is_new, seen.previous_label_config, seen.label_config) == (False, new, new)
    seen = labels.apply(told_config(config("newest"), 6)).seen
    assert (seen.previous_label_config, seen.label_config) == (new, config("newest"))
    assert labels.snapshot(PROJECT).label_config == config("newest")


def test_a_labeling_config_without_a_time_is_what_is_so_now(
    labels: LabelStore, projects: ProjectStore
) -> None:
    labels.apply(told_config(config("old"), 5))
    assert projects.see(PROJECT, config("now")).previous_label_config == config("old")
    assert labels.snapshot(PROJECT).label_config == config("now")
    for minute in (4, 5):
        labels.apply(told_config(config("late"), minute))
        assert labels.snapshot(PROJECT).label_config == config("now")


def test_an_event_that_tells_no_config_keeps_the_known_one(labels: LabelStore) -> None:
    labels.apply(told_config(CONFIG, 1))
    labels.apply(deleted(1))
    assert labels.snapshot(PROJECT).label_config == CONFIG


def test_a_forgotten_project_is_new_when_seen_again_and_keeps_its_labels(
    labels: LabelStore, projects: ProjectStore
) -> None:
    labels.apply(annotated(labeled(1)))
    assert not projects.see(PROJECT, CONFIG).is_new
    projects.forget(PROJECT)
    assert projects.see(PROJECT, CONFIG).is_new
    projects.forget(PROJECT)
    assert labels.apply(deleted(2)).seen.is_new
    assert known(labels) == {1: "sports"}


def test_what_another_process_saw_of_a_project_is_known_at_once(
    projects: ProjectStore, database: Database
) -> None:
    projects.see(PROJECT, CONFIG)
    assert projects.see(PROJECT).label_config == CONFIG
    with Database(database.path) as other:
        ProjectStore(other).see(PROJECT, config("now"))
        assert projects.see(PROJECT).label_config == config("now")
        assert projects.is_known(PROJECT)
        ProjectStore(other).forget(PROJECT)
        assert not projects.is_known(PROJECT)
        assert projects.see(PROJECT).is_new


def test_two_projects_with_the_same_ids_never_touch(labels: LabelStore, syncs: SyncStore) -> None:
    apply_all(
        labels, annotated(labeled(1), labeled(2)), annotated(labeled(1, "cooking"), project=TWIN)
    )
    apply_all(labels, deleted(1), tasks_deleted(2, project=TWIN))
    begun = syncs.begin(TWIN, config("other"), newest=at(0))
    syncs.apply(begun, by_task([labeled(7, "other")]))
    assert syncs.end(begun, showed_all=True) == 1
    assert known(labels) == {2: "sports"}
    assert known(labels, TWIN) == {7: "other"}
    assert (labels.snapshot(PROJECT).label_config, labels.snapshot(PROJECT).label_changes) == (
        CONFIG,
        3,
    )


def test_a_project_nobody_told_of_has_no_snapshot(labels: LabelStore) -> None:
    with pytest.raises(NoResultFound):
        labels.snapshot(PROJECT)


def test_many_deletions_at_once_are_all_made(labels: LabelStore) -> None:
    pairs = examples(["sports"] * 50)
    labels.apply(annotated(*pairs))
    applied = labels.apply(deleted(*range(1, 3 * DELETIONS_AT_ONCE)))
    assert applied.label_changes == 50
    assert labels.snapshot(PROJECT).annotated == ()


def test_an_annotation_that_was_moved_before_its_task_was_deleted_is_back_when_it_is_edited(
    labels: LabelStore,
) -> None:
    apply_all(labels, annotated(labeled(1), labeled(2)), tasks_deleted(2))
    assert apply_all(labels, annotated(labeled(2, task=1))) == [0], "not newer: it may be late"
    assert apply_all(labels, annotated(labeled(2, "cooking", minute=1))) == [0], "its task is gone"
    edited = annotated(labeled(2, "cooking", task=1, minute=2))
    assert apply_all(labels, edited, edited) == [1, 0]
    assert known(labels) == {1: "sports", 2: "cooking"}


def test_an_annotation_that_was_deleted_before_its_task_was_stays_deleted(
    labels: LabelStore,
) -> None:
    apply_all(labels, annotated(labeled(2)), deleted(2), tasks_deleted(2))
    assert apply_all(labels, annotated(labeled(2, task=1, minute=9))) == [0]
    assert known(labels) == {}


# Texts without labels


def created(*ids: int) -> Event:
    tasks = tuple(Task(id=id_, data={"text": f"text {id_}"}) for id_ in ids)
    return Event(kind=EventKind.TASKS_CREATED, project=PROJECT, created=tasks)


def test_texts_of_all_tasks_are_kept_whether_labeled_or_not(labels: LabelStore) -> None:
    assert apply_all(labels, created(1, 2, 3), annotated(labeled(2)), created(2, 3, 4)) == [0, 1, 0]
    assert [data["text"] for data in labels.snapshot(PROJECT).data] == [
        f"text {id_}" for id_ in (1, 2, 3, 4)
    ]
    labels.apply(tasks_deleted(1, 2))
    assert labels.count_texts(PROJECT) == 2
    labels.apply(created(1))
    assert labels.count_texts(PROJECT) == 2, "what was deleted does not come back"


def test_texts_are_counted_as_they_come(labels: LabelStore, database: Database) -> None:
    labels.apply(created(1, 2, 3))
    labels.add_texts(PROJECT, [Task(id=id_, data={"text": f"text {id_}"}) for id_ in (3, 4)])
    assert labels.snapshot(PROJECT).n_texts == 4
    few = LabelStore(database, pool_texts=3)
    few.apply(created(5))
    snapshot = few.snapshot(PROJECT)
    assert snapshot.n_texts == len(snapshot.data) <= 3


def test_the_texts_of_a_store_of_the_release_that_did_not_count_them_are_counted(
    labels: LabelStore, database: Database, versions: VersionStore, jobs: JobStore
) -> None:
    labels.apply(created(1, 2, 3))
    labels.apply(tasks_deleted(2))
    ProjectStore(database).see(TWIN, CONFIG)
    jobs.claim(TWIN, "me", timedelta(minutes=1))
    versions.add(TWIN, artifact="a", examples=2, heads=(), fingerprint="f", owner="me")
    go_back(database, "0010")
    database.migrate()
    found, of_twin = labels.snapshot(PROJECT), labels.snapshot(TWIN)
    assert (found.n_texts, found.texts_due) == (2, FIRST_TEXTS)
    assert of_twin.texts_due is None, "it has learned from labels"


def texts_of(labels: LabelStore) -> set[object]:
    return {data["text"] for data in labels.snapshot(PROJECT).data}


def test_of_very_many_texts_a_sample_is_kept_whatever_order_they_come_in(
    labels: LabelStore, database: Database, tmp_path: Path
) -> None:
    few = LabelStore(database, pool_texts=200)
    few.apply(created(*range(1, 1001)))
    assert 60 < few.count_texts(PROJECT) <= 200
    sample = texts_of(few)
    assert 0.35 < sum(int(str(text).split()[1]) <= 500 for text in sample) / len(sample) < 0.65
    few.apply(created(*range(1, 1001)))
    assert texts_of(few) == sample, "what was left out stays out"
    with Database(tmp_path / "another") as another:
        another.migrate()
        backwards = LabelStore(another, pool_texts=200)
        for first in range(901, 0, -100):
            backwards.apply(created(*range(first + 99, first - 1, -1)))
        assert texts_of(backwards) == sample
    assert len(texts_of(labels)) == len(sample)


def test_copies_of_one_text_push_no_other_out(labels: LabelStore, database: Database) -> None:
    few = LabelStore(database, pool_texts=200)
    few.apply(annotated(labeled(1), labeled(2)))
    tasks = [
        Task(id=id_, data={"text": "none" if id_ % 5 else f"answer {id_}"})
        for id_ in range(10, 910)
    ]  # fmt: skip
    different = {task.data["text"] for task in tasks} | texts_of(few)
    for _ in range(3):  # as often as Label Studio asks for them
        for first in range(0, 900, 90):
            few.add_texts(PROJECT, tasks[first : first + 90])
            assert few.count_texts(PROJECT) <= 200
        assert texts_of(few) == different
    assert len(few.snapshot(PROJECT).annotated) == 2


def test_copies_are_kept_while_there_is_room(database: Database) -> None:
    ProjectStore(database).see(PROJECT, CONFIG)
    few = LabelStore(database, pool_texts=10)
    same = [Task(id=id_, data={"text": "same"}) for id_ in range(1, 12)]
    few.add_texts(PROJECT, same[:10])
    assert few.count_texts(PROJECT) == 10, "as many as may be"
    few.add_texts(PROJECT, same)
    assert few.count_texts(PROJECT) == 1


def test_of_copies_those_with_annotations_stay(database: Database) -> None:
    few = LabelStore(database, pool_texts=10)
    same = [Task(id=id_, data={"text": "same"}) for id_ in range(1, 31)]
    few.apply(annotated(labeled(20, text="same"), labeled(21, text="same")))
    few.add_texts(PROJECT, same[:9])
    few.add_texts(PROJECT, same)
    snapshot = few.snapshot(PROJECT)
    assert [task.id for task, _ in snapshot.annotated] == [20, 21]
    assert len(snapshot.data) == few.count_texts(PROJECT) == 2


def test_where_texts_were_deleted_others_are_kept_in_their_place(database: Database) -> None:
    few = LabelStore(database, pool_texts=200)
    few.apply(created(*range(1, 2001)))
    few.apply(tasks_deleted(*range(1, 2001)))
    assert few.snapshot(PROJECT).n_texts == 0
    few.apply(created(*range(3001, 3151)))
    assert few.count_texts(PROJECT) == 150


def test_a_limit_that_was_raised_lets_more_texts_be_kept(database: Database) -> None:
    LabelStore(database, pool_texts=200).apply(created(*range(1, 2001)))
    more = LabelStore(database, pool_texts=10_000)
    before = more.count_texts(PROJECT)
    more.fit_pools()
    asked = [Task(id=id_, data={"text": f"text {id_}"}) for id_ in range(1, 501)]
    new = more.find_new(PROJECT, asked)
    assert 300 < len(new) < 500
    more.add_texts(PROJECT, new)
    assert more.count_texts(PROJECT) == before + len(new)


@pytest.mark.parametrize("every", [2, 10])
def test_a_sample_is_as_if_deleted_texts_had_never_been_there_once_the_others_came_again(
    database: Database, tmp_path: Path, every: int
) -> None:
    few = LabelStore(database, pool_texts=200)
    few.apply(created(*range(1, 1001)))
    few.apply(tasks_deleted(*range(every, 1001, every)))
    left = [id_ for id_ in range(1, 1001) if id_ % every]
    for id_ in left:  # each a reason to look whether more would fit
        few.apply(created(id_))
    with Database(tmp_path / "another") as another:
        another.migrate()
        fresh = LabelStore(another, pool_texts=200)
        fresh.apply(created(*left))
        assert texts_of(few) == texts_of(fresh)


def test_labeled_tasks_of_before_are_not_too_many_for_a_level_that_falls(
    database: Database,
) -> None:
    few = LabelStore(database, pool_texts=100)
    few.apply(annotated(*(labeled(id_) for id_ in range(1, 301))))
    few.apply(created(*range(301, 1001)))
    few.apply(tasks_deleted(*range(301, 1001)))
    for id_ in range(2001, 2021):
        few.apply(created(id_))
        snapshot = few.snapshot(PROJECT)
        assert snapshot.n_texts == len(snapshot.data) <= 100
    assert len(few.snapshot(PROJECT).annotated) == 300


def test_labels_are_kept_whatever_the_sample(database: Database) -> None:
    few = LabelStore(database, pool_texts=20)
    apply_all(few, *(annotated(labeled(id_)) for id_ in range(1, 61)), created(*range(61, 200)))
    snapshot = few.snapshot(PROJECT)
    assert len(snapshot.annotated) == 60
    assert len(snapshot.data) <= 20


# Durability and concurrency


def test_what_was_applied_is_there_after_reopening(labels: LabelStore, database: Database) -> None:
    apply_all(labels, annotated(labeled(1), labeled(2)), deleted(2))
    database.close()
    with Database(database.path) as again:
        again.migrate()
        assert LabelStore(again).snapshot(PROJECT) == labels.snapshot(PROJECT)


SHARED = [annotated(labeled(n), labeled(n + 1)) for n in range(1, 40, 2)]


@pytest.mark.parametrize("stores", [1, 2])
def test_eight_threads_with_the_same_events_count_each_change_once(
    database: Database, stores: int
) -> None:
    barrier = Barrier(8)

    def work(number: int) -> int:
        shuffled = random.Random(number).sample(SHARED, len(SHARED))
        with Database(database.path) as other:
            store = LabelStore(other if number % stores else database)
            barrier.wait()
            return sum(apply_all(store, *shuffled, deleted(3), deleted(4)))

    with ThreadPoolExecutor(8) as executor:
        counted = sum(executor.map(work, range(8)))
    assert len(known(LabelStore(database))) == 38
    assert counted == LabelStore(database).snapshot(PROJECT).label_changes == 42
