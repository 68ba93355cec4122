from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.backend import Backend, Project


@pytest.fixture(scope="session")
def shared_backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """One server for all tests that only talk to it; each has a project of its own."""
    with Backend(tmp_path_factory.mktemp("shared")) as backend:
        yield backend


@pytest.fixture
def project(shared_backend: Backend) -> Project:
    return Project(shared_backend)
