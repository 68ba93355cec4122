"""Whatever a request is like, the answer is one of ours.

``pytest -k any_ --hypothesis-profile=thorough`` tries many more, here and in the parsers' tests.
"""

from __future__ import annotations

import base64
import copy
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prelabel.server.app import POSTS
from tests.backend import Backend
from tests.builders import DATA
from tests.label_configs import read_table
from tests.strategies import JSON, TREES

OURS = {200, 404, 413, 422}
KEY = "1.1795447612"
RECORDED = {file.stem: json.loads(file.read_text()) for file in DATA.glob("*.json")}
EVENTS = [body for body in RECORDED.values() if isinstance(body, dict) and "action" in body]
ROWS = read_table()
CONFIGS = st.sampled_from([row.label_config for row in ROWS]) | TREES
BODIES: dict[str, list[Any]] = {
    "/setup": [RECORDED["setup"]],
    "/predict": [
        RECORDED["predict"],
        *(
            {
                "tasks": [{"id": 1, "data": data} for _, data in row.make_tasks()[:4]],
                "label_config": row.label_config,
                "project": KEY,
            }
            for row in ROWS
        ),
    ],
    "/webhook": EVENTS,
    "/train": [{"project": KEY}],
    "/job_status": [{"job": "job-1"}],
    "/delete": [{"project": KEY}],
    "/duplicate_model": [{"project_src": KEY, "project_dst": "2.1795447612"}],
    "/validate": [{"config": ROWS[0].label_config}],
}


def walk(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each place in a body, as what it is in and its key there."""
    keys = (
        value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    )
    for key in keys:
        yield value, key
        yield from walk(value[key])


@st.composite
def almost_right(draw: st.DrawFn, bodies: list[Any]) -> bytes:
    """Return a body of which up to three places are missing, or something else."""
    body = copy.deepcopy(draw(st.sampled_from(bodies)))
    for _ in range(draw(st.integers(0, 3))):
        places = list(walk(body))
        if places:
            inside, key = draw(st.sampled_from(places))
            if draw(st.booleans()):
                is_config = key in {"schema", "label_config", "config"}
                inside[key] = draw(CONFIGS if is_config else JSON)
            else:
                del inside[key]
    return json.dumps(body).encode()


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    with Backend(tmp_path_factory.mktemp("any"), {"PRELABEL_FETCH_HOSTS": "127.0.0.1"}) as backend:
        yield backend
        log = backend.log.read_text()
        assert "Traceback" not in log, log[log.index("Traceback") - 500 :][:5000]


@pytest.mark.parametrize("path", sorted(POSTS))
@given(data=st.data())
def test_any_body_gets_an_answer_of_ours(backend: Backend, path: str, data: st.DataObject) -> None:
    body = data.draw(
        almost_right(BODIES[path]) | JSON.map(lambda v: json.dumps(v).encode()) | st.binary()
    )
    answer = backend.client.post(path, content=body)
    assert answer.status_code in OURS, answer.text
    if answer.status_code != 200:
        assert {"error", "expected", "fix", "request_id"} == set(answer.json())


@given(st.text(max_size=40))
def test_any_project_asked_for_gets_an_answer_of_ours(backend: Backend, project: str) -> None:
    answer = backend.client.get("/versions", params={"project": project})
    assert answer.status_code == (422 if project else 200), answer.text
    assert answer.headers["content-type"] == "application/json"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    settings = {
        "BASIC_AUTH_USER": "ann", "BASIC_AUTH_PASS": "pässword",
        "PRELABEL_URL_SECRET": "a-secret_of-many-letters",
    }  # fmt: skip
    with Backend(tmp_path_factory.mktemp("guarded"), settings) as backend:
        yield backend
        assert "Traceback" not in backend.log.read_text()


def ask(port: int, path: bytes, header: bytes) -> int:
    """Send bytes that no client would; return the status."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as stranger:
        stranger.sendall(
            b"POST " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            b"Authorization: " + header + b"\r\nContent-Length: 2\r\n\r\n{}"
        )
        return int(stranger.makefile("rb").readline().split()[1])


# What ends a header, or must not stand in one, makes another request of it.
SENDABLE = st.binary(max_size=200).map(lambda sent: sent.translate(None, b"\r\n\0"))


@given(SENDABLE)
def test_any_bytes_in_the_authorization_are_refused(guarded: Backend, header: bytes) -> None:
    port = guarded.port
    for sent in (header, b"Basic " + header, b"Basic " + base64.b64encode(header)):
        # 400: not HTTP at all, says the server's parser (control characters).
        assert ask(port, b"/predict", sent) in {400, 401}


@given(st.binary(max_size=60))
def test_any_path_without_the_secret_is_refused(guarded: Backend, path: bytes) -> None:
    quoted = b"/" + b"".join(b"%%%02x" % byte for byte in path) + b"/predict"
    assert ask(guarded.port, quoted, b"Basic eDp5") == 401
