from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from prelabel.errors import LeaseLostError
from prelabel.storage.clock import now
from prelabel.storage.database import Database
from prelabel.storage.due import SOON
from prelabel.storage.jobs import JobStore
from prelabel.storage.labels import LabelStore
from prelabel.storage.projects import MOST_REFUSALS, ProjectStore
from prelabel.storage.syncs import OVERLAP, Sync, SyncStore
from prelabel.storage.tables import project_table
from prelabel.types import Event, ProjectKey
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

KEYS = itertools.count(1)


class LabelStudio:
    """What Label Studio has of a project, and its clock, which counts what is done there."""

    def __init__(self, syncs: SyncStore, project: ProjectKey = PROJECT) -> None:
        self.syncs, self.project = syncs, project
        self.minute = 0.0
        self.shown: dict[int, Pair] = {}
        self.changed: dict[int, float] = {}

    def annotate(self, *pairs: Pair) -> Event:
        """Have tasks labeled; return what the webhook says."""
        self.minute += 10
        dated = [
            (task, replace(annotation, updated_at=at(self.minute))) for task, annotation in pairs
        ]
        self.shown |= {annotation.id: (task, annotation) for task, annotation in dated}
        self.changed |= dict.fromkeys((task.id for task, _ in dated), self.minute)
        return annotated(*dated, project=self.project)

    def delete(self, *ids: int, tasks: bool = False) -> Event:
        """Delete annotations, or tasks; what changes is only a task that is still there."""
        self.minute += 10
        gone = [id_ for id_, (task, _) in self.shown.items() if (task.id if tasks else id_) in ids]
        for id_ in gone:
            task, _ = self.shown.pop(id_)
            self.changed[task.id] = self.minute
        make = tasks_deleted if tasks else deleted
        return make(*ids, project=self.project)

    @property
    def newest(self) -> float | None:
        tasks = {task.id for task, _ in self.shown.values()}
        return max((self.changed[id_] for id_ in tasks), default=None)

    def begin(self, *, everything: bool = False) -> Sync:
        newest = None if self.newest is None else at(self.newest)
        return self.syncs.begin(self.project, CONFIG, newest=newest, everything=everything)

    def page(self, sync: Sync) -> list[Pair]:
        """Return what the sync has still to be shown."""
        return [
            (task, annotation)
            for task, annotation in self.shown.values()
            if task.id > sync.after_id
            and (sync.since is None or at(self.changed[task.id]) > sync.since)
        ]

    def sync(self, *, everything: bool = False) -> int:
        """Pull; return the number of label changes."""
        begun = self.begin(everything=everything)
        changes = self.syncs.apply(begun, by_task(self.page(begun)))
        tasks = Counter(task.id for task, item in self.shown.values() if not item.was_cancelled)
        if begun.since and self.syncs.count(self.project) != (len(tasks), tasks.total()):
            differing = self.syncs.compare(begun, tasks)
            again = [pair for pair in self.shown.values() if pair[0].id in differing]
            changes += self.syncs.apply(begun, by_task(again))
            return changes + self.syncs.end(begun, showed_all=True)
        return changes + self.syncs.end(begun, showed_all=begun.since is None)


@pytest.fixture
def theirs(syncs: SyncStore) -> LabelStudio:
    return LabelStudio(syncs)


def sync(syncs: SyncStore, *pairs: Pair, meanwhile: Sequence[Event] = ()) -> int:
    """Pull everything, with events that arrive between the request and the answer."""
    begun = syncs.begin(PROJECT, CONFIG, newest=at(0), everything=True)
    for event in meanwhile:
        LabelStore(syncs._database).apply(event)
    return syncs.apply(begun, by_task(pairs)) + syncs.end(begun, showed_all=True)


# Everything


def test_what_a_sync_does_not_show_is_gone(labels: LabelStore, syncs: SyncStore) -> None:
    labels.apply(annotated(labeled(1), labeled(2), labeled(3, skipped=True)))
    assert sync(syncs, labeled(1)) == 1
    assert known(labels) == {1: "sports"}


