"""Settings → an open database."""

from __future__ import annotations

import logging

from prelabel.errors import ConfigError, StorageError
from prelabel.settings import Settings
from prelabel.storage.database import Database

log = logging.getLogger(__name__)


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
