"""A backend as Label Studio is to reach it: its address, its credentials, and a look at it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

from prelabel.errors import ConfigError, shorten

LOOK_SECONDS = 5.0


def hide_credentials(url: str) -> str:
    """Return an address without user and password, fit to be shown."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def find_webhook_url(url: str) -> str:
    """Return where Label Studio makes the webhook of a connection to an address point to."""
    return url.rstrip("/") + "/webhook"


def _may_have_webhooks(host: str) -> bool:
    """Whether Label Studio takes a host in a webhook's URL (Django 5, ``URLValidator``)."""
    return host == "localhost" or "." in host or ":" in host


def _no_address(received: str) -> ConfigError:
    return ConfigError(
        f"Received {received} as the backend's address",
        expected="http:// or https://, a host, and perhaps a port and a path",
        fix="Give it as Label Studio reaches it, as in http://localhost:9090.",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Backend:
    """A backend, and the credentials that it asks for; ``user`` is empty where it asks for none."""

    url: str
    user: str = ""
    password: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            has_port = parts.port != 0
        except ValueError as error:  # brackets or a port that cannot be; it quotes them
            raise _no_address("something else") from error
        is_http = parts.scheme in ("http", "https") and has_port
        if not (is_http and parts.hostname) or parts.query:
            raise _no_address(shorten(hide_credentials(self.url)))
        if not _may_have_webhooks(parts.hostname):
            raise ConfigError(
                f"Received the backend's address {shorten(hide_credentials(self.url))}: Label "
                "Studio makes no webhook to a name without a dot, so labels would not arrive",
                expected="localhost, an IP address, or a name with a dot",
                fix="In Docker, give the container a network alias such as prelabel.internal.",
            )

    def is_at(self, url: str) -> bool:
        """Whether an address is this backend's, however it is written."""
        return self.url.rstrip("/") == url.rstrip("/")

    @property
    def webhook_url(self) -> str:
        """Where events go."""
        return find_webhook_url(self.url)

    @property
    def headers(self) -> dict[str, str]:
        """What a webhook must carry to be believed: Label Studio adds nothing by itself."""
        if not self.user:
            return {}
        credentials = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        return {"Authorization": f"Basic {credentials}"}

    def connection_fields(self) -> Mapping[str, Any]:
        """Return what a connection in Label Studio must say to reach it."""
        if not self.user:
            return {"url": self.url, "auth_method": "NONE"}
        return {
            "url": self.url,
            "auth_method": "BASIC_AUTH",
            "basic_auth_user": self.user,
            "basic_auth_pass": self.password,
        }

    def find_fault(self) -> str:
        """Ask it how it is, from here; return what is wrong, and nothing if all is well."""
        try:
            with httpx.Client(timeout=LOOK_SECONDS, headers=self.headers) as http:
                health = http.get(self.url.rstrip("/") + "/health")
                guarded = http.get(self.url.rstrip("/") + "/versions")
        except httpx.HTTPError as error:
            return f"nothing answers there ({type(error).__name__})"
        if health.status_code != httpx.codes.OK:
            return f"GET /health was answered {health.status_code}, so something else is there"
        if guarded.status_code == httpx.codes.UNAUTHORIZED:
            return (
                f"it refuses {'the credentials' if self.user else 'requests without credentials'}"
            )
        return ""