def test_what_a_sync_shows_and_nobody_told_is_there(labels: LabelStore, syncs: SyncStore) -> None:
    assert sync(syncs, labeled(1), labeled(2, "cooking")) == 2
    assert known(labels) == {1: "sports", 2: "cooking"}
    assert labels.snapshot(PROJECT).label_changes == 2


def test_a_sync_of_more_than_one_batch_counts_each_once(
    labels: LabelStore, syncs: SyncStore
) -> None:
    pairs = [labeled(number) for number in range(1, 1_001)]
    labels.apply(annotated(*pairs[:500]))
    assert sync(syncs, *pairs) == 500
    assert sync(syncs, *pairs) == 0


def test_a_sync_that_is_late_does_not_undo_an_update(labels: LabelStore, syncs: SyncStore) -> None:
    labels.apply(annotated(labeled(1, "cooking", minute=5)))
    assert sync(syncs, labeled(1, "sports", minute=1)) == 0
    assert known(labels) == {1: "cooking"}


def test_what_label_studio_changed_without_another_time_is_found(
    labels: LabelStore, syncs: SyncStore
) -> None:
    labels.apply(annotated(labeled(1), labeled(2), labeled(3)))
    renamed, moved = labeled(1, "cooking"), labeled(2, task=7)
    assert sync(syncs, renamed, moved, labeled(3)) == 1
    assert sync(syncs, renamed, moved, labeled(3)) == 0
    assert known(labels) == {1: "cooking", 2: "sports", 3: "sports"}
    found = {annotation.id: task.id for task, annotation in labels.snapshot(PROJECT).annotated}
    assert found == {1: 1, 2: 7, 3: 3}
    assert apply_all(labels, annotated(labeled(1))) == [0], "a late webhook"


def test_a_sync_undoes_nothing_that_came_while_it_ran(labels: LabelStore, syncs: SyncStore) -> None:
    labels.apply(annotated(labeled(1)))
    told = annotated(labeled(2, "cooking"))
    assert sync(syncs, labeled(1), labeled(2, "sports"), meanwhile=[told]) == 0
    assert known(labels) == {1: "sports", 2: "cooking"}


def test_annotations_of_duplicated_tasks_come_back_on_the_one_that_is_left(
    labels: LabelStore, syncs: SyncStore
) -> None:
    apply_all(labels, annotated(labeled(1), labeled(2)), tasks_deleted(2))
    assert known(labels) == {1: "sports"}
    assert sync(syncs, labeled(1), labeled(2, task=1)) == 1
    assert known(labels) == {1: "sports", 2: "sports"}


@pytest.mark.parametrize("gone", [deleted(1), tasks_deleted(1)])
def test_what_was_deleted_before_a_sync_that_shows_it_is_back(
    labels: LabelStore, syncs: SyncStore, gone: Event
) -> None:
    apply_all(labels, annotated(labeled(1)), gone)
    assert sync(syncs, labeled(1)) == 1
    assert known(labels) == {1: "sports"}
    assert apply_all(labels, annotated(labeled(1, "cooking", minute=1))) == [1]


@pytest.mark.parametrize("gone", [deleted(1), tasks_deleted(1)])
def test_what_is_deleted_during_a_sync_that_shows_it_stays_deleted(
    labels: LabelStore, syncs: SyncStore, gone: Event
) -> None:
    labels.apply(annotated(labeled(1)))
    assert sync(syncs, labeled(1), meanwhile=[gone]) == 0
    assert known(labels) == {}
    assert sync(syncs, labeled(1)) == 1


@pytest.mark.parametrize("gone", [deleted(1), tasks_deleted(1)])
def test_what_is_deleted_during_a_sync_before_it_was_known_stays_deleted(
    labels: LabelStore, syncs: SyncStore, gone: Event
) -> None:
    assert sync(syncs, labeled(1), meanwhile=[gone]) == 0
    assert known(labels) == {}


