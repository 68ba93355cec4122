"""The description of the endpoints is true: requests made from it get what it says."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from prelabel.server import custom_routes
from prelabel.server.app import GETS, POSTS
from tests.backend import Backend, Project
from tests.integration.own_models import write_model

pytestmark = pytest.mark.slow

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_schema_conformance"
)
SILENT = """
from prelabel.models.raw import RawModel

class Silent(RawModel):
    def predict(self, tasks, context=None, **params):
        return [[] for _ in tasks]
"""


@pytest.fixture(scope="module", params=["built in", "of one's own"])
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Backend]:
    """A server of the built-in classifier, and one of a raw model."""
    folder = tmp_path_factory.mktemp("openapi")
    model = write_model(folder, SILENT)
    with Backend(folder, {}, () if request.param == "built in" else [str(model)]) as backend:
        yield backend


@pytest.mark.timeout(300)
def test_requests_made_from_the_description_get_what_it_says(
    served: Backend, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    # Each project of a class of one's own has a process of its own.
    n_examples = 10 if served.arguments else 60
    done = subprocess.run(
        [
            *(str(Path(sys.executable).parent / "schemathesis"), "run"),
            *(f"{served.url}/openapi.json", "--checks", CHECKS, "--seed", "1"),
            *("--max-examples", str(n_examples), "--phases", "examples,coverage,fuzzing"),
            "--no-color",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    log = served.log.read_text()
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    tried = re.search(r"([\d,]+) generated", done.stdout)
    record_property("requests made from the OpenAPI description", tried[1] if tried else "?")
    assert "Traceback" not in log


def test_the_description_and_the_page_name_every_endpoint(served: Backend) -> None:
    described = served.client.get("/openapi.json").json()["paths"]
    page = served.client.get("/docs").text
    of_custom = {*custom_routes.GETS, *custom_routes.MODEL_POSTS, *custom_routes.STORE_POSTS}
    assert described.keys() == (of_custom if served.arguments else {*GETS, *POSTS})
    assert all(
        operation["summary"]
        for operations in described.values()
        for operation in operations.values()
    )
    assert all(path in page for path in described)
    assert "http://" not in page
    assert "https://" not in page


def test_an_event_and_its_job_are_answered_as_described(served: Backend) -> None:
    described = served.client.get("/openapi.json").json()["paths"]
    sent, answer = Project(served).event_body("START_TRAINING"), dict[str, object]()
    for path in ("/webhook", "/job_status"):
        response = served.client.post(path, json=sent | {"job": answer.get("job")})
        answer = response.json()
        content = described[path]["post"]["responses"][str(response.status_code)]["content"]
        assert answer.keys() >= set(content["application/json"]["schema"]["required"])
        assert "error" not in answer
