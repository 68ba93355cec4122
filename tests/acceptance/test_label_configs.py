"""Label Studio takes what is predicted, in every labeling config of the table.

It checks predictions against the labeling config (see `TEST_SETTINGS`): one that does not fit is
refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from prelabel.label_config import ControlTag, parse_label_config
from prelabel.label_studio.export import read_export
from prelabel.loop.examples import read_examples
from prelabel.protocol.values import AnnotationBody, to_annotation, write_regions
from prelabel.types import Annotation, Task
from tests.acceptance.backend import OpenBackend
from tests.acceptance.label_studio import LabelStudio
from tests.acceptance.project import Project, call
from tests.label_configs import Row, read_table, to_plain

pytestmark = pytest.mark.label_studio


def create_project(label_studio: LabelStudio, row: Row) -> Project:
    """Create a project with all tasks of a row, labeled."""
    project = label_studio.create_empty_project(row.label_config)
    tasks = [
        {"data": data, "annotations": [{"result": row.decided[topic]}]}
        for topic, data in row.make_tasks()
    ]
    call(label_studio.http, "POST", f"/api/projects/{project.id}/import", json=tasks)
    return project


def read_annotated(project: Project) -> list[tuple[Task, Annotation]]:
    """Return what Label Studio stored."""
    query = {"project": project.id, "fields": "all", "page_size": 1000}
    stored = call(project.http, "GET", "/api/tasks/", params=query)["tasks"]
    found = []
    for item in stored:
        task = Task(id=item["id"], data=item["data"])
        for annotation in item["annotations"]:
            body = msgspec.convert(annotation, AnnotationBody)
            read = to_annotation(body, task.id)
            assert read
            found.append((task, read))
    return found


@pytest.fixture(scope="module", params=read_table(), ids=lambda row: row.name)
def labeled(label_studio: LabelStudio, request: pytest.FixtureRequest) -> tuple[Row, Project]:
    row: Row = request.param
    return row, create_project(label_studio, row)


def test_label_studio_takes_what_is_predicted(
    label_studio: LabelStudio, labeled: tuple[Row, Project]
) -> None:
    row, project = labeled
    config = call(label_studio.http, "GET", f"/api/projects/{project.id}/")["label_config"]
    assert parse_label_config(config) == parse_label_config(row.label_config)
    annotated = read_annotated(project)
    found = row.suggest(row.learn(annotated))
    assert {topic: to_plain(prediction) for topic, prediction in found.items()} == row.predicted
    task = annotated[0][0].id
    for prediction in found.values():
        assert prediction
        body = {
            "task": task,
            "result": write_regions(prediction.regions),
            "score": prediction.score,
            "model_version": prediction.model_version,
        }
        path = f"/api/projects/{project.id}/import/predictions"
        answer = label_studio.http.post(path, json=[body])
        assert answer.status_code == (400 if row.refused else 201), answer.text
        assert row.refused in answer.text


def test_its_exports_are_read_as_what_it_stored(
    labeled: tuple[Row, Project], tmp_path: Path
) -> None:
    row, project = labeled
    schema, stored = parse_label_config(row.label_config), read_annotated(project)
    for export_type in ("JSON", "JSON_MIN"):
        path = tmp_path / export_type
        path.write_bytes(project.export(export_type))
        found = read_export(path, schema).annotated
        for control in schema.controls:
            assert to_pairs(control, found) == to_pairs(control, stored), export_type


def to_pairs(
    control: ControlTag, annotated: Sequence[tuple[Task, Annotation]]
) -> list[tuple[str, tuple[str, ...]]]:
    return sorted((item.text, item.labels) for item in read_examples(control, annotated))


def test_a_project_of_three_controls_is_learned_and_pre_annotated(
    label_studio: LabelStudio, backend: OpenBackend
) -> None:
    (row,) = (row for row in read_table() if row.name == "three controls of three kinds")
    project = create_project(label_studio, row)
    new = [{"data": row.make_data(topic, 99)} for topic in row.decided]
    call(project.http, "POST", f"/api/projects/{project.id}/import", json=new)
    connection = project.connect(backend.url)
    connection.start_training()
    connection.wait_for(f"v1-{len(row.make_tasks())}labels")
    project.http.post(
        "/api/dm/actions/",
        params={"id": "retrieve_tasks_predictions", "project": project.id},
        json={"selectedItems": {"all": True, "excluded": []}},
    ).raise_for_status()
    stored = call(project.http, "GET", "/api/predictions/", params={"project": project.id})
    assert len(stored) == len(row.make_tasks()) + len(new)
    newest = sorted(stored, key=lambda item: item["task"])[-len(new) :]
    named = ("from_name", "to_name", "type", "value")
    found = [[{key: part[key] for key in named} for part in item["result"]] for item in newest]
    assert found == list(row.predicted.values())
