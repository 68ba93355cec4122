"""Basic authentication, as Label Studio's connection form sends it."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Iterator
from contextlib import suppress

from prelabel.errors import UnauthorizedError
from prelabel.settings import Settings

OPEN_PATHS = frozenset({"/", "/health", "/livez"})
"""Label Studio's own health check and anybody's monitoring: they tell nothing."""


def read_secret(settings: Settings, path: str) -> str | None:
    """Return what comes after the secret in a path; None if the secret is not in it."""
    if settings.url_secret is None:
        return None
    first, slash, rest = path[1:].partition("/")
    secret = settings.url_secret.get_secret_value().encode()
    is_right = hmac.compare_digest(first.encode("utf-8", "surrogateescape"), secret)
    return slash + rest or "/" if is_right else None


def check_auth(settings: Settings, path: str, header: bytes | None) -> None:
    """Let a request in.

    Parameters
    ----------
    header
        The ``Authorization`` header as it came: any bytes.

    Raises
    ------
    UnauthorizedError
        If credentials are set and these are not they.
    """
    if not settings.is_guarded or path in OPEN_PATHS:
        return
    if settings.basic_auth_user is None or settings.basic_auth_pass is None:
        raise UnauthorizedError(
            "Received a request without the secret in its path",
            expected="the secret PRELABEL_URL_SECRET as the first part of the path",
            fix="In Label Studio, let the backend's URL be http://host:9090/<secret>.",
        )
    wanted = f"{settings.basic_auth_user}:{settings.basic_auth_pass.get_secret_value()}"
    given = _credentials(header)
    # All are compared, so that the time tells nothing.
    if not sum(hmac.compare_digest(given, spelling) for spelling in _spellings(wanted)):
        received = "no credentials" if header is None else "credentials that are not right"
        raise UnauthorizedError(
            f"Received {received}",
            expected="HTTP basic authentication with this server's BASIC_AUTH_USER and _PASS",
            fix="Enter them in Label Studio's connection form. Webhooks carry none: let `prelabel "
            "connect` add them, or set LABEL_STUDIO_API_KEY, so that a webhook without makes "
            "this server pull the labels, or use the URL http://user:password@host:9090.",
        )


def _spellings(credentials: str) -> Iterator[bytes]:
    """Yield the bytes that may stand for credentials; RFC 7617, section 2.1, leaves it open."""
    yield credentials.encode()
    with suppress(UnicodeEncodeError):
        # python-requests, and so Label Studio (requests 2.32, auth.py, _basic_auth_str).
        yield credentials.encode("latin-1")


def _credentials(header: bytes | None) -> bytes:
    scheme, _, encoded = (header or b"").partition(b" ")
    if scheme.lower() != b"basic":
        return b""
    try:
        return base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        return b""
