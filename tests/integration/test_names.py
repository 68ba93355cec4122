"""A project without labels: its first version comes of names and texts alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from prelabel.types import FIRST_TEXTS
from tests.backend import Backend, Project, make_text, wait_for
from tests.builders import speaking_texts
from tests.commands import run

LABELS = ("sports", "cooking")
SILENT = "goal match team coach"
"""A text of sports that does not name it."""


def import_texts(project: Project, n: int, first: int = 1000) -> None:
    tasks = [
        {"id": id_, "data": {"text": text}} for id_, text in enumerate(speaking_texts(n), first)
    ]
    project.event("TASKS_CREATED", tasks=tasks)


@pytest.mark.slow
def test_texts_that_are_asked_about_make_a_version_before_there_are_labels(
    tmp_path: Path,
) -> None:
    with Backend(tmp_path) as backend:
        project = Project(backend, LABELS)
        words = project.setup()
        assert project.labels_of(SILENT) == [None]
        project.predict(*speaking_texts(FIRST_TEXTS))
        assert project.wait_for_version(words) == "v1-names"
        (found,) = project.predict(SILENT)
        assert found["result"][0]["value"]["choices"] == ["sports"]
        assert found["model_version"] == "v1-names"
        assert found["score"] == 0.75, "it is never surer"
        (version,) = project.details()
        assert (version["examples"], version["metrics"]) == (0, None)
        assert version["name_texts"] == {"topic": FIRST_TEXTS}
        name = f'prelabel_version_name_texts{{control="topic",project="{project.key}"}}'
        assert backend.figures()[name] == FIRST_TEXTS
        assert "from their names and 100 texts, no labels yet" in backend.log.read_text()
        project.annotate_many(10, LABELS)
        assert project.wait_for_version("v1-names") == "v2-10labels"
        assert project.labels_of(SILENT) == ["sports"]
    with Backend(tmp_path) as backend:
        run("rollback", "--project", project.key, "--model-dir", str(tmp_path / "data"))
        project.backend = backend
        assert (project.setup(), project.labels_of(SILENT)) == ("v1-names", ["sports"])


@pytest.mark.slow
def test_it_is_made_again_when_there_are_twice_as_many_texts(project: Project) -> None:
    project.label_config = Project(project.backend, LABELS).label_config
    words = project.setup()
    import_texts(project, FIRST_TEXTS)
    assert project.wait_for_version(words) == "v1-names"
    import_texts(project, 2 * FIRST_TEXTS)
    assert project.wait_for_version("v1-names") == "v2-names"


def test_start_training_says_what_labels_would_bring_and_what_is_missing(project: Project) -> None:
    project.label_config = Project(project.backend, LABELS).label_config
    project.setup()
    import_texts(project, 50)
    early = project.train()
    assert early["state"] == "not_yet"
    assert "It takes 100 different texts; known so far: 50." in early["message"]
    import_texts(project, FIRST_TEXTS)
    wait_for(lambda: project.setup() == "v1-names")
    project.annotate(1, "sports", make_text("sports", 1))
    done = project.train()
    assert (done["state"], done["model_version"]) == ("done", "v2-1labels")
    assert "1 of one label so far; with two different labels it learns" in done["message"]


def test_names_that_say_nothing_of_the_texts_suggest_nothing(project: Project) -> None:
    project.label_config = Project(project.backend, ("ja", "nein")).label_config
    words = project.setup()
    import_texts(project, FIRST_TEXTS)
    done = project.train()
    assert done["state"] == "not_yet"
    assert "No text has a word of the names of 2 of 2 labels" in done["message"]
    assert (project.setup(), project.labels_of(SILENT)) == (words, [None])
