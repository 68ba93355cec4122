from __future__ import annotations

from prelabel.server.limits import PROJECTS, ProjectLimiters
from prelabel.types import ProjectKey


def test_a_project_has_one_limiter_until_too_many_others_were_asked_for() -> None:
    limiters, first = ProjectLimiters(), ProjectKey(1, 1)
    limiter = limiters.of(first)
    assert limiters.of(first) is limiter
    for number in range(2, PROJECTS + 2):
        assert limiters.of(ProjectKey(number, 1)) is not limiter
    assert limiters.of(first) is not limiter
