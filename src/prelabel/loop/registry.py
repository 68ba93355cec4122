"""Step 4: the active version of each project, loaded and kept warm."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from prelabel.errors import ArtifactError, ModelError, StorageError
from prelabel.loop.guard import guard, load
from prelabel.models.base import Model, TextModel
from prelabel.models.manifest import TRAIN_AGAIN
from prelabel.recent import Recent
from prelabel.storage.versions import VersionStore
from prelabel.types import ModelVersion, ProjectKey

log = logging.getLogger(__name__)

OLDER_TRIED = 10
LOCKS = 64
"""Locks that all projects share, each held while a version is loaded."""

RETRY_SECONDS = 30.0
"""How soon a damaged artifact is looked at again: it may have been put back from a copy."""


@dataclass(frozen=True, slots=True)
class Served:
    """A version and its loaded models, by control: what answers a request from first to last.

    Attributes
    ----------
    label_config
        Digest of the labeling config it was trained with; empty if that is not known.
    """

    version: ModelVersion
    models: Mapping[str, Model]
    label_config: str


@dataclass(frozen=True, slots=True)
class _Loaded:
    """What was loaded for an active version: an older one where its artifact is damaged.

    Attributes
    ----------
    until_seconds
        When to look again, on the registry's clock; never for what can only stay as it is.
    """

    active: ModelVersion
    served: Served | None
    until_seconds: float

    def is_for(self, active: ModelVersion, now_seconds: float) -> bool:
        ours = self.active  # not whole: metrics are large, and the store reads them anew
        is_same = (ours.number, ours.artifact) == (active.number, active.artifact)
        return is_same and now_seconds < self.until_seconds


class Registry:
    """Knows what to serve. The store is asked at every request which version is active.

    That question is what makes ``/setup`` and ``/predict`` agree at every moment, in every process
    that shares the store; while nothing has changed there, it costs no query. The model itself
    stays in memory, while it is among those used last.

    Parameters
    ----------
    resident
        Projects whose models stay in memory.
    guard_seconds
        How long a model of one's own may take to predict; None for the built-in one, which needs
        no guard.
    """

    def __init__(
        self,
        *,
        versions: VersionStore,
        artifacts: Path,
        model_class: type[TextModel],
        resident: int,
        guard_seconds: float | None = None,
        clock_seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._guard_seconds = guard_seconds
        self._clock_seconds = clock_seconds
        self._versions = versions
        self._artifacts = artifacts
        self._model_class = model_class
        self.resident = resident
        self._loaded = Recent[ProjectKey, _Loaded](resident)
        # Which projects share a lock does not matter: to load takes milliseconds.
        self._loading = [threading.Lock() for _ in range(LOCKS)]

    def serve(self, project: ProjectKey) -> Served | None:
        """Return what to serve now; None before the first version."""
        loaded = self._loaded.get(project)
        try:
            active = self._versions.active(project)
        except StorageError as error:
            if loaded is None:
                raise
            log.error("Serving what is loaded: %s", error)  # noqa: TRY400 - no news in a traceback
            return loaded.served
        if active is None:
            return None
        if loaded is None or not loaded.is_for(active, self._clock_seconds()):
            loaded = self._load(project, active)
        return loaded.served

    def last_change(self) -> int | None:
        """Return a number that is another one after each change of the store.

        None if it cannot be read: whoever may wait finds out, and says so.
        """
        try:
            return self._versions.last_change()
        except StorageError:
            return None

    def served_at_once(self, project: ProjectKey, change: int) -> Served | None:
        """Return what to serve since a change, if it is known and loaded; None if it is not."""
        loaded = self._loaded.get(project)
        active = self._versions.known_active(project, change) if loaded else None
        if loaded is None or active is None or not loaded.is_for(active, self._clock_seconds()):
            return None
        return loaded.served

    def _load(self, project: ProjectKey, active: ModelVersion) -> _Loaded:
        """Load a version, then let go of the one before; threads that wait get the same."""
        with self._loading[hash(project) % LOCKS]:
            known = self._loaded.get(project)
            if known is None or not known.is_for(active, self._clock_seconds()):
                served = self._read_newest(project, active)
                is_it = served is not None and served.version == active
                until_seconds = math.inf if is_it else self._clock_seconds() + RETRY_SECONDS
                known = _Loaded(active, served, until_seconds)
                self._loaded[project] = known
            return known

    def _read_newest(self, project: ProjectKey, active: ModelVersion) -> Served | None:
        for version in (active, *self._versions.before(active)[:OLDER_TRIED]):
            try:
                models, manifest = load(self._artifacts / version.artifact, self._model_class)
                if self._guard_seconds is not None:
                    guard(models.values(), self._guard_seconds)
                digest = str(manifest.receipt.get("label_config", ""))
                return Served(version, _by_control(version, models), digest)
            except (ArtifactError, ModelError) as error:
                log.error("Version %s of %s is not served: %s", version.name, project, error)  # noqa: TRY400 - no news in a traceback
        return None


def _by_control(version: ModelVersion, models: Mapping[str, Model]) -> dict[str, Model]:
    """Return models by the controls of their version: format 1 does not name any."""
    if len(models) != len(version.heads):
        raise ArtifactError(
            f"{version.artifact} has {len(models)} models",
            expected=f"one for each of the {len(version.heads)} controls of the version",
            fix=TRAIN_AGAIN,
        )
    return dict(zip((head.control for head in version.heads), models.values(), strict=True))
