"""Texts of which tasks have only the address, in a real server and its training process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from prelabel.types import FIRST_TEXTS
from tests.backend import TEXTS, Backend, Project, label_of, make_text, wait_for
from tests.builders import speaking_texts
from tests.hosts import LOOPBACK, Host

N_LABELED = 12
LABELS = tuple(TEXTS)


@pytest.fixture
def host() -> Iterator[Host]:
    """Has texts 1 to 20 of labels in turns; 5 is missing."""
    files = {f"/{n}.txt": make_text(LABELS[n % 3], n).encode() for n in range(1, 21) if n != 5}
    host = Host(files)
    yield host
    host.stop()


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[Backend]:
    with Backend(tmp_path, {"PRELABEL_FETCH_HOSTS": LOOPBACK}) as backend:
        yield backend


def make_project(backend: Backend, **attributes: str) -> Project:
    project = Project(backend)
    project.label_config = project.label_config.replace(
        "<Text ", "<Text " + "".join(f'{name}="{value}" ' for name, value in attributes.items())
    )
    project.setup()
    return project


def test_texts_are_fetched_learned_from_and_suggested_for(backend: Backend, host: Host) -> None:
    project = make_project(backend, valueType="url")
    for n in range(1, N_LABELED + 1):
        project.annotate(n, LABELS[n % 3], f"{host.url}/{n}.txt")
    done = project.train()
    assert done["model_version"] == f"v1-{N_LABELED - 1}labels"  # one could not be fetched
    new = [f"{host.url}/{n}.txt" for n in range(13, 19)]
    assert project.labels_of(*new) == [None] * 6  # nothing is fetched while Label Studio waits
    wait_for(lambda: None not in project.labels_of(*new))
    assert project.labels_of(*new) == [LABELS[n % 3] for n in range(13, 19)]
    assert project.labels_of(f"{host.url}/5.txt", new[0]) == [None, LABELS[13 % 3]]
    assert len(host.asked) == len({path for path, *_ in host.asked})  # each once
    log = backend.log.read_text()
    assert f"The text at {host.url}/5.txt cannot be fetched: answered 404" in log


def test_the_texts_of_new_tasks_are_fetched_before_somebody_opens_them(
    backend: Backend, host: Host
) -> None:
    project = make_project(backend, valueType="url")
    tasks = [{"id": n, "data": {"text": f"{host.url}/{n}.txt"}} for n in (1, 2, 3)]
    project.event("TASKS_CREATED", tasks=tasks)
    wait_for(lambda: len(host.asked) == 3)


@pytest.mark.slow
def test_names_speak_through_texts_that_nobody_has_opened(tmp_path: Path) -> None:
    texts = speaking_texts(FIRST_TEXTS, LABELS)
    host = Host({f"/{n}.txt": text.encode() for n, text in enumerate(texts)})
    with Backend(tmp_path, {"PRELABEL_FETCH_HOSTS": LOOPBACK}) as backend:
        project = make_project(backend, valueType="url")
        words = project.setup()
        ids = range(1, FIRST_TEXTS + 1)
        tasks = [{"id": n, "data": {"text": f"{host.url}/{n - 1}.txt"}} for n in ids]
        project.event("TASKS_CREATED", tasks=tasks)
        assert project.wait_for_version(words) == "v1-names"
    host.stop()


def test_what_looks_like_an_address_is_text_where_the_config_does_not_say_url(
    backend: Backend, host: Host
) -> None:
    project = make_project(backend)
    for n in range(1, N_LABELED + 1):
        project.annotate(n, LABELS[n % 3], f"{host.url}/{LABELS[n % 3]}/{n}.txt")
    project.train()
    wanted = list(LABELS)
    assert project.labels_of(*(f"{host.url}/{label}/99.txt" for label in LABELS)) == wanted
    assert host.asked == []


def test_a_host_that_is_not_listed_is_never_called(tmp_path: Path, host: Host) -> None:
    with Backend(tmp_path) as backend:
        project = make_project(backend, valueType="url")
        for n in range(1, 5):
            project.annotate(n, LABELS[n % 3], f"{host.url}/{n}.txt")
        done = project.train()
        assert done["state"] == "not_yet"
        assert "The texts of 4 labeled tasks are missing" in done["message"]
        assert label_of(project.predict(f"{host.url}/9.txt")[0]) is None
        wait_for(lambda: "/9.txt are not fetched" in backend.log.read_text())
    assert host.asked == []
