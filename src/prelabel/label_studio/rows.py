"""A file of tasks → rows: JSON objects in a list, or one a line."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from prelabel.errors import ConfigError, MalformedError
from prelabel.protocol.bodies import decode_of_any_size

Row = dict[str, Any]
T = TypeVar("T")

SHAPES = "a JSON or JSON-MIN export of Label Studio, or one JSON object a line"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_PACKED = (b"PK\x03\x04", b"\x1f\x8b")  # zip, gzip


def read_rows(path: Path) -> list[Row]:
    """Read a file whole, as a list of JSON objects or as JSON lines.

    Raises
    ------
    ConfigError
        If it cannot be read, is no JSON, or holds anything but objects.
    """
    try:
        content = path.read_bytes().removeprefix(_BYTE_ORDER_MARK).strip()
    except OSError as error:
        raise unusable(f"{path} cannot be read ({error.strerror})") from error
    if not content:
        raise unusable(f"{path} is empty")
    if content.startswith(_PACKED):
        raise unusable(f"{path} is packed", fix="Unpack it first.")
    rows = (
        _decode(path, content, list[Any])
        if content.startswith(b"[")
        else _read_lines(path, content)
    )
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise unusable(f"Task {number} of {path} is a {type(row).__name__}, no JSON object")
    if not rows:
        raise unusable(f"{path} has no tasks")
    return rows


def read_list(value: object) -> list[Any]:
    """Return a list as it is; whatever is no list counts as an empty one."""
    return value if isinstance(value, list) else []


def unusable(received: str, *, expected: str = SHAPES, fix: str = "") -> ConfigError:
    """Return the error for a file that cannot be used."""
    return ConfigError(
        received, expected=expected, fix=fix or "Export it again, as JSON, or give another file."
    )


def _read_lines(path: Path, content: bytes) -> list[Any]:
    lines = [(n, line) for n, line in enumerate(content.split(b"\n"), 1) if line.strip()]
    return [_decode(f"Line {n} of {path}", line, object) for n, line in lines]


def _decode(place: object, content: bytes, body_type: type[T]) -> T:
    try:
        return decode_of_any_size(content, body_type)
    except MalformedError as error:
        reason = error.received.removeprefix("Received a body that ")
        raise unusable(f"{place} {reason}") from error
