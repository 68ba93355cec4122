"""A project whose tasks have only the addresses of their texts: its first version, in slices."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, update

from prelabel.errors import UpstreamError
from prelabel.loop.gate import Gate
from prelabel.loop.texts import GIVE_UP, Texts
from prelabel.loop.trained import Trained
from prelabel.loop.trainer import Trainer
from prelabel.models.logistic import SklearnTextClassifier
from prelabel.models.method import Method
from prelabel.storage.clock import now
from prelabel.storage.database import Database
from prelabel.storage.fetched import FetchedTexts
from prelabel.storage.jobs import JobStore
from prelabel.storage.labels import LabelStore
from prelabel.storage.projects import ProjectStore
from prelabel.storage.tables import fetched_text_table, project_table
from prelabel.storage.versions import VersionStore
from prelabel.types import FIRST_TEXTS, ProjectKey, Task
from tests.builders import CONFIG, PROJECT, annotated, labeled, speaking_texts

LABELS = ("sports", "cooking")
ADDRESSED = CONFIG.replace("<Text ", '<Text valueType="url" ')
SLICE = 200
TASKS = 5 * SLICE
DIFFERENT = FIRST_TEXTS // 5
"""Texts of a slice, which come again and again: it takes all slices to have enough of them."""


class Shelf:
    """Has a text at each address, /0 and so on, unless it is away."""

    def __init__(self) -> None:
        different = speaking_texts(FIRST_TEXTS)
        self.texts = {
            f"/{n}": different[n // SLICE * DIFFERENT + n % DIFFERENT] for n in range(TASKS)
        }
        self.asked: list[str] = []
        self.is_away = False
        self.is_missing = set[str]()

    def fetch(self, _project: ProjectKey, url: str) -> str:
        self.asked.append(url)
        if url in self.is_missing:
            raise UpstreamError(f"No {url}", expected="a text", fix="None.", retryable=False)
        if self.is_away or url not in self.texts:
            raise UpstreamError(f"No {url}", expected="a text", fix="None.", retryable=True)
        return self.texts[url]


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def trainer(
    database: Database, labels: LabelStore, versions: VersionStore, shelf: Shelf, tmp_path: Path
) -> Iterator[Trainer]:
    """Trains a project of as many addresses as make names worth learning."""
    projects = ProjectStore(database)
    projects.see(PROJECT, ADDRESSED)
    JobStore(database).claim(PROJECT, "me", timedelta(minutes=1))
    tasks = [Task(id=n, data={"text": f"/{n}"}) for n in range(TASKS)]
    labels.add_texts(PROJECT, tasks)
    texts = Texts(FetchedTexts(database), projects, shelf.fetch)
    yield Trainer(
        labels=labels,
        versions=versions,
        artifacts=tmp_path,
        method=Method(model_class=SklearnTextClassifier),
        gate=Gate(artifacts=tmp_path, model_class=SklearnTextClassifier, threshold=0.01),
        train_every=3,
        texts=texts,
    )
    texts.stop()


def train(trainer: Trainer) -> Trained:
    trained = trainer.train(PROJECT, owner="me", must_train=True)
    assert trained
    return trained


def do_job(trainer: Trainer, database: Database, *, must_train: bool = False) -> Trained | None:
    """Do a job, and note what makes the next one due."""
    trained = trainer.train(PROJECT, owner="me", must_train=must_train)
    if trained:
        due = {"texts_due": trained.texts_due, "trained_changes": trained.trained_changes}
        with database.write() as connection:
            connection.execute(update(project_table).values(due))
    return trained


def label(labels: LabelStore, n: int) -> None:
    """Label the first tasks, as their texts say."""
    pairs = (labeled(i + 1, LABELS[i % 2], task=i, text=f"/{i}") for i in range(n))
    labels.apply(annotated(*pairs, label_config=ADDRESSED))


def fail_all(database: Database) -> None:
    """Let each text have failed once, as in a long outage."""
    keys = [hashlib.sha256(f"/{n}".encode()).hexdigest() for n in range(TASKS)]
    values = {"project": str(PROJECT), "failures": 1, "retry_at": now()}
    with database.write() as connection:
        connection.execute(
            insert(fetched_text_table), [{"url_sha256": key, **values} for key in keys]
        )


def let_pauses_end(database: Database) -> None:
    failed, due_at = fetched_text_table.c.retry_at, project_table.c.fetch_due_at
    with database.write() as connection:
        connection.execute(update(fetched_text_table).where(failed > now()).values(retry_at=now()))
        connection.execute(update(project_table).where(due_at > now()).values(fetch_due_at=now()))


def test_texts_come_slice_by_slice_until_names_can_speak(trainer: Trainer, shelf: Shelf) -> None:
    for n in range(SLICE, TASKS + 1, SLICE):
        trained = train(trainer)
        assert len(shelf.asked) == n
        assert f"known so far: {(n // SLICE - 1) * DIFFERENT}." in trained.message
        assert trained.message.endswith("More are on their way.")
        assert (trained.texts_due, trained.wait) == (TASKS, timedelta(seconds=10))
    trained = train(trainer)
    assert trained.message.startswith("v1-names is active")
    assert (trained.texts_due, trained.wait) == (2 * TASKS, None)


def test_a_host_that_is_away_is_not_asked_for_all_texts(trainer: Trainer, shelf: Shelf) -> None:
    shelf.is_away = True
    trained = train(trainer)
    assert len(shelf.asked) == GIVE_UP
    assert (trained.texts_due, trained.wait) == (TASKS, timedelta(minutes=1))
    shelf.is_away = False
    assert train(trainer).wait == timedelta(seconds=10)


def test_after_an_outage_names_speak_by_themselves(
    trainer: Trainer, shelf: Shelf, database: Database, labels: LabelStore
) -> None:
    fail_all(database)
    shelf.is_away = True
    do_job(trainer, database, must_train=True)
    assert labels.snapshot(PROJECT).fetch_due_at
    assert not labels.snapshot(PROJECT).fetch_is_due
    shelf.is_away = False
    messages = []
    for _ in range(TASKS // SLICE):
        let_pauses_end(database)
        messages.append(str(do_job(trainer, database)))
    assert any("v1-names is active" in message for message in messages)
    assert messages[-1] == "None", "what is done is done once"
    assert labels.snapshot(PROJECT).fetch_due_at is None, "nothing is missing any more"


def test_while_a_host_is_away_nothing_is_trained_and_pauses_grow(
    trainer: Trainer, shelf: Shelf, database: Database, labels: LabelStore
) -> None:
    label(labels, 2)
    fail_all(database)
    shelf.is_away = True
    trained = do_job(trainer, database, must_train=True)
    assert trained
    assert "The texts of 2 labeled tasks are missing" in trained.message
    pauses = []
    for _ in range(4):
        let_pauses_end(database)
        assert do_job(trainer, database) is None
        until = labels.snapshot(PROJECT).fetch_due_at
        assert until
        pauses.append((until - now()).total_seconds())
    assert pauses == sorted(pauses)
    assert pauses[-1] > 4 * pauses[0]


def test_texts_of_labeled_tasks_that_come_after_an_outage_are_learned_by_themselves(
    trainer: Trainer, shelf: Shelf, database: Database, labels: LabelStore
) -> None:
    label(labels, 6)
    shelf.is_away = True
    do_job(trainer, database, must_train=True)
    shelf.is_away = False
    let_pauses_end(database)
    trained = do_job(trainer, database)
    assert trained
    assert trained.message.startswith("v1-6labels is active")
    let_pauses_end(database)
    assert do_job(trainer, database) is None, "once"


def test_a_host_that_is_away_is_not_asked_for_all_texts_of_labeled_tasks(
    trainer: Trainer, shelf: Shelf, labels: LabelStore
) -> None:
    label(labels, 5 * GIVE_UP)
    shelf.is_away = True
    train(trainer)
    assert len(shelf.asked) == 2 * GIVE_UP, "before the training and after it"


def test_texts_that_are_not_there_keep_none_of_the_others_waiting(
    trainer: Trainer, shelf: Shelf, labels: LabelStore
) -> None:
    label(labels, 3 * GIVE_UP)
    shelf.is_missing = {f"/{n}" for n in range(2 * GIVE_UP)}
    assert train(trainer).message.startswith(f"v1-{GIVE_UP}labels is active")


def test_texts_that_never_come_are_not_waited_for(trainer: Trainer, shelf: Shelf) -> None:
    shelf.texts = {f"/{n}": "a text" for n in range(0, TASKS, 2)}
    waits = [train(trainer).wait for _ in range(7)]
    assert waits == [*[timedelta(seconds=10)] * 5, None, None]
    assert len(shelf.asked) == TASKS, "a failed one is tried again later"


def test_texts_that_say_nothing_are_not_waited_for(trainer: Trainer, shelf: Shelf) -> None:
    shelf.texts |= {f"/{n}": " " for n in range(0, TASKS, 2)}
    waits = [train(trainer).wait for _ in range(7)]
    assert waits == [*[timedelta(seconds=10)] * 5, None, None]
