"""A data folder in one file: written while servers go on, and made into a folder again."""

from __future__ import annotations

import shutil
import sqlite3
import tarfile
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from prelabel.errors import ConfigError, StorageError
from prelabel.storage.database import Database
from prelabel.storage.versions import VersionStore

FOLDERS = ("artifacts", "models")
"""What lies beside the database: versions, and what custom classes keep."""


def write_backup(database: Database, file: Path) -> int:
    """Write a backup of the folder that a database is in; return how many bytes it has.

    It is of one moment: what was acknowledged before is in it. It appears when it is complete.
    """
    folder = database.path.parent
    with TemporaryDirectory(dir=file.parent, prefix=".backup-") as temporary:
        copied = Path(temporary) / database.path.name
        database.copy_to(copied)
        unfinished = Path(temporary) / "backup.tar"
        with tarfile.open(unfinished, "w") as archive:
            archive.add(copied, database.path.name)
            # Artifacts are written before the rows that name them, and never change.
            with Database(copied) as snapshot:
                named = [version.artifact for version in VersionStore(snapshot).all()]
            for path in [*(folder / "artifacts" / name for name in named), folder / "models"]:
                with suppress(FileNotFoundError):  # an old version is pruned just now
                    archive.add(path, str(path.relative_to(folder)))
        unfinished.replace(file)
    return file.stat().st_size


def read_backup(file: Path, database_path: Path) -> None:
    """Make a backup into the folder of a database again; there must be none yet.

    Raises
    ------
    ConfigError
        If the folder is in use, or the file is no whole backup.
    """
    folder = database_path.parent
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError(
            f"{folder} is not empty",
            expected="a new folder: a backup is not mixed with other labels",
            fix="Set MODEL_DIR to another folder, or move this one away.",
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent, prefix=".restore-") as temporary:
        unpacked = Path(temporary) / "data"
        try:
            with tarfile.open(file, "r:") as archive:
                # "data": nothing outside the folder, no links out of it, no devices.
                archive.extractall(unpacked, filter="data")
            with Database(unpacked / database_path.name) as database:
                if not database.path.exists():
                    raise StorageError("no database in it", expected="", fix="")
                database.migrate()
        except (tarfile.TarError, OSError, EOFError, StorageError, sqlite3.Error) as error:
            raise ConfigError(
                f"{file} cannot be restored ({type(error).__name__}: {error})",
                expected="a file that `prelabel backup` wrote, whole and unchanged",
                fix="Take another backup; nothing was changed.",
            ) from error
        if folder.exists():
            folder.rmdir()
        shutil.move(unpacked, folder)