def test_what_is_annotated_during_a_sync_survives_its_end(
    labels: LabelStore, syncs: SyncStore
) -> None:
    labels.apply(annotated(labeled(1)))
    news = annotated(labeled(2)), annotated(labeled(1, "cooking", minute=9))
    assert sync(syncs, meanwhile=news) == 0
    assert known(labels) == {1: "cooking", 2: "sports"}


def test_a_sync_is_due_until_it_ends(syncs: SyncStore, projects: ProjectStore) -> None:
    projects.see(PROJECT, CONFIG)
    assert not projects.sync_is_due(PROJECT)
    projects.request_sync(PROJECT)
    begun = syncs.begin(PROJECT, CONFIG, newest=None)
    assert projects.sync_is_due(PROJECT)
    syncs.end(begun, showed_all=True)
    assert not projects.sync_is_due(PROJECT)


def test_a_sync_asked_for_during_another_stays_due(
    syncs: SyncStore, projects: ProjectStore
) -> None:
    begun = syncs.begin(PROJECT, CONFIG, newest=None)
    projects.request_sync()
    syncs.end(begun, showed_all=True)
    assert projects.sync_is_due(PROJECT)


def test_a_sync_that_was_asked_for_and_is_during_another_again_stays_due(
    syncs: SyncStore, projects: ProjectStore
) -> None:
    projects.see(PROJECT, CONFIG)
    projects.request_sync(PROJECT)
    begun = syncs.begin(PROJECT, CONFIG, newest=None)  # by a command, which needs no lease
    projects.request_sync(PROJECT)
    syncs.end(begun, showed_all=True)
    assert projects.sync_is_due(PROJECT)


def test_a_sync_asked_for_later_during_another_is_due_no_earlier(
    syncs: SyncStore, projects: ProjectStore, jobs: JobStore
) -> None:
    projects.see(PROJECT, CONFIG)
    projects.request_sync(PROJECT)
    assert jobs.claim(PROJECT, "me", timedelta(minutes=1))
    begun = syncs.begin(PROJECT, CONFIG, newest=None)
    for _ in range(2):
        projects.request_sync(PROJECT, after=timedelta(minutes=1))
    syncs.end(begun, showed_all=True)
    assert not projects.sync_is_due(PROJECT)
    wanted = projects.states()[0].sync_due_at
    assert wanted
    assert wanted > begun.begun_at + timedelta(minutes=1)


def test_a_sync_asked_for_during_another_by_a_clock_that_was_set_back_stays_due(
    syncs: SyncStore, projects: ProjectStore, database: Database
) -> None:
    begun = syncs.begin(PROJECT, CONFIG, newest=None)
    with database.write() as connection:
        earlier = update(project_table).values(sync_due_at=now() - timedelta(hours=1))
        connection.execute(earlier)
    syncs.end(begun, showed_all=True)
    assert projects.sync_is_due(PROJECT)


def test_what_was_asked_for_is_wanted_until_all_that_a_killed_process_left_is_done(
    syncs: SyncStore, projects: ProjectStore
) -> None:
    projects.see(PROJECT, CONFIG)
    syncs.begin(PROJECT, CONFIG, newest=None)
    projects.request_sync(PROJECT)
    resumed = syncs.begin(PROJECT, CONFIG, newest=None)
    assert resumed.is_resumed
    syncs.end(resumed, showed_all=True)
    assert projects.sync_is_due(PROJECT), "the edit of a task that was shown before"
    syncs.end(syncs.begin(PROJECT, CONFIG, newest=None), showed_all=True)
    assert not projects.sync_is_due(PROJECT)


def test_a_sync_that_was_asked_for_or_brought_something_comes_again_in_a_minute(
    syncs: SyncStore, projects: ProjectStore, database: Database
) -> None:
    projects.see(PROJECT, CONFIG)
    projects.request_sync(PROJECT)
    for is_quiet in (True, False):
        syncs.end(syncs.begin(PROJECT, CONFIG, newest=None), showed_all=True, is_quiet=is_quiet)
        assert again_at(database) - now() <= SOON
    syncs.end(syncs.begin(PROJECT, CONFIG, newest=None), showed_all=True)
    assert again_at(database) - now() > timedelta(hours=17)


