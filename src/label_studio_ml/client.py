"""The test client that model directories' own tests use: Flask's, as far as they use it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Self

from label_studio_ml.exchange import Answer

Send = Callable[[str, str, Mapping[str, str], bytes], Answer]


class AppResponse:
    """A reply.

    Attributes
    ----------
    data
        Its body.
    """

    def __init__(self, answer: Answer) -> None:
        self.status_code = answer.status
        self.headers = dict(answer.headers)
        self.data = answer.body

    @property
    def text(self) -> str:
        """The body as text."""
        return self.data.decode()

    @property
    def json(self) -> Any:
        """The body read as JSON."""
        return json.loads(self.data)

    def get_json(self, **_: Any) -> Any:
        """Return the body read as JSON."""
        return self.json


class AppClient:
    """Sends requests to an application without a network."""

    def __init__(self, send: Send) -> None:
        self._send = send

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def open(
        self,
        path: str,
        *,
        method: str = "GET",
        data: str | bytes | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        content_type: str | None = None,
    ) -> AppResponse:
        """Send a request and return the reply."""
        body = _to_body(data, json)
        kind = content_type or ("application/json" if json is not None else "")
        sent = {**(headers or {}), **({"Content-Type": kind} if kind else {})}
        return AppResponse(self._send(method, path, sent, body))

    def get(self, path: str, **options: Any) -> AppResponse:
        """Send a GET."""
        return self.open(path, method="GET", **options)

    def post(self, path: str, **options: Any) -> AppResponse:
        """Send a POST."""
        return self.open(path, method="POST", **options)


def _to_body(data: str | bytes | None, value: Any) -> bytes:
    if value is not None:
        return json.dumps(value).encode()
    return data.encode() if isinstance(data, str) else data or b""
