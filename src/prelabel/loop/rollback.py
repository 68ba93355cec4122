"""Back to an older version: what a person decides when a new one turns out to be worse."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from prelabel.errors import ConfigError
from prelabel.models import artifact
from prelabel.storage.versions import VersionStore
from prelabel.types import ModelVersion, ProjectKey

_NUMBER = re.compile(r"v?(\d{1,9})(-.*)?", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class RolledBack:
    """What came of it: the version that is active now, and those withdrawn, newest first."""

    active: ModelVersion
    withdrawn: Sequence[ModelVersion]


class Rollback:
    """Makes another stored version the active one.

    Servers on the same store answer with it from their next request on.
    """

    def __init__(self, versions: VersionStore, artifacts: Path) -> None:
        self._versions = versions
        self._artifacts = artifacts

    def roll_back(self, project: ProjectKey, to: str | None = None) -> RolledBack:
        """Serve a version from now on, and withdraw the newer ones: no training activates them.

        Parameters
        ----------
        to
            Its name (``v3-40labels``) or number; None takes the newest that was active before.

        Raises
        ------
        ConfigError
            If there is no such version, or its artifact is damaged or gone.
        """
        stored = self._versions.all(project)
        chosen = _find(stored, to) if to else self._find_before(project)
        if chosen is None or not self._is_whole(chosen):
            raise self._refuse(project, to, stored)
        active = self._versions.roll_back(chosen)
        if active is None:
            raise self._refuse(project, to, self._versions.all(project))
        withdrawn = [v for v in self._versions.all(project) if v.number > active.number]
        return RolledBack(active=active, withdrawn=withdrawn)

    def _find_before(self, project: ProjectKey) -> ModelVersion | None:
        active = self._versions.active(project)
        older = self._versions.before(active) if active else []
        return next(filter(self._is_whole, older), None)

    def _is_whole(self, version: ModelVersion) -> bool:
        return artifact.is_whole(self._artifacts / version.artifact)

    def _refuse(
        self, project: ProjectKey, to: str | None, stored: Sequence[ModelVersion]
    ) -> ConfigError:
        names = [version.name for version in stored if self._is_whole(version)]
        return ConfigError(
            f"Project {project} has no version {to or 'before the active one'} to go back to",
            expected=f"one of {', '.join(names)}" if names else "a project with versions",
            fix="Name one with --to.",
        )


def _find(stored: Sequence[ModelVersion], to: str) -> ModelVersion | None:
    given = _NUMBER.fullmatch(to)
    number = int(given[1]) if given else 0
    named = (v for v in stored if v.number == number and to in (v.name, f"v{number}", str(number)))
    return next(named, None)


def say_withdrawn(version: ModelVersion) -> str:
    """Say for people why a training does not activate what it would make."""
    return (
        f"{version.name} was rolled back, and nothing has changed since it was trained: it stays "
        f"withdrawn. Other labels make another version; `prelabel rollback --to {version.name}` "
        "brings it back"
    )
