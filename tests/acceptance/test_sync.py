"""Labels are pulled: what changed, what is gone, and what a killed process had not got to."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from prelabel.storage.database import Database
from prelabel.storage.labels import LabelStore
from tests.acceptance.label_studio import LabelStudio
from tests.acceptance.project import Project
from tests.acceptance.topics import TOPICS, LabeledText, make_texts
from tests.backend import without_settings

pytestmark = pytest.mark.label_studio


@dataclass(frozen=True, kw_only=True)
class Puller:
    """`prelabel sync`, as someone with an API key runs it."""

    folder: Path
    settings: dict[str, str]
    project: Project

    def run(self, *options: str) -> str:
        done = subprocess.run(
            self._command(*options), env=self._environment, capture_output=True, text=True,
            timeout=100, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[str]]:
        command = self._command()
        process = subprocess.Popen(
            command, env=self._environment, stderr=subprocess.PIPE, text=True
        )
        with process:
            yield process

    def run_in_terminal(self) -> str:
        """Return what a terminal shows."""
        ours, theirs = pty.openpty()
        with subprocess.Popen(self._command(), env=self._environment, stderr=theirs) as process:
            os.close(theirs)
            shown = b""
            while part := _read(ours):
                shown += part
        os.close(ours)
        assert process.returncode == 0
        return shown.decode()

    def labels(self) -> dict[int, str]:
        """Return what is stored: a label by task."""
        with Database(self.folder / "prelabel.sqlite3") as database:
            annotated = LabelStore(database).snapshot(self.project.key).annotated
        return {
            task.id: str(item.regions[0].value["choices"])
            for task, item in annotated
            if not item.was_cancelled
        }

    def count_labels_of(self, task: int) -> int:
        """Return how many annotations of a task are stored."""
        with Database(self.folder / "prelabel.sqlite3") as database:
            annotated = LabelStore(database).snapshot(self.project.key).annotated
        return sum(of.id == task for of, _ in annotated)

    @property
    def _environment(self) -> dict[str, str]:
        kept = without_settings(os.environ)
        return {**kept, "MODEL_DIR": str(self.folder), "PYTHONUNBUFFERED": "1", **self.settings}

    def _command(self, *options: str) -> list[str]:
        here = [sys.executable, "-m", "prelabel", "sync", "--project", str(self.project.id)]
        return [*here, *options]


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # Linux: nobody writes there any more
        return b""


def make_puller(server: LabelStudio, key: str, folder: Path, *, tasks: int, labeled: int) -> Puller:
    project = server.create_project(make_texts(tasks), TOPICS, labeled=labeled)
    settings = {"LABEL_STUDIO_HOST": server.url, "LABEL_STUDIO_API_KEY": key}
    return Puller(folder=folder, settings=settings, project=project)


@pytest.fixture
def puller(label_studio: LabelStudio, api_key: str, tmp_path: Path) -> Puller:
    return make_puller(label_studio, api_key, tmp_path, tasks=30, labeled=12)


def expected(project: Project, *tasks: int, **changed: str) -> dict[int, str]:
    return {task: str([changed.get(f"task{task}", project.truth[task])]) for task in tasks}


def test_the_second_sync_reads_what_changed_only(puller: Puller) -> None:
    project, tasks = puller.project, puller.project.tasks
    assert "12 annotations of 12 tasks pulled from Label Studio (all labels" in puller.run()
    said = puller.run()
    assert "0 annotations of 0 tasks" in said
    assert "(what changed" in said
    project.annotate(tasks[12])
    project.update_annotation(project.annotate(tasks[13], "sports"), "cooking")
    said = puller.run()
    assert "2 label changes" in said
    assert "compared" not in said
    wanted = expected(project, *tasks[:14], **{f"task{tasks[13]}": "cooking"})
    assert puller.labels() == wanted
    assert "14 annotations of 14 tasks" in puller.run("--full")


def test_deleted_tasks_and_annotations_are_found(puller: Puller) -> None:
    project, tasks = puller.project, puller.project.tasks
    puller.run()
    project.delete_tasks(tasks[:3])
    said = puller.run()
    assert "here are 12 with 12; they are compared" in said
    assert "3 label changes" in said
    assert puller.labels() == expected(project, *tasks[3:12])
    project.delete_annotations_of(tasks[3:5])
    project.skip(tasks[6])
    assert "2 label changes" in puller.run()
    assert puller.labels().keys() == set(tasks[5:12])
    assert "compared" not in puller.run(), "skipped annotations do not count"


def test_labels_that_were_renamed_are_found(puller: Puller) -> None:
    project, tasks = puller.project, puller.project.tasks
    puller.run()
    project.rename_label("sports", "games")
    puller.run()
    renamed = {f"task{task}": "games" for task in tasks if project.truth[task] == "sports"}
    assert puller.labels() == expected(project, *tasks[:12], **renamed)


def test_annotations_of_duplicates_are_found_on_the_task_that_is_left(
    puller: Puller, label_studio: LabelStudio
) -> None:
    project = puller.project
    text = [LabeledText(text="two of a kind", label="sports")]
    for _ in range(2):
        project = label_studio.add_tasks(project, text, labeled=1)
    puller.run()
    left, gone = sorted(project.truth)[-2:]
    project.remove_duplicates()
    puller.run()
    labels = puller.labels()
    assert left in labels
    assert gone not in labels
    assert puller.count_labels_of(left) == 2


def test_of_a_task_with_two_annotations_the_deleted_one_is_gone(puller: Puller) -> None:
    project, task = puller.project, puller.project.tasks[20]
    first = project.annotate(task, "sports")
    project.annotate(task, "cooking")
    puller.run()
    project.delete_annotation(first)
    assert "1 label changes" in puller.run()
    assert puller.labels()[task] == "['cooking']"


def test_a_killed_sync_is_gone_on_with(
    label_studio: LabelStudio, api_key: str, tmp_path: Path
) -> None:
    puller = make_puller(label_studio, api_key, tmp_path, tasks=300, labeled=300)
    project, tasks = puller.project, puller.project.tasks
    with puller.running() as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "100 of 300 tasks read" in line:
                process.kill()
        assert process.wait() < 0, "killed, not done"
    project.delete_tasks(tasks[:2])
    project.update_annotation(project.annotate(tasks[2]), "cooking")
    first, _, second = puller.run().partition("sync 2 pulls what changed")
    assert f"sync 1 pulls everything, going on after task {tasks[99]}" in first
    assert "200 of 200 tasks read" in first
    assert "tasks read" in second, "what was read before the kill may have changed"
    assert puller.labels().keys() == set(tasks[2:])


def test_a_terminal_shows_a_bar(puller: Puller) -> None:
    shown = puller.run_in_terminal()
    assert re.search(r"Pulling tasks +\[#+\] +100%", shown), shown
    assert "tasks read" not in shown, "the log would break it"
    assert puller.labels().keys() == set(puller.project.tasks[:12])


def test_no_key_is_told_how_to_make_one(puller: Puller) -> None:
    del puller.settings["LABEL_STUDIO_API_KEY"]
    with puller.running() as process:
        assert process.stderr is not None
        said = process.stderr.read()
    assert process.returncode == 2
    assert "LABEL_STUDIO_API_KEY is not set" in said
    assert "Account & Settings → Personal Access Token" in said
