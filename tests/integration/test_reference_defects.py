"""What the reference backend gets wrong, one test each (the list is in docs/explanation)."""

from __future__ import annotations

import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import pytest

from tests.backend import (
    TEXTS,
    Backend,
    Project,
    label_of,
    make_text,
    region,
    wait_for,
    write_config,
)


def test_a_label_never_annotated_is_never_predicted(project: Project) -> None:
    project.annotate_many(12, ["sports", "finance"])
    project.train()
    texts = [make_text(label, n) for label in ("sports", "finance", "cooking") for n in range(30)]
    found = project.labels_of(*texts)
    assert found[:30] == ["sports"] * 30
    assert found[30:60] == ["finance"] * 30
    assert "cooking" not in found


def test_two_projects_do_not_share_a_model(shared_backend: Backend) -> None:
    first = Project(shared_backend)
    second = Project(shared_backend, ["one", "two"])
    first.annotate_many(12)
    before = (first.train()["model_version"], first.predict(make_text("sports", 1)))
    for id_ in range(1, 13):  # the same tasks and annotations, decided otherwise
        second.annotate(id_, "one" if id_ % 2 else "two", make_text("sports", id_))
    second.train()
    assert (first.setup(), first.predict(make_text("sports", 1))) == before
    assert set(second.labels_of(make_text("sports", 1), make_text("sports", 2))) <= {"one", "two"}


def test_two_label_studios_with_the_same_project_id_do_not_share_a_model(
    shared_backend: Backend,
) -> None:
    here, there = Project(shared_backend, id_=900), Project(shared_backend, id_=900)
    there.created_at = there.created_at.replace(year=2025)
    there.key = f"900.{int(there.created_at.timestamp())}"
    here.annotate_many(8)
    here.train()
    assert here.setup() == "v1-8labels"
    assert there.setup().startswith("v0-")


def test_predicting_while_training_never_fails_and_never_sees_a_half_trained_model(
    project: Project,
) -> None:
    answers, done = [], threading.Event()

    def predict() -> None:
        while not done.is_set():
            results = project.predict(*(make_text("sports", n) for n in range(5)))
            answers.append({(r["model_version"], label_of(r)) for r in results if r})

    def has_answered(version: str) -> bool:
        return any(made_by == version for answer in answers[:] for made_by, _ in answer)

    threads = [threading.Thread(target=predict) for _ in range(4)]
    for thread in threads:
        thread.start()
    for turn in range(3):
        project.annotate(turn * 2 + 1, "sports")
        project.annotate(turn * 2 + 2, "finance")
        wait_for(partial(has_answered, project.train()["model_version"]))
    done.set()
    for thread in threads:
        thread.join()
    assert all(len(answer) <= 1 for answer in answers), "one batch, one version, one answer"
    assert {label for answer in answers for _, label in answer} <= {"sports"}


def test_the_version_changes_when_the_model_does_and_only_then(project: Project) -> None:
    untrained = project.setup()
    project.annotate_many(10)
    first = project.wait_for_version(untrained)
    assert project.train()["message"].startswith(f"{first} is up to date")
    assert project.setup() == first
    project.annotate(11, "finance")
    assert project.train()["model_version"] == "v2-11labels" == project.setup()


def test_start_training_works_without_an_annotation_in_the_payload(project: Project) -> None:
    project.annotate_many(4)
    status = project.train()
    assert (status["job_status"], status["model_version"]) == ("finished", "v1-4labels")


def test_training_never_delays_label_studios_annotation_call(tmp_path: Path) -> None:
    with Backend(tmp_path) as backend:
        project = Project(backend)
        project.annotate_many(2)
        project.train()
        with backend.frozen_trainer():  # a training that takes for ever
            project.annotate_many(30)
            project.event("START_TRAINING")
            assert project.setup() == "v1-2labels"
            assert label_of(project.predict(make_text("sports", 5))[0]) is not None
        assert project.wait_for_version("v1-2labels").startswith("v2-")


def test_a_count_that_jumps_over_n_still_trains(project: Project) -> None:
    untrained = project.setup()
    project.annotate_many(7)
    ids = range(8, 21)
    project.event(
        "ANNOTATIONS_CREATED",
        annotation=[project.annotation(id_, "sports") for id_ in ids],
        task=[{"id": id_, "data": {"text": make_text("sports", id_)}} for id_ in ids],
    )
    assert project.wait_for_version(untrained) == "v1-20labels"