def test_a_sync_that_is_due_is_put_off_by_no_news(
    syncs: SyncStore, projects: ProjectStore, jobs: JobStore
) -> None:
    projects.see(PROJECT, CONFIG)
    projects.request_sync(PROJECT)
    for owner in ("killed", None):
        projects.request_sync(PROJECT, after=timedelta(minutes=1))
        assert projects.sync_is_due(PROJECT)
        if owner:
            assert jobs.claim(PROJECT, owner, timedelta(minutes=1))
            syncs.begin(PROJECT, CONFIG, newest=None)
            jobs.release(PROJECT, owner)


def test_a_failed_sync_is_put_off_longer_each_time(
    database: Database, projects: ProjectStore
) -> None:
    projects.see(PROJECT, CONFIG)
    projects.sync_failed(PROJECT, is_away=True)
    assert not projects.sync_is_due(PROJECT)
    first = due_at(database)
    for _ in range(20):
        projects.sync_failed(PROJECT, is_away=True)
    assert 500 < (due_at(database) - first) / 1e6 < 700


def test_a_sync_is_put_off_as_long_as_label_studio_asks_for_within_limits(
    database: Database, projects: ProjectStore
) -> None:
    projects.see(PROJECT, CONFIG)
    projects.sync_failed(PROJECT, is_away=True)
    first = due_at(database)
    projects.sync_failed(PROJECT, is_away=True, after=timedelta(minutes=2))
    assert 110 < (due_at(database) - first) / 1e6 < 180
    projects.sync_failed(PROJECT, is_away=True, after=timedelta(days=2))
    assert 590 < (due_at(database) - first) / 1e6 < 700


def test_a_sync_that_is_refused_is_tried_again_and_dropped_when_that_is_of_no_use(
    database: Database, projects: ProjectStore
) -> None:
    projects.see(PROJECT, CONFIG)
    for _ in range(20):  # a long outage, and an answer in its place while it starts
        projects.sync_failed(PROJECT, is_away=True)
    for _ in range(MOST_REFUSALS - 1):
        projects.sync_failed(PROJECT, is_away=False)
        assert 0 < due_at(database) / 1e6 - time.time() <= 600
    projects.sync_failed(PROJECT, is_away=False)
    assert due_at(database) == 0
    projects.request_sync(PROJECT)
    projects.sync_failed(PROJECT, is_away=False)
    assert due_at(database), "who asks for it again has it tried as often again"


def test_a_sync_that_is_refused_puts_off_no_other_projects(
    projects: ProjectStore,
) -> None:
    for project in (PROJECT, TWIN):
        projects.see(project, CONFIG)
        projects.request_sync(project)
    projects.sync_failed(PROJECT, is_away=False)
    assert (projects.sync_is_due(PROJECT), projects.sync_is_due(TWIN)) == (False, True)


def test_a_sync_put_off_by_a_clock_that_was_set_back_since_is_due_and_done_once(
    syncs: SyncStore, jobs: JobStore, projects: ProjectStore
) -> None:
    projects.see(PROJECT, CONFIG)
    projects.request_sync(PROJECT, after=timedelta(hours=3))  # by a clock that was hours ahead
    assert jobs.due(10) == [PROJECT]
    assert projects.sync_is_due(PROJECT), "a job that finds nothing to do would come again at once"
    syncs.end(syncs.begin(PROJECT, CONFIG, newest=None), showed_all=True)
    assert jobs.due(10) == []


def due_at(database: Database) -> int:
    """Return when a sync is due, in microseconds since 1970; 0 if none is."""
    with database.read() as connection:
        statement = "SELECT coalesce(sync_due_at, 0) FROM projects"
        return int(connection.exec_driver_sql(statement).scalar_one())


