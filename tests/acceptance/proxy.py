"""What may stand before a Label Studio: another path, TLS, a moody gate."""

from __future__ import annotations

import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

import httpx
import trustme

NOT_PASSED_ON = {"host", "connection", "content-length", "transfer-encoding", "content-encoding"}


@dataclass(kw_only=True)
class Proxy:
    """Passes requests on to a Label Studio, which is found behind it and under a path.

    Attributes
    ----------
    prefix
        The path; what is asked for elsewhere is not there.
    certificate
        A file with key and certificate for TLS.
    spoiled
        So many requests arrive with another key than they were sent with.
    refused
        So many requests are too many, at the moment.
    asked
        What was asked for, and with which key.
    """

    target: str
    prefix: str = ""
    certificate: Path | None = None
    spoiled: int = 0
    refused: int = 0
    asked: list[tuple[str, str]] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._http = httpx.Client(base_url=self.target, timeout=60, trust_env=False)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _make_handler(self))
        if self.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._http.close()

    @property
    def url(self) -> str:
        scheme = "https" if self.certificate else "http"
        return f"{scheme}://127.0.0.1:{self._server.server_port}{self.prefix}"

    def answer(self, request: BaseHTTPRequestHandler) -> httpx.Response:
        key = request.headers.get("Authorization", "")
        self.asked.append((request.path.partition("?")[0], key))
        if not request.path.startswith(f"{self.prefix}/"):
            return httpx.Response(404, text="nothing here")
        if self.refused:
            self.refused -= 1
            return httpx.Response(429, headers={"Retry-After": "1"}, json={"detail": "Too many."})
        headers = {k: v for k, v in request.headers.items() if k.lower() not in NOT_PASSED_ON}
        if self.spoiled and key:
            self.spoiled -= 1
            headers["Authorization"] = "Bearer spoiled"
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        path = request.path.removeprefix(self.prefix)
        return self._http.request(request.command, path, headers=headers, content=body)


def _make_handler(proxy: Proxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = proxy.answer(self)
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                if name.lower() not in NOT_PASSED_ON:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_POST = do_PATCH = do_DELETE = do_GET  # noqa: N815 (the standard library's names)

        def log_message(self, *args: object) -> None:
            pass

    return Handler


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """Return files with a certificate for this machine, and with that of its authority."""
    authority, server = folder / "authority.pem", folder / "server.pem"
    made = trustme.CA()
    made.cert_pem.write_to_path(authority)
    made.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(server)
    return server, authority
