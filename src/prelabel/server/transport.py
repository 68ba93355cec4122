"""What a connection writes to: uvicorn's transport, with half the calls of the system.

Label Studio opens a connection for each request. uvicorn writes an answer's head and its body one
by one, and asks the system seven times for addresses that nothing here reads: a tenth of what it
costs to answer one task.
"""

from __future__ import annotations

import asyncio
from typing import Any


class Transport(asyncio.Transport):
    """Writes together what is written before the event loop goes on, and tells no addresses."""

    def __init__(self, inner: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._inner = inner
        self._loop = loop
        self._waiting: list[bytes] = []

    def get_extra_info(self, _name: str, default: Any = None) -> Any:
        return default

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        if not self._waiting:
            self._loop.call_soon(self._write_waiting)
        self._waiting.append(bytes(data))

    def _write_waiting(self) -> None:
        if self._waiting:
            together = b"".join(self._waiting)
            self._waiting.clear()
            if not self._inner.is_closing():  # the client may have hung up since
                self._inner.write(together)

    def get_write_buffer_size(self) -> int:
        return self._inner.get_write_buffer_size() + sum(map(len, self._waiting))

    def close(self) -> None:
        self._write_waiting()
        self._inner.close()

    def abort(self) -> None:
        self._inner.abort()

    def is_closing(self) -> bool:
        return self._inner.is_closing()

    def pause_reading(self) -> None:
        self._inner.pause_reading()

    def resume_reading(self) -> None:
        self._inner.resume_reading()