def test_a_sync_is_due_by_itself_within_a_day_of_the_last_one(
    syncs: SyncStore, jobs: JobStore, projects: ProjectStore, database: Database
) -> None:
    syncs.end(syncs.begin(PROJECT, CONFIG, newest=None), showed_all=True)
    assert timedelta(hours=17) < again_at(database) - now() <= timedelta(days=1)
    assert not projects.sync_is_due(PROJECT)
    set_again_at(database, now())
    assert projects.sync_is_due(PROJECT)
    assert jobs.due(10) == [PROJECT]
    assert jobs.due(10, can_sync=False) == []
    syncs.end(syncs.begin(PROJECT, CONFIG, newest=None), showed_all=True)
    assert not projects.sync_is_due(PROJECT)


def test_a_daily_sync_put_off_by_a_clock_that_was_set_back_since_is_due_and_done_once(
    syncs: SyncStore, projects: ProjectStore, database: Database
) -> None:
    syncs.end(syncs.begin(PROJECT, CONFIG, newest=None), showed_all=True)
    set_again_at(database, now() + timedelta(days=400))
    assert projects.sync_is_due(PROJECT)
    syncs.end(syncs.begin(PROJECT, CONFIG, newest=None), showed_all=True)
    assert not projects.sync_is_due(PROJECT)


def test_daily_syncs_are_put_off_together_while_label_studio_is_away(
    projects: ProjectStore, database: Database
) -> None:
    for project in (PROJECT, TWIN):
        projects.see(project, CONFIG)
    set_again_at(database, now())
    projects.sync_failed(PROJECT, is_away=True)
    assert not projects.sync_is_due(PROJECT)
    assert not projects.sync_is_due(TWIN)
    first, second = (state.sync_due_at for state in projects.states())
    assert first == second
    assert first


def test_of_a_forgotten_project_no_sync_is_due_any_more(
    syncs: SyncStore, projects: ProjectStore, database: Database
) -> None:
    syncs.end(syncs.begin(PROJECT, CONFIG, newest=None), showed_all=True)
    set_again_at(database, now())
    projects.request_sync(PROJECT)
    projects.forget(PROJECT)
    assert not projects.sync_is_due(PROJECT)


def test_a_sync_brings_back_no_project_that_was_forgotten_meanwhile(
    syncs: SyncStore, projects: ProjectStore
) -> None:
    projects.see(PROJECT, CONFIG)
    projects.forget(PROJECT)
    with pytest.raises(LeaseLostError):
        syncs.begin(PROJECT, CONFIG, newest=None)
    assert not projects.is_known(PROJECT)


def test_a_sync_that_was_refused_for_good_is_tried_again_the_next_day(
    projects: ProjectStore, database: Database
) -> None:
    projects.see(PROJECT, CONFIG)
    for _ in range(MOST_REFUSALS):
        projects.sync_failed(PROJECT, is_away=False)
    assert not projects.sync_is_due(PROJECT)
    set_again_at(database, now())
    assert projects.sync_is_due(PROJECT)


def test_without_a_key_no_sync_makes_due(jobs: JobStore, projects: ProjectStore) -> None:
    projects.see(PROJECT, CONFIG)
    projects.request_sync(PROJECT)
    assert jobs.due(10, can_sync=False) == []


def again_at(database: Database) -> datetime:
    with database.read() as connection:
        moment = connection.execute(select(project_table.c.sync_again_at)).scalar_one()
    assert isinstance(moment, datetime)
    return moment


def set_again_at(database: Database, moment: datetime) -> None:
    with database.write() as connection:
        connection.execute(update(project_table).values(sync_again_at=moment))


def test_a_labeling_config_that_a_sync_finds_edited_is_trained_for(
    syncs: SyncStore, jobs: JobStore, projects: ProjectStore
) -> None:
    projects.see(PROJECT, CONFIG)
    syncs.end(syncs.begin(PROJECT, config("cooking", "art"), newest=None), showed_all=True)
    assert jobs.due(10) == [PROJECT], "no webhook told, and /setup will find no news"
    job = jobs.claim(PROJECT, "me", timedelta(minutes=1))
    assert job
    assert (job.must_train, job.reason) == (True, "labeling config edited")


def test_the_first_labeling_config_that_a_sync_finds_is_no_edit(
    syncs: SyncStore, jobs: JobStore
) -> None:
    syncs.end(syncs.begin(PROJECT, CONFIG, newest=None), showed_all=True)
    assert jobs.due(10) == []


