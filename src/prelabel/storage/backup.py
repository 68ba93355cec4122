"""A data folder in one file: written while servers go on, and made into a folder again."""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
import tarfile
from contextlib import suppress
from pathlib import Path, PurePosixPath

from prelabel.errors import ConfigError, PrelabelError
from prelabel.storage.database import Database
from prelabel.storage.scratch import remove_left_over, scratch_folder
from prelabel.storage.versions import VersionStore

log = logging.getLogger(__name__)

_RESTORING = ".restore-"


def write_backup(database: Database, file: Path) -> int:
    """Write a backup of the folder that a database is in; return how many bytes it has.

    It is of one moment: what was acknowledged before is in it. It appears when it is complete.
    """
    folder = database.path.parent
    with scratch_folder(file.parent, ".backup-") as temporary:
        copied = temporary / database.path.name
        database.copy_to(copied)
        unfinished = temporary / "backup.tar"
        with tarfile.open(unfinished, "w") as archive:
            archive.add(copied, database.path.name)
            # Artifacts are written before the rows that name them, and never change.
            with Database(copied) as snapshot:
                named = [version.artifact for version in VersionStore(snapshot).all()]
            for path in (folder / "artifacts" / name for name in named):
                with suppress(FileNotFoundError):  # an old version is pruned just now
                    archive.add(path, str(path.relative_to(folder)))
            _add_changing(archive, folder, folder / "models", temporary / "file")
        with unfinished.open("rb") as whole:
            os.fsync(whole.fileno())
        unfinished.replace(file)
    return file.stat().st_size


def _add_changing(archive: tarfile.TarFile, folder: Path, within: Path, copied: Path) -> None:
    """Add what custom classes keep, which they may write, replace and remove meanwhile.

    Of a file that is written just now some state is added; what is gone is left out, and no more.
    So is what could not be restored: pipes, and links to folders elsewhere.
    """
    for path in sorted(within.rglob("*")):
        name = str(path.relative_to(folder))
        with suppress(FileNotFoundError):
            if path.is_file():  # or a link to one
                # A copy keeps its size while it is added; a file may lose what was announced.
                archive.add(shutil.copy2(path, copied), name)
            elif _leads_elsewhere(path, within):
                log.warning("%s is not in the backup: it leads elsewhere", name)
            elif path.is_dir() or path.is_symlink():
                archive.add(path, name, recursive=False)


def _leads_elsewhere(path: Path, within: Path) -> bool:
    if not path.is_symlink():
        return False
    return path.readlink().is_absolute() or not path.resolve().is_relative_to(within.resolve())


def read_backup(file: Path, database_path: Path) -> None:
    """Make a backup into the folder of a database again; there must be none yet.

    Raises
    ------
    ConfigError
        If the folder is not empty, or the file is no whole backup.
    """
    folder = database_path.parent
    is_new = not folder.exists()
    remove_left_over(folder, _RESTORING)
    # A new volume of its own file system is not quite empty.
    there = [] if is_new else [x.name for x in folder.iterdir() if x.name != "lost+found"]
    if there:
        raise ConfigError(
            f"{folder} is not empty ({', '.join(sorted(there)[:3])})",
            expected="a new folder: a backup is not mixed with other labels",
            fix="Set MODEL_DIR to another folder, or move this one away.",
        )
    folder.mkdir(parents=True, exist_ok=True)
    try:
        # In the folder, not beside it: it may be all that can be written, as in a container.
        with scratch_folder(folder, _RESTORING) as temporary:
            unpacked = temporary / "data"
            _unpack(file, unpacked, database_path.name)
            others = [path for path in unpacked.iterdir() if path.name != database_path.name]
            for path in (*others, unpacked / database_path.name):  # before it is there, nothing is
                path.rename(folder / path.name)
    except BaseException:
        if is_new:
            with suppress(OSError):
                folder.rmdir()
        raise


def _unpack(file: Path, folder: Path, database_name: str) -> None:
    """Unpack a backup into a new folder; raise `ConfigError` if it is none, or not whole."""
    try:
        with tarfile.open(file, "r:") as archive:
            _require_no_detours(archive)
            # "data": nothing outside the folder, no links out of it, no devices.
            archive.extractall(folder, filter="data")
        _open_unpacked(folder / database_name)
    except (
        tarfile.TarError, OSError, PrelabelError, sqlite3.Error,
        LookupError, TypeError, ValueError,  # of rows that no server wrote
    ) as error:  # fmt: skip
        raise ConfigError(
            f"{file} cannot be restored ({type(error).__name__}: {error})",
            expected="a file that `prelabel backup` wrote, whole and unchanged",
            fix="Take another backup; nothing was changed.",
        ) from error


def _require_no_detours(archive: tarfile.TarFile) -> None:
    """Raise `tarfile.TarError` if a member's place depends on where another one's link leads.

    Python's filters have been led outside by such links (CVE-2025-4517).
    """
    links = set[PurePosixPath]()
    for member in archive:
        path = PurePosixPath(member.name)
        if ".." in path.parts or links.intersection((path, *path.parents)):
            raise tarfile.TarError(f"{member.name[:200]} leads through a link")
        if member.issym() or member.islnk():
            links.add(path)


def _open_unpacked(path: Path) -> None:
    """Bring a database from elsewhere up to date; raise if it is damaged or names other files."""
    if not path.exists():
        raise ValueError("no database in it")
    with Database(path) as database:
        database.require_whole()
        database.migrate()
        for version in VersionStore(database).all():
            # What is old is deleted one day: a name must not lead to another folder.
            if ".." in version.artifact or version.artifact.startswith("/"):
                raise ValueError(f"version {version.name} names an artifact outside of it")
