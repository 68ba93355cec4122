from __future__ import annotations

import json

import pytest

from prelabel.server.whose import read_project
from prelabel.types import ProjectKey


@pytest.mark.parametrize(
    ("project", "key"),
    [
        ("7.1795447612", ProjectKey(7, 1795447612)),
        ({"id": 7, "created_at": "2026-11-23T15:26:52.4Z"}, ProjectKey(7, 1795447612)),
        ({"id": 7}, ProjectKey(7, 0)),
        ({"id": 7, "created_at": "soon"}, ProjectKey(7, 0)),
        ("7", ProjectKey(7, 0)),
        (7, ProjectKey(7, 0)),
        ("", ProjectKey(0, 0)),
        (None, ProjectKey(0, 0)),
    ],
)
def test_a_request_names_its_project_in_one_of_several_ways(
    project: object, key: ProjectKey
) -> None:
    assert read_project(json.dumps({"project": project, "tasks": []}).encode()) == key


def test_a_request_without_a_project_is_of_none() -> None:
    assert read_project(b'{"tasks": []}') == ProjectKey(0, 0)
