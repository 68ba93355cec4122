"""Settings → connections to Label Studio. Importing it imports an HTTP client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from prelabel.errors import ConfigError
from prelabel.label_studio.api import LabelStudioApi
from prelabel.label_studio.client import LabelStudioClient
from prelabel.label_studio.fetching import TextFetcher
from prelabel.label_studio.hosts import FetchHosts
from prelabel.label_studio.tokens import HOW_TO_MAKE_A_KEY
from prelabel.settings import Settings

Client = TypeVar("Client", bound=LabelStudioApi)


@contextmanager
def connect(settings: Settings) -> Iterator[LabelStudioClient | None]:
    """Yield a connection with the configured key; None without one."""
    if settings.label_studio_api_key is None:
        yield None
    else:
        with open_client(settings, LabelStudioClient) as client:
            yield client


@contextmanager
def open_fetcher(settings: Settings) -> Iterator[TextFetcher]:
    """Yield what fetches texts from Label Studio, with the configured key, and listed hosts."""
    hosts = FetchHosts.parse(settings.fetch_hosts)
    with connect(settings) as client:
        yield TextFetcher(settings.label_studio_url, client, hosts, ca_file=settings.ca_file)


def open_client(settings: Settings, kind: type[Client]) -> Client:
    """Return a connection with the configured key; raise `ConfigError` without one."""
    key = settings.label_studio_api_key
    if key is None:
        raise ConfigError(
            "LABEL_STUDIO_API_KEY is not set",
            expected="a key of someone who may see and change the project",
            fix=HOW_TO_MAKE_A_KEY,
        )
    # Two attempts: a sync that fails is tried again later, and trainings wait for it.
    url, ca_file = settings.label_studio_url, settings.ca_file
    return kind(url, key.get_secret_value(), ca_file=ca_file, attempts=2)
