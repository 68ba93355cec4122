"""What nothing needs any more is removed, so that a server can run for months."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from prelabel.storage.retention import Retention
from prelabel.types import ProjectKey

log = logging.getLogger(__name__)

SETTLED_SECONDS = 3600.0
"""An artifact is there a moment before its version is; a folder this old waits for none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pruned:
    """What was removed, or would be.

    Attributes
    ----------
    projects
        Forgotten projects that were erased.
    texts
        Fetched texts that no task has any more.
    folders, size_bytes
        Artifacts, of removed versions or left by a crash, and what they took.
    """

    versions: int = 0
    jobs: int = 0
    projects: int = 0
    texts: int = 0
    folders: int = 0
    size_bytes: int = 0

    def __str__(self) -> str:
        return (
            f"{self.versions} versions, {self.jobs} finished jobs, {self.projects} forgotten "
            f"projects, {self.texts} fetched texts; {self.folders} folders, "
            f"{self.size_bytes / 1e6:.1f} MB"
        )

    def __add__(self, other: Pruned) -> Pruned:
        return Pruned(
            versions=self.versions + other.versions,
            jobs=self.jobs + other.jobs,
            projects=self.projects + other.projects,
            texts=self.texts + other.texts,
            folders=self.folders + other.folders,
            size_bytes=self.size_bytes + other.size_bytes,
        )


class Pruner:
    """Removes old versions and jobs, and folders that no version needs; safe while servers go on.

    Rows go before the folders they name: what a crash leaves between is found by the next pruning.
    Who has loaded a version keeps it; who is just about to finds the one that is active by now.

    Parameters
    ----------
    folder
        The data folder, with ``artifacts`` and ``models`` in it.
    keep
        How many versions of a project are kept, besides the active one.
    """

    def __init__(self, store: Retention, folder: Path, *, keep: int) -> None:
        self._store = store
        self._folder = folder
        self._artifacts = folder / "artifacts"
        self._keep = keep

    def prune(self, project: ProjectKey, *, dry_run: bool = False) -> Pruned:
        """Prune a project; with ``dry_run``, tell only what there would be to remove."""
        versions, artifacts = self._store.drop_versions(project, self._keep, dry_run=dry_run)
        jobs = self._store.drop_jobs(project, dry_run=dry_run)
        texts = self._store.drop_texts(project, dry_run=dry_run)
        folders = {self._artifacts / name for name in artifacts}
        folders |= set(self._find_left(self._artifacts / str(project)))
        done = Pruned(versions=versions, jobs=jobs, texts=texts) + _remove(folders, dry_run=dry_run)
        if done != Pruned() and not dry_run:
            log.info("Pruned project %s: %s", project, done)
        return done

    def prune_all(self, forgotten_before: datetime, *, dry_run: bool = False) -> Pruned:
        """Prune every project, and erase those that were forgotten before a time."""
        done = Pruned()
        forgotten = self._store.forgotten(forgotten_before)
        for project in forgotten:
            if dry_run or self._store.erase(project, forgotten_before):
                folders = [self._folder / "models" / str(project)]
                folders += self._find_left(
                    self._artifacts / str(project), settled_seconds=0, besides=project
                )
                done += Pruned(projects=1) + _remove(folders, dry_run=dry_run)
        for project in self._store.projects():
            if not (dry_run and project in forgotten):  # it would be gone by now
                done += self.prune(project, dry_run=dry_run)
        known = {str(project) for project in self._store.projects()}
        for folder in _list(self._artifacts):
            if folder.name not in known:
                done += _remove(self._find_left(folder), dry_run=dry_run)
                with suppress(OSError):  # not empty: a copied project serves what lies there
                    folder.rmdir()
        return done

    def _find_left(
        self,
        folder: Path,
        *,
        settled_seconds: float = SETTLED_SECONDS,
        besides: ProjectKey | None = None,
    ) -> Iterator[Path]:
        """Yield what no version names, of a project ``besides`` that one, and none is about to."""
        paths = (path for path in _list(folder) if _age_seconds(path) > settled_seconds)
        found = {f"{folder.name}/{path.name}": path for path in paths}
        named = self._store.named(list(found), besides=besides)
        return (path for name, path in found.items() if name not in named)


def _list(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []


def _age_seconds(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0  # another process removes it


def _remove(folders: Iterable[Path], *, dry_run: bool) -> Pruned:
    count = size_bytes = 0
    for folder in folders:
        if folder.is_dir():
            count += 1
            size_bytes += sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
            if not dry_run:
                shutil.rmtree(folder, ignore_errors=True)
    return Pruned(folders=count, size_bytes=size_bytes)
