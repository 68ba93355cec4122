"""The two kinds of Label Studio API keys, told apart by their shape.

- A *legacy token* (40 hexadecimal characters) is sent as it is: ``Authorization: Token <key>``.
  New organizations refuse it until someone allows it.
- A *personal access token* is a JWT of type ``refresh``. It is never sent as a header: it is
  exchanged for an access token, which lives five minutes and is sent as ``Bearer``.

Source: Label Studio 1.23.2, ``jwt_auth/auth.py`` and ``jwt_auth/middleware.py``.
"""

from __future__ import annotations

import base64
import json
import math
import threading
import time
from collections.abc import Callable
from enum import StrEnum
from typing import Any

from prelabel.errors import ConfigError, UpstreamError, shorten

HOW_TO_MAKE_A_KEY = (
    "Make a personal access token in Label Studio (Account & Settings → Personal Access Token) "
    "and set LABEL_STUDIO_API_KEY to it."
)
RENEWED_BEFORE_EXPIRY_SECONDS = 30


class TokenKind(StrEnum):
    """What an API key is; the value names it to people."""

    LEGACY = "legacy token"
    PERSONAL = "personal access token"


class Credentials:
    """An API key, and what is sent to Label Studio on its behalf. Threads may share it.

    Parameters
    ----------
    exchange
        Asks Label Studio for an access token, given a personal access token. Called as seldom as
        possible, by one thread at a time; whatever it raises is passed on.

    Raises
    ------
    ConfigError
        If the key is empty, cannot stand in a header, or is a JWT of another type.
    """

    def __init__(self, api_key: str, exchange: Callable[[str], str]) -> None:
        self._key = api_key.strip()
        self.kind = _read_kind(self._key)
        self._exchange = exchange
        self._lock = threading.Lock()
        self._access = ""
        self._renew_at = -math.inf  # unix seconds

    def __repr__(self) -> str:
        return f"Credentials({self.kind.value})"

    def header(self) -> str:
        """Return the value of ``Authorization``, asking for a new access token where needed."""
        if self.kind is TokenKind.LEGACY:
            return f"Token {self._key}"
        with self._lock:
            if time.time() >= self._renew_at:
                self._access = _check_access(self._exchange(self._key))
                # Where the clocks disagree this asks too often, or a 401 tells; both work.
                self._renew_at = _expiry(self._access) - RENEWED_BEFORE_EXPIRY_SECONDS
            return f"Bearer {self._access}"

    def forget(self, header: str) -> bool:
        """Drop the access token that was refused; return whether `header` has another to offer."""
        with self._lock:
            if header == f"Bearer {self._access}":
                self._renew_at = -math.inf
        return self.kind is TokenKind.PERSONAL

    def hide(self, text: str) -> str:
        """Return `text` without the key: answers from elsewhere end up in logs."""
        for secret in filter(None, (self._key, self._access)):
            text = text.replace(secret, "[key]")
        return text


def _read_kind(key: str) -> TokenKind:
    if not _is_sendable(key):
        raise ConfigError(
            "LABEL_STUDIO_API_KEY is empty or holds characters that no key has",
            expected="one word of letters, digits and dots",
            fix=HOW_TO_MAKE_A_KEY,
        )
    claims = _read_claims(key)
    if claims is None:
        return TokenKind.LEGACY
    if claims.get("token_type") == "refresh":
        return TokenKind.PERSONAL
    raise ConfigError(
        f"LABEL_STUDIO_API_KEY is a JWT of type {shorten(claims.get('token_type'))}",
        expected="a personal access token (a JWT of type 'refresh') or a legacy token",
        fix=HOW_TO_MAKE_A_KEY,
    )


def _check_access(access: str) -> str:
    if not _is_sendable(access):
        raise UpstreamError(
            "Label Studio gave an access token that cannot stand in a header",
            expected="a JWT",
            fix="Is LABEL_STUDIO_HOST the address of a Label Studio?",
            retryable=False,
        )
    return access


def _is_sendable(token: str) -> bool:
    # Checked here because an HTTP client's complaint would quote the token.
    return token != "" and token.isascii() and token.isprintable() and " " not in token


def _read_claims(token: str) -> dict[str, Any] | None:
    """Return what a JWT says about itself, unverified; None if it is no JWT."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return None
    return claims if isinstance(claims, dict) else None


def _expiry(access: str) -> float:
    """Return when an access token expires, in unix seconds; never, if it does not say."""
    expiry = (_read_claims(access) or {}).get("exp")
    return float(expiry) if isinstance(expiry, (int, float)) else math.inf
