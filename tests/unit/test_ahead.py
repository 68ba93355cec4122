"""A project whose tasks have only the addresses of their texts: its first version, in slices."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from prelabel.errors import UpstreamError
from prelabel.loop.gate import Gate
from prelabel.loop.texts import GIVE_UP, Texts
from prelabel.loop.trained import Trained
from prelabel.loop.trainer import Trainer
from prelabel.models.logistic import SklearnTextClassifier
from prelabel.models.method import Method
from prelabel.storage.database import Database
from prelabel.storage.fetched import FetchedTexts
from prelabel.storage.jobs import JobStore
from prelabel.storage.labels import LabelStore
from prelabel.storage.projects import ProjectStore
from prelabel.storage.versions import VersionStore
from prelabel.types import FIRST_TEXTS, ProjectKey, Task
from tests.builders import CONFIG, PROJECT, speaking_texts

ADDRESSED = CONFIG.replace("<Text ", '<Text valueType="url" ')
SLICE = 200


class Shelf:
    """Has a text at each address, /0 and so on, unless it is away."""

    def __init__(self) -> None:
        self.texts = {f"/{n}": text for n, text in enumerate(speaking_texts(FIRST_TEXTS))}
        self.asked: list[str] = []
        self.is_away = False

    def fetch(self, _project: ProjectKey, url: str) -> str:
        self.asked.append(url)
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
    tasks = [Task(id=n, data={"text": f"/{n}"}) for n in range(FIRST_TEXTS)]
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


def test_texts_come_slice_by_slice_until_names_can_speak(trainer: Trainer, shelf: Shelf) -> None:
    for n in range(SLICE, FIRST_TEXTS + 1, SLICE):
        trained = train(trainer)
        assert len(shelf.asked) == n
        assert trained.message.endswith(f"there are {n - SLICE}. More are on their way.")
        assert (trained.texts_due, trained.wait) == (FIRST_TEXTS, timedelta(seconds=10))
    trained = train(trainer)
    assert trained.message.startswith("v1-names is active")
    assert (trained.texts_due, trained.wait) == (2 * FIRST_TEXTS, None)


def test_a_host_that_is_away_is_not_asked_for_all_texts(trainer: Trainer, shelf: Shelf) -> None:
    shelf.is_away = True
    trained = train(trainer)
    assert len(shelf.asked) == GIVE_UP
    assert (trained.texts_due, trained.wait) == (FIRST_TEXTS, timedelta(minutes=1))
    shelf.is_away = False
    assert train(trainer).wait == timedelta(seconds=10)


def test_texts_that_never_come_are_not_waited_for(trainer: Trainer, shelf: Shelf) -> None:
    shelf.texts = {f"/{n}": "a text" for n in range(0, FIRST_TEXTS, 2)}
    waits = [train(trainer).wait for _ in range(7)]
    assert waits == [*[timedelta(seconds=10)] * 5, None, None]
    assert len(shelf.asked) == FIRST_TEXTS, "a failed one is tried again later"


def test_texts_that_say_nothing_are_not_waited_for(trainer: Trainer, shelf: Shelf) -> None:
    shelf.texts |= {f"/{n}": " " for n in range(0, FIRST_TEXTS, 2)}
    waits = [train(trainer).wait for _ in range(7)]
    assert waits == [*[timedelta(seconds=10)] * 5, None, None]
