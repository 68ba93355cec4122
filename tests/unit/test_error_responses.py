from __future__ import annotations

import pytest

from prelabel.errors import (
    ConfigError,
    MalformedError,
    ModelError,
    PrelabelError,
    StorageLockedError,
    UnauthorizedError,
)
from prelabel.server.errors import error_response

WORDS = {"received": "Received 3", "expected": "a text", "fix": "Send one."}


@pytest.mark.parametrize(
    ("error", "status"),
    [(MalformedError, 422), (StorageLockedError, 503), (ModelError, 500), (ConfigError, 500)],
)
def test_an_error_has_the_status_of_its_kind_or_of_the_kind_above(
    error: type[PrelabelError], status: int
) -> None:
    assert error_response(error(**WORDS)).status_code == status


def test_who_may_come_back_is_told_when_and_nobody_else() -> None:
    assert error_response(StorageLockedError(**WORDS)).headers["Retry-After"] == "1"
    assert "Retry-After" not in error_response(ModelError(**WORDS)).headers


def test_who_has_no_credentials_is_told_which_there_are() -> None:
    ways = error_response(UnauthorizedError(**WORDS)).headers["WWW-Authenticate"]
    assert ways.startswith('Basic realm="prelabel"')
    assert "Bearer" in ways
    assert "WWW-Authenticate" not in error_response(MalformedError(**WORDS)).headers
