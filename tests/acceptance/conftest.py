"""What the acceptance tests share: one Label Studio for all, and a backend for each."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.acceptance.backend import OpenBackend
from tests.acceptance.label_studio import LabelStudio

ENVIRONMENT = "PRELABEL_TEST_LABEL_STUDIO"
DEFAULT = Path(__file__).parents[2] / ".venv-label-studio"
START_SECONDS = 300  # the first start makes the database: 70 s on two free cores

LOG_LINES = 40

StartBackend = Callable[..., OpenBackend]

PAGE = pytest.StashKey[Page]()
"""The page in a browser that a test looks at."""

_servers = pytest.StashKey[list[OpenBackend | LabelStudio]]()  # whose logs to show


def find_environment() -> Path:
    """Return where Label Studio is installed; skip the test if it is not."""
    environment = Path(os.environ.get(ENVIRONMENT, DEFAULT))
    if not (environment / "bin" / "label-studio").exists():
        pytest.skip(
            f"No Label Studio in {environment}. `./test` makes that environment; or set "
            f"{ENVIRONMENT} to one where `pip install label-studio` was run."
        )
    return environment


@pytest.fixture(scope="session")
def label_studio(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LabelStudio]:
    """A Label Studio that is set up as a newcomer must, and the browser of its one user."""
    server = LabelStudio(find_environment(), tmp_path_factory.mktemp("label-studio"))
    request.config.stash.setdefault(_servers, []).append(server)
    try:
        server.start(START_SECONDS)
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def api_key(label_studio: LabelStudio) -> str:
    """A personal access token, the only kind of key that a new Label Studio takes."""
    return label_studio.personal_access_token()


@pytest.fixture
def start_backend(
    request: pytest.FixtureRequest, label_studio: LabelStudio, tmp_path: Path
) -> Iterator[StartBackend]:
    """Start backends for this Label Studio with these settings; each has its own data folder."""
    started = request.node.stash.setdefault(_servers, [])
    with ExitStack() as stack:

        def start(directory: Path | None = None, **settings: str) -> OpenBackend:
            folder = tmp_path / f"backend-{len(started)}"
            folder.mkdir()
            settings = {"LABEL_STUDIO_HOST": label_studio.url, "LOG_LEVEL": "DEBUG", **settings}
            backend = OpenBackend(folder, settings, [str(directory)] if directory else [])
            started.append(backend)
            stack.push(backend)
            backend.start()
            return backend

        yield start
    assert [leak for backend in started for leak in backend.find_leaks()] == []


@pytest.fixture
def backend(start_backend: StartBackend, api_key: str) -> OpenBackend:
    """A backend with default settings and an API key."""
    return start_backend(LABEL_STUDIO_API_KEY=api_key)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the first test time to start Label Studio."""
    for item in items:
        if item.get_closest_marker("label_studio"):
            item.add_marker(pytest.mark.timeout(START_SECONDS + 300))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the ends of the servers' logs where a test fails, and what the page says."""
    report = yield
    if report.failed:
        if report.when == "call" and PAGE in item.stash:
            report.sections.append(("the page", item.stash[PAGE].locator("body").inner_text()))
        for server in item.stash.get(_servers, []) + item.config.stash.get(_servers, []):
            tail = server.read_log().splitlines()[-LOG_LINES:]
            report.sections.append((f"end of {server.log.name}", "\n".join(tail)))
    return report