# What changed


def test_the_first_sync_shows_everything_and_the_next_what_changed(theirs: LabelStudio) -> None:
    theirs.annotate(labeled(1), labeled(2))
    assert theirs.begin().since is None
    theirs.sync()
    theirs.annotate(labeled(3))
    theirs.sync()
    theirs.annotate(labeled(1, "cooking"))
    begun = theirs.begin()
    assert begun.since == at(20) - OVERLAP
    assert [annotation.id for _, annotation in theirs.page(begun)] == [1, 3], "3 again: overlap"


def test_where_nothing_is_new_nothing_is_shown_again(theirs: LabelStudio) -> None:
    theirs.annotate(labeled(1), labeled(2))
    theirs.sync()
    assert theirs.page(theirs.begin()) == []


def test_everything_is_shown_on_demand(theirs: LabelStudio) -> None:
    theirs.annotate(labeled(1))
    theirs.sync()
    assert theirs.begin().since is not None
    assert theirs.begin(everything=True).since is None


@pytest.mark.parametrize("tasks", [True, False])
def test_a_sync_of_what_changed_finds_deletions_that_nobody_told(
    labels: LabelStore, theirs: LabelStudio, *, tasks: bool
) -> None:
    theirs.annotate(labeled(1), labeled(2), labeled(3))
    theirs.sync()
    theirs.delete(2, tasks=tasks)
    assert theirs.sync() == 1
    assert list(known(labels)) == [1, 3]


def test_of_two_annotations_of_a_task_the_deleted_one_is_gone(
    labels: LabelStore, theirs: LabelStudio
) -> None:
    theirs.annotate(labeled(1, task=7), labeled(2, task=7), labeled(3))
    theirs.sync()
    theirs.delete(1)
    theirs.sync()
    assert list(known(labels)) == [2, 3]


def test_labels_that_came_back_dated_to_the_past_are_found_by_their_count(
    labels: LabelStore, theirs: LabelStudio
) -> None:
    theirs.annotate(labeled(1))
    task, annotation = labeled(2)
    theirs.annotate(labeled(3))
    theirs.sync()
    theirs.shown[2], theirs.changed[2] = (task, replace(annotation, updated_at=at(1))), 1
    assert theirs.sync() == 1
    assert list(known(labels)) == [1, 2, 3]


def test_labels_older_than_those_known_are_a_reason_to_look_further_back(
    theirs: LabelStudio,
) -> None:
    theirs.annotate(labeled(1))
    theirs.annotate(labeled(2))
    theirs.sync()
    theirs.delete(2)
    assert theirs.begin().since == at(10) - OVERLAP


def test_where_no_label_is_left_all_are_gone(labels: LabelStore, theirs: LabelStudio) -> None:
    theirs.annotate(labeled(1), labeled(2))
    theirs.sync()
    theirs.delete(1, 2)
    assert theirs.sync() == 2
    assert known(labels) == {}


