from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from prelabel.errors import UpstreamError
from prelabel.loop.texts import Texts
from prelabel.storage.database import Database
from prelabel.storage.fetched import FetchedTexts
from prelabel.storage.jobs import JobStore
from prelabel.storage.labels import LabelStore
from prelabel.storage.projects import ProjectStore
from prelabel.storage.syncs import SyncStore
from prelabel.storage.versions import VersionStore
from prelabel.types import ProjectKey

# Where Python is told to keep no bytecode, each process that a test starts would compile all that
# it imports: two seconds of processor time for a server.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# How fast inputs are made and read says how busy the machine is, nothing about the code.
settings.register_profile(
    "any machine", suppress_health_check=[HealthCheck.too_slow], deadline=None
)
settings.register_profile("thorough", settings.get_profile("any machine"), max_examples=2000)
settings.load_profile("any machine")


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with this release's tables, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "prelabel.sqlite3"
    with Database(path) as database:
        database.migrate()
    return path


@pytest.fixture
def database(migrated: Path, tmp_path: Path) -> Iterator[Database]:
    with Database(Path(shutil.copy(migrated, tmp_path))) as database:
        yield database


@pytest.fixture
def labels(database: Database) -> LabelStore:
    return LabelStore(database)


@pytest.fixture
def syncs(database: Database) -> SyncStore:
    return SyncStore(database)


@pytest.fixture
def projects(database: Database) -> ProjectStore:
    return ProjectStore(database)


@pytest.fixture
def jobs(database: Database) -> JobStore:
    return JobStore(database)


@pytest.fixture
def versions(database: Database) -> VersionStore:
    return VersionStore(database)


@pytest.fixture
def no_texts(database: Database, projects: ProjectStore) -> Iterator[Texts]:
    """Fetches nothing."""

    def fetch(_project: ProjectKey, url: str) -> str:
        raise UpstreamError(f"No {url}", expected="a text", fix="None.", retryable=False)

    texts = Texts(FetchedTexts(database), projects, fetch)
    yield texts
    texts.stop()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """Distribute tests over processes, where that is asked for with ``-n``."""
    from tests.distribution import Distribution

    return Distribution(config, log)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what tests measured, given with ``record_property``."""
    done = terminalreporter.getreports("passed") + terminalreporter.getreports("failed")
    measured = [pair for report in done if report.when == "call" for pair in report.user_properties]
    if measured:
        terminalreporter.write_sep("=", "measured")
    for name, value in measured:
        terminalreporter.write_line(f"{name:<50} {value}")
