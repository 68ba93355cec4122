"""A real server of files on loopback, for texts of which tasks have only the address."""

from __future__ import annotations

import json
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase

LOOPBACK = "127.0.0.1"


@dataclass
class Host:
    """A server of files and redirects; a path that is a number answers that status.

    After ``most_bytes`` of a file it waits, until it is stopped.
    """

    files: dict[str, bytes]
    headers: dict[str, str] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str | None, str | None]] = field(default_factory=list)
    drip_seconds: float = 0.0
    most_bytes: int | None = None

    def __post_init__(self) -> None:
        self.is_stopped = threading.Event()
        self.files["/api/projects/7/"] = json.dumps(
            {"id": 7, "created_at": "2026-11-23T15:26:52.4Z", "label_config": "<View/>"}
        ).encode()
        self.server = ThreadingHTTPServer((LOOPBACK, 0), _handler_of(self))
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def port(self) -> int:
        return self.server.server_port

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def keys(self) -> list[str | None]:
        return [key for path, key, _ in self.asked if not path.startswith("/api/")]

    def send(self, to: BufferedIOBase, content: bytes) -> None:
        if not self.drip_seconds:
            to.write(content[: self.most_bytes])
            if self.most_bytes:
                self.is_stopped.wait(60)
            return
        for byte in content:
            to.write(bytes([byte]))
            time.sleep(self.drip_seconds)

    def stop(self) -> None:
        self.is_stopped.set()
        self.server.shutdown()
        self.server.server_close()


def _handler_of(host: Host) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            host.asked.append((self.path, self.headers["Authorization"], self.headers["Host"]))
            path = self.path.partition("?")[0]
            content = host.files.get(path, b"")
            status = int(path[1:]) if path[1:].isdigit() else 200 if content else 404
            self.send_response(302 if path in host.redirects else status)
            for name, value in host.headers.items():
                self.send_header(name, value)
            if path in host.redirects:
                self.send_header("Location", host.redirects[path])
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            with suppress(OSError):  # whoever asked may have gone
                host.send(self.wfile, content)

        def log_message(self, *args: object) -> None:
            pass

    return Handler