def test_skipped_annotations_do_not_make_counts_differ(
    syncs: SyncStore, theirs: LabelStudio
) -> None:
    theirs.annotate(labeled(1), labeled(2, task=1, skipped=True), labeled(3, None))
    theirs.sync()
    assert syncs.count(PROJECT) == (2, 2)
    assert syncs.compare(theirs.begin(), {1: 1, 3: 1}) == []


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_whatever_webhooks_lost_a_sync_of_what_changed_repairs(
    labels: LabelStore, syncs: SyncStore, data: st.DataObject
) -> None:
    theirs = LabelStudio(syncs, ProjectKey(next(KEYS), 1))
    ids = st.integers(1, 6)
    for _ in range(data.draw(st.integers(1, 12))):
        kind = data.draw(st.sampled_from(["label", "skip", "delete", "delete task", "sync"]))
        id_ = data.draw(ids)
        if kind == "sync":
            theirs.sync()
        elif kind.startswith("delete"):
            event = theirs.delete(id_, tasks=kind == "delete task")
        else:
            label = data.draw(st.sampled_from(["sports", "cooking"]))
            pair = labeled(id_, label, task=(id_ + 1) // 2, skipped=kind == "skip")
            event = theirs.annotate(pair)
        if kind != "sync" and data.draw(st.booleans()):
            labels.apply(event)
    theirs.sync()
    theirs.sync()
    there = {id_: item for id_, (_, item) in theirs.shown.items() if not item.was_cancelled}
    here = [item for _, item in labels.snapshot(theirs.project).annotated]
    assert {item.id: item for item in here if not item.was_cancelled} == there


def test_a_difference_that_stays_is_remembered_until_there_is_another(
    syncs: SyncStore, theirs: LabelStudio
) -> None:
    theirs.annotate(labeled(1))
    theirs.sync()
    syncs.note_difference(PROJECT, "theirs 2, ours 1")
    theirs.sync()
    assert theirs.begin().difference == "theirs 2, ours 1"
    syncs.note_difference(PROJECT, None)
    assert theirs.begin().difference is None


# Breaking off


def test_a_sync_that_breaks_off_takes_nothing_away(labels: LabelStore, syncs: SyncStore) -> None:
    labels.apply(annotated(labeled(1), labeled(2)))
    begun = syncs.begin(PROJECT, CONFIG, newest=at(0))
    syncs.apply(begun, by_task([labeled(1)]))
    assert list(known(labels)) == [1, 2]


def test_a_sync_that_broke_off_is_gone_on_with(
    labels: LabelStore, theirs: LabelStudio, database: Database
) -> None:
    labels.apply(annotated(labeled(9)))
    theirs.annotate(*map(labeled, range(1, 7)))
    begun = theirs.begin()
    theirs.syncs.apply(begun, by_task(theirs.page(begun)[:3]))
    theirs.syncs.advance(begun, 3)
    theirs.syncs = SyncStore(Database(database.path))
    again = theirs.begin()
    assert (again.number, again.is_resumed, again.after_id) == (begun.number, True, 3)
    assert [annotation.id for _, annotation in theirs.page(again)] == [4, 5, 6]
    assert theirs.sync() == 4, "three labeled, and one gone that nobody shows"
    assert list(known(labels)) == [1, 2, 3, 4, 5, 6]
    assert not theirs.begin().is_resumed


def test_what_changed_while_a_sync_was_broken_off_is_shown_after_it(theirs: LabelStudio) -> None:
    theirs.annotate(labeled(1), labeled(2))
    theirs.syncs.advance(theirs.begin(), 1)
    theirs.annotate(labeled(1, "cooking"))
    theirs.sync()
    begun = theirs.begin()
    assert not begun.is_resumed
    assert [annotation.id for _, annotation in theirs.page(begun)] == [1, 2], "2 again: overlap"


def test_everything_does_not_go_on_with_a_sync_of_what_changed(theirs: LabelStudio) -> None:
    theirs.annotate(labeled(1))
    theirs.sync()
    theirs.begin()
    assert theirs.begin().is_resumed
    assert not theirs.begin(everything=True).is_resumed
    assert theirs.begin(everything=True).is_resumed


def test_who_sleeps_through_the_begin_of_another_sync_writes_nothing_more(
    labels: LabelStore, syncs: SyncStore
) -> None:
    shown = by_task(examples(["sports"] * 5))
    old = syncs.begin(PROJECT, CONFIG, newest=at(0))
    syncs.apply(old, shown)
    syncs.end(old, showed_all=True)
    new = syncs.begin(PROJECT, CONFIG, newest=at(0), everything=True)
    for write in (
        lambda: syncs.apply(old, shown), lambda: syncs.advance(old, 1),
        lambda: syncs.compare(old, {1: 1}), lambda: syncs.end(old, showed_all=True),
    ):  # fmt: skip
        with pytest.raises(LeaseLostError):
            write()
    syncs.apply(new, shown)
    syncs.end(new, showed_all=True)
    assert len(labels.snapshot(PROJECT).annotated) == 5
