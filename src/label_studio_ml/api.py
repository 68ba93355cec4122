"""`init_app`: what the ``_wsgi.py`` of an existing model directory calls.

``prelabel start DIRECTORY`` needs no such file, and gives each project a process of its own. This
is for those who keep their WSGI server: ``gunicorn --workers 1 --threads 8 _wsgi:app``.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from label_studio_ml.client import AppClient
from label_studio_ml.exchange import Answer, Exchange
from label_studio_ml.model import LabelStudioMLBase
from prelabel.custom.local import open_local_service
from prelabel.models.raw import RawModel
from prelabel.server.custom import create_custom_app
from prelabel.server.serve import listen, make_server
from prelabel.settings import Settings, load_settings
from prelabel.telemetry import configure_logging

__all__ = ["App", "init_app"]

StartResponse = Callable[[str, list[tuple[str, str]]], object]


class App:
    """A model class as a WSGI application; ``app.asgi()`` is the same for an ASGI server.

    Nothing is opened before the first request, so that a server may fork first.
    """

    def __init__(self, model_class: type[RawModel], settings: Mapping[str, object]) -> None:
        self.config: dict[str, Any] = {}
        self._model_class = model_class
        self._given = settings
        self._lock = threading.Lock()
        self._exchange: tuple[int, Exchange] | None = None

    def __call__(
        self, environ: Mapping[str, Any], start_response: StartResponse
    ) -> Iterable[bytes]:
        """Answer a WSGI request."""
        length = int(environ.get("CONTENT_LENGTH") or 0)
        path = environ.get("PATH_INFO") or "/"
        headers = {
            name[5:].replace("_", "-").lower(): str(value)
            for name, value in environ.items()
            if name.startswith("HTTP_")
        }
        body = environ["wsgi.input"].read(length) if length else b""
        query = environ.get("QUERY_STRING", "")
        answer = self.answer(environ["REQUEST_METHOD"], path, query, headers, body)
        status = HTTPStatus(answer.status)
        start_response(f"{status.value} {status.phrase}", answer.headers)
        return [answer.body]

    def answer(
        self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
    ) -> Answer:
        """Answer a request, from whichever thread."""
        return self._open().request(method, path, query, headers, body)

    def asgi(self) -> Any:
        """Return the application for an ASGI server."""
        return create_custom_app(open_local_service(self._settings(), self._model_class))

    def run(self, host: str = "127.0.0.1", port: int = 9090, debug: bool = False, **_: Any) -> None:
        """Serve until someone says stop."""
        settings = self._settings()
        configure_logging("DEBUG" if debug else settings.log_level)
        listener = listen(host, port)
        service = open_local_service(settings, self._model_class)
        make_server(service).run(sockets=[listener])

    def test_client(self) -> AppClient:
        """Return what sends requests to this application without a network."""

        def send(method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
            url = urlsplit(target)
            return self.answer(method, url.path, url.query, headers, body)

        return AppClient(send)

    def _settings(self) -> Settings:
        return load_settings(None, **self._given)

    def _open(self) -> Exchange:
        with self._lock:
            if self._exchange is None or self._exchange[0] != os.getpid():
                self._exchange = (os.getpid(), Exchange(self.asgi()))
            return self._exchange[1]


def init_app(
    model_class: type[RawModel],
    basic_auth_user: str | None = None,
    basic_auth_pass: str | None = None,
) -> App:
    """Return the application that serves a class.

    Raises
    ------
    ValueError
        If it is no subclass of `LabelStudioMLBase`.
    """
    if not issubclass(model_class, RawModel):
        raise ValueError(  # noqa: TRY004 - what the reference raises
            f"Received {model_class!r} as the model class. Expected: a subclass of "
            f"{LabelStudioMLBase.__name__}"
        )
    given = {"basic_auth_user": basic_auth_user, "basic_auth_pass": basic_auth_pass}
    return App(model_class, given)


# What tests of the API that began as the reference's own import; no directory of it does.
_server = App(LabelStudioMLBase, {})
