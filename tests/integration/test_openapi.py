"""The description of the endpoints is true: requests made from it get what it says."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from prelabel.server.app import GETS, POSTS
from tests.backend import Backend

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_schema_conformance"
)
EXAMPLES = 60


@pytest.mark.timeout(300)
def test_requests_made_from_the_description_get_what_it_says(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    with Backend(tmp_path) as backend:
        done = subprocess.run(
            [
                *(str(Path(sys.executable).parent / "schemathesis"), "run"),
                *(f"{backend.url}/openapi.json", "--checks", CHECKS, "--seed", "1"),
                *("--max-examples", str(EXAMPLES), "--phases", "examples,coverage,fuzzing"),
                "--no-color",
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        log = backend.log.read_text()
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    tried = re.search(r"([\d,]+) generated", done.stdout)
    record_property("requests made from the OpenAPI description", tried[1] if tried else "?")
    assert "Traceback" not in log


def test_the_description_and_the_page_name_every_endpoint(shared_backend: Backend) -> None:
    described = shared_backend.client.get("/openapi.json").json()["paths"]
    assert described.keys() == GETS.keys() | POSTS.keys()
    assert all(
        operation["summary"]
        for operations in described.values()
        for operation in operations.values()
    )
    page = shared_backend.client.get("/docs").text
    assert all(path in page for path in described)
    assert "http://" not in page
    assert "https://" not in page
