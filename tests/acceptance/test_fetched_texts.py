"""Texts in files that Label Studio keeps: `valueType="url"`, learned and suggested for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.backend import OpenBackend
from tests.acceptance.label_studio import LabelStudio
from tests.acceptance.project import Project, call
from tests.acceptance.topics import TOPICS, LabeledText, make_texts
from tests.backend import wait_for, write_config

pytestmark = pytest.mark.label_studio

N_LABELED = 9
TEXTS = make_texts(15)


def upload(project: Project, text: LabeledText, number: int) -> str:
    """Upload a file; return the address that Label Studio gives it."""
    files = {"file": (f"{number}.txt", text.text.encode(), "text/plain")}
    path = f"/api/projects/{project.id}/import"
    query = {"commit_to_project": "false"}
    done = call(project.http, "POST", path, params=query, files=files)
    (number,) = done["file_upload_ids"]
    stored = call(project.http, "GET", f"/api/import/file-upload/{number}")
    return f"/data/{stored['file']}"


def upload_texts(project: Project, _folder: Path) -> None:
    """Upload each text as a file, and import tasks that name them."""
    tasks = [{"data": {"text": upload(project, text, n)}} for n, text in enumerate(TEXTS)]
    call(project.http, "POST", f"/api/projects/{project.id}/import", json=tasks)


def serve_texts(project: Project, folder: Path) -> None:
    """Let Label Studio make a task of each file in a folder of its machine."""
    texts = folder / f"texts-{project.id}"
    texts.mkdir()
    for number, text in enumerate(TEXTS):
        (texts / f"{number:02}.txt").write_text(text.text)
    storage = {"project": project.id, "path": str(texts), "use_blob_urls": True}
    made = call(project.http, "POST", "/api/storages/localfiles", json=storage)
    call(project.http, "POST", f"/api/storages/localfiles/{made['id']}/sync", json={})


def read_tasks(project: Project) -> list[dict[str, Any]]:
    query = {"project": project.id, "fields": "task_only", "page_size": 100}
    tasks = call(project.http, "GET", "/api/tasks/", params=query)["tasks"]
    return sorted(tasks, key=lambda task: task["id"])


@pytest.mark.parametrize("bring", [upload_texts, serve_texts])
def test_texts_in_files_are_learned_and_suggested_for(
    label_studio: LabelStudio, backend: OpenBackend, bring: Any
) -> None:
    config = write_config(TOPICS).replace("<Text ", '<Text valueType="url" ')
    project = label_studio.create_empty_project(config)
    bring(project, label_studio.log.parent)
    tasks = read_tasks(project)
    assert len(tasks) == len(TEXTS)
    assert tasks[0]["data"]["text"].startswith("/data/")
    connection = project.connect(backend.url)
    truth = {task["id"]: text.label for task, text in zip(tasks, TEXTS, strict=True)}
    for number, label in list(truth.items())[:N_LABELED]:
        project.annotate(number, label)
    connection.start_training()
    connection.wait_for(f"v1-{N_LABELED}labels")

    def shown() -> list[Any]:
        found: list[Any] = project.next_task()["predictions"]
        return found

    (prediction,) = wait_for(shown)
    stored = wait_for(
        lambda: found if len(found := project.retrieve_predictions()) == len(TEXTS) else None
    )
    assert prediction["model_version"] == f"v1-{N_LABELED}labels"
    right = [item.label == truth[item.task] for item in stored]
    assert sum(right) >= len(right) - 1