@pytest.mark.parametrize(
    "labels",
    [
        pytest.param(["art", "cooking", "finance", "sports"], id="added"),
        pytest.param(["cooking", "finance"], id="removed"),
        pytest.param(["cooking", "finance", "football"], id="renamed"),
        pytest.param(["finance", "sports", "cooking"], id="reordered"),
    ],
)
def test_an_edited_label_never_shifts_answers(project: Project, labels: list[str]) -> None:
    project.annotate_many(12)
    project.train()
    project.label_config = write_config(labels)
    texts = {label: make_text(label, 5) for label in ("cooking", "finance", "sports")}

    def is_right() -> bool:
        found = dict(zip(texts, project.labels_of(*texts.values()), strict=True))
        return found["cooking"] == "cooking" and found["finance"] == "finance"

    assert is_right()
    assert project.labels_of(texts["sports"])[0] in {"sports", None} & {*labels, None}
    project.event("PROJECT_UPDATED")
    project.train()
    assert is_right()


def test_a_first_region_that_is_not_the_choice_is_skipped_not_fatal(project: Project) -> None:
    project.annotate_many(4)
    other = {"from_name": "note", "to_name": "text", "type": "textarea", "value": {"text": ["x"]}}
    project.annotate(5, None, result=[other, "junk", region("finance")])
    project.annotate(6, "finance", result=[region("NOT_IN_CONFIG")])
    assert project.train()["model_version"] == "v1-5labels"


def test_deleted_annotations_stop_counting(project: Project) -> None:
    project.annotate_many(6)
    assert project.train()["model_version"] == "v1-6labels"
    project.event("ANNOTATIONS_DELETED", annotations=[{"id": 1}])
    project.event("TASKS_DELETED", tasks=[{"id": 2}])
    project.annotate(1, "finance")  # late news of what is gone
    assert project.train()["model_version"] == "v2-4labels"


def test_skipped_and_empty_annotations_are_no_examples(project: Project) -> None:
    project.annotate_many(4)
    project.annotate(5, "sports", was_cancelled=True)
    project.annotate(6, None)
    assert project.train()["model_version"] == "v1-4labels"


def test_one_class_so_far_is_an_outcome_not_a_crash(project: Project) -> None:
    project.annotate_many(12, ["sports"])
    status = project.train()
    assert status["state"] == "not_yet"
    assert "sports: 12" in status["message"]
    assert len(project.predict("anything")) == 1
    before = project.setup()
    project.annotate(13, "finance")  # not ten more labels: the first that makes a difference
    assert project.wait_for_version(before) == "v1-13labels"


def test_texts_that_look_like_paths_and_urls_are_texts(project: Project, tmp_path: Path) -> None:
    file = tmp_path / "upload.txt"
    project.annotate_many(12)
    project.train()
    odd = [str(file), ".", "upload/1/goal.txt", "s3://goal/match", "gs:", project.backend.url]
    before = project.predict(*odd)
    file.write_text(" ".join(TEXTS["cooking"]))
    assert project.predict(*odd) == before
    assert all(before)
    assert project.labels_of(f"{project.backend.url}/metrics goal match team") == ["sports"]


@pytest.mark.slow
def test_a_second_process_sees_the_new_version(tmp_path: Path) -> None:
    with Backend(tmp_path) as first, Backend(tmp_path) as second:
        here = Project(first)
        there = Project(second, id_=here.id)
        for turn in range(1, 4):
            here.annotate(turn * 2, "sports")
            there.annotate(turn * 2 + 1, "finance")
            version = (here if turn % 2 else there).train()["model_version"]
            assert version == f"v{turn}-{turn * 2}labels"
            assert here.setup() == there.setup() == version
            answers = [*here.predict("goal match"), *there.predict("goal match")]
            assert [answer["model_version"] for answer in answers] == [version, version]


def test_importing_the_package_touches_no_disk_and_imports_nothing_heavy(tmp_path: Path) -> None:
    program = """
import sys
touched = []
def audit(event, arguments):
    if event in {"open", "os.mkdir", "sqlite3.connect", "socket.connect"}:
        mode = arguments[1] if event == "open" else "w"
        if event != "open" or (isinstance(mode, str) and set(mode) & set("wax+")):
            touched.append((event, arguments))
sys.addaudithook(audit)
import prelabel
heavy = {"numpy", "scipy", "sklearn", "starlette", "sqlalchemy", "httpx", "pydantic"}
assert not heavy & set(sys.modules), sys.modules
import prelabel.cli.main
import prelabel.cli.starting
assert not touched, touched
# For fits and batches, migrations, calls.
slow = {"sklearn", "scipy.linalg", "scipy.sparse", "alembic", "httpx"}
assert not slow & set(sys.modules), slow & set(sys.modules)
"""
    result = subprocess.run(
        [sys.executable, "-B", "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert not list(tmp_path.iterdir())


def test_the_serving_process_never_imports_scikit_learn(project: Project) -> None:
    project.annotate_many(4)
    project.train()
    assert label_of(project.predict(make_text("sports", 1))[0])
    maps = Path(f"/proc/{project.backend.pid}/maps").read_text()
    assert "numpy" in maps
    assert "sklearn" not in maps
