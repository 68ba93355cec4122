from __future__ import annotations

import json

import pytest

from prelabel.server.limits import PROJECTS, ProjectLimiters, read_project
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


def test_a_project_has_one_limiter_until_too_many_others_were_asked_for() -> None:
    limiters, first = ProjectLimiters(), ProjectKey(1, 1)
    limiter = limiters.of(first)
    assert limiters.of(first) is limiter
    for number in range(2, PROJECTS + 2):
        assert limiters.of(ProjectKey(number, 1)) is not limiter
    assert limiters.of(first) is not limiter
