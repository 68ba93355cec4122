"""Settings → an open database, and a connection to Label Studio."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from prelabel.errors import ConfigError, StorageError
from prelabel.label_studio.api import LabelStudioApi
from prelabel.label_studio.client import LabelStudioClient
from prelabel.label_studio.fetching import TextFetcher
from prelabel.label_studio.hosts import FetchHosts
from prelabel.label_studio.tokens import HOW_TO_MAKE_A_KEY
from prelabel.loop.texts import Texts
from prelabel.settings import Settings
from prelabel.storage.database import Database
from prelabel.storage.fetched import FetchedTexts
from prelabel.storage.projects import ProjectStore

log = logging.getLogger(__name__)

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
def open_texts(
    settings: Settings, database: Database, client: LabelStudioClient | None
) -> Iterator[Texts]:
    """Yield what fetches texts of which tasks have only the address."""
    hosts = FetchHosts.parse(settings.fetch_hosts)
    fetcher = TextFetcher(settings.label_studio_url, client, hosts, ca_file=settings.ca_file)
    texts = Texts(FetchedTexts(database), ProjectStore(database), fetcher.fetch)
    try:
        yield texts
    finally:
        texts.stop()


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


def open_database(settings: Settings) -> Database:
    """Open the data folder's database, brought up to date.

    One that is up to date but cannot be written now is opened all the same: its versions are
    served, and labels are refused until they can be kept.

    Raises
    ------
    ConfigError
        If it cannot be read, or not be brought up to date.
    """
    database = Database(settings.database_path)
    try:
        settings.artifacts_path.mkdir(parents=True, exist_ok=True)
        database.migrate()
        database.require_writable()
    except (OSError, StorageError) as error:
        if database.is_current():
            log.error("Labels cannot be kept and nothing is trained; suggestions go on. %s", error)  # noqa: TRY400 - no news in a traceback
            return database
        database.close()
        raise ConfigError(
            f"The data folder {settings.model_dir} cannot be used ({error})",
            expected="a folder this user may write to, on a disk with free space",
            fix="Mend it, or set MODEL_DIR (or --model-dir) to another folder.",
        ) from error
    return database
