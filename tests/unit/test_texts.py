from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack

import pytest
from sqlalchemy import update

from prelabel.errors import UpstreamError
from prelabel.label_config import LabelSchema, parse_label_config
from prelabel.loop.texts import Texts
from prelabel.storage.database import Database
from prelabel.storage.fetched import FetchedTexts, Missing
from prelabel.storage.projects import ProjectStore
from prelabel.storage.tables import fetched_text_table
from prelabel.types import ProjectKey
from tests.backend import wait_for
from tests.builders import CONFIG, PROJECT, TWIN

SCHEMA = parse_label_config(
    '<View><Text name="t" value="$at" valueType="url"/><Text name="u" value="$text"/>'
    '<Choices name="c" toName="t,u"><Choice value="a"/></Choices></View>'
)
LONELY = parse_label_config(
    '<View><Text name="t" value="$at" valueType="url"/>'
    '<Choices name="c" toName="t"><Choice value="a"/></Choices></View>'
)
DATA = [{"at": f"/{n}", "text": "beside"} for n in range(5)]


class Library:
    """Has a text at every address but /3; remembers who asked for what."""

    def __init__(self) -> None:
        self.asked: list[tuple[ProjectKey, str]] = []
        self.open = threading.Event()
        self.open.set()

    def fetch(self, project: ProjectKey, url: str) -> str:
        self.asked.append((project, url))
        self.open.wait()
        if url == "/3":
            raise UpstreamError("No /3", expected="a text", fix="None.", retryable=True)
        return f"the text of {url}"


@pytest.fixture
def library() -> Library:
    return Library()


@pytest.fixture
def make(
    database: Database, projects: ProjectStore, library: Library
) -> Iterator[Callable[..., Texts]]:
    projects.see(PROJECT, CONFIG)
    with ExitStack() as stack:

        def texts(**options: int) -> Texts:
            made = Texts(FetchedTexts(database), projects, library.fetch, **options)
            stack.callback(made.stop)
            return made

        yield texts
        library.open.set()


def read(texts: Texts, schema: LabelSchema = SCHEMA) -> list[str | None]:
    return [schema.controls[0].read_text(item) for item in texts.fill(PROJECT, schema, DATA)]


def test_what_was_fetched_is_filled_in_and_a_failure_costs_its_task_only(
    make: Callable[..., Texts],
) -> None:
    texts = make()
    assert read(texts) == [None] * 5
    texts.fetch(PROJECT, SCHEMA, DATA)
    wanted = [f"the text of /{n}\n\nbeside" if n != 3 else None for n in range(5)]
    assert read(texts) == wanted
    assert read(make()) == wanted  # another process reads what this one fetched


def test_nothing_is_fetched_twice(make: Callable[..., Texts], library: Library) -> None:
    texts = make()
    for _ in range(2):
        texts.fetch(PROJECT, SCHEMA, [*DATA, *DATA])
    assert sorted(library.asked) == [(PROJECT, item["at"]) for item in DATA]


def test_what_came_while_it_was_asked_for_again_is_not_fetched_again(
    database: Database, projects: ProjectStore, make: Callable[..., Texts], library: Library
) -> None:
    class Late(FetchedTexts):
        """Lets a text come between two looks for what is missing."""

        def find_missing(self, project: ProjectKey, urls: Iterable[str]) -> Missing:
            found = super().find_missing(project, urls)
            make().fetch(project, LONELY, DATA[:1])
            return found

    projects.see(PROJECT, CONFIG)
    texts = Texts(Late(database), projects, library.fetch)
    texts.ask(PROJECT, LONELY, DATA[:1])
    texts.stop()
    assert library.asked == [(PROJECT, "/0")]


def test_who_asks_does_not_wait(make: Callable[..., Texts], library: Library) -> None:
    library.open.clear()
    texts = make()
    for _ in range(3):
        texts.ask(PROJECT, SCHEMA, DATA)
    assert read(texts) == [None] * 5
    library.open.set()
    wait_for(lambda: read(texts)[4])
    assert len(library.asked) == 5


def test_what_too_many_wait_before_is_asked_for_again(
    make: Callable[..., Texts], library: Library
) -> None:
    library.open.clear()
    texts = make(most_waiting=3)
    texts.ask(PROJECT, SCHEMA, DATA)
    library.open.set()
    wait_for(lambda: None not in read(texts, LONELY)[:3])

    def ask_again() -> bool:
        texts.ask(PROJECT, SCHEMA, DATA)
        return len(library.asked) == 5

    wait_for(ask_again)
    assert sorted(library.asked) == [(PROJECT, item["at"]) for item in DATA]


def test_strangers_have_nothing_fetched(make: Callable[..., Texts], library: Library) -> None:
    make().ask(TWIN, SCHEMA, DATA)
    assert library.asked == []


def test_texts_in_tasks_are_never_fetched(make: Callable[..., Texts], library: Library) -> None:
    schema = parse_label_config(
        '<View><Text name="t" value="$at"/><Choices name="c" toName="t"><Choice value="a"/>'
        "</Choices></View>"
    )
    texts = make()
    texts.ask(PROJECT, schema, DATA)
    texts.fetch(PROJECT, schema, DATA)
    assert library.asked == []
    assert read(texts, schema) == [item["at"] for item in DATA]


def test_only_so_many_are_fetched_ahead(make: Callable[..., Texts], library: Library) -> None:
    assert make().fetch(PROJECT, SCHEMA, DATA, at_most=2).n_new == 3
    assert sorted(url for _, url in library.asked) == ["/0", "/1"]


def test_what_failed_comes_after_what_is_new_and_is_not_left(
    make: Callable[..., Texts], library: Library, database: Database
) -> None:
    texts, data = make(), [DATA[3], *DATA]
    assert texts.fetch(PROJECT, SCHEMA, data, at_most=1).n_new == 4
    with database.write() as connection:  # its pause is over
        connection.execute(update(fetched_text_table).values(retry_at=None))
    assert texts.fetch(PROJECT, SCHEMA, data, at_most=4).n_new == 0
    assert sorted(url for _, url in library.asked) == ["/0", "/1", "/2", "/3", "/4"]
    assert texts.fetch(PROJECT, SCHEMA, data, at_most=4).n_new == 0
    assert library.asked[5:] == [(PROJECT, "/3")]
