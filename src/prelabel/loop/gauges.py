"""What the store knows of versions and projects, for Prometheus."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from prelabel.errors import StorageError
from prelabel.storage.projects import ProjectState, ProjectStore
from prelabel.storage.versions import VersionStore

log = logging.getLogger(__name__)

_MEASURED = {
    "accuracy": "Share of the examples left out that the active version is right about.",
    "micro_f1": "F1 of all decisions of the active version about single labels, on examples left "
    "out.",
    "macro_f1": "Mean F1 of the active version's labels on examples left out.",
    "log_loss": "Mean log-loss of the active version on examples left out, in nats.",
    "ece": "Expected calibration error of the active version on examples left out.",
}


class VersionGauges(Collector):
    """Gauges by project and control, read from the store whenever someone asks.

    So all processes that share a store say the same, right after a start too. A project that is
    forgotten has none.
    """

    def __init__(self, versions: VersionStore) -> None:
        self._versions = versions

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield nothing while the store cannot be read: the process's own figures are due still."""
        try:
            active = self._versions.all_active()
        except StorageError as error:
            log.warning("The figures of versions are left out: %s", error)
            return
        for name, meaning in _MEASURED.items():
            gauge = _gauge(name, meaning, "control")
            for version in active:
                for control, measured in (version.metrics or {}).items():
                    if name in measured:  # what an older release measured may lack one
                        gauge.add_metric([str(version.project), control], measured[name])
            yield gauge
        named = _gauge(
            "name_texts", "Texts that the active version learned from with the names of labels "
            "alone; 0 if it learned from labels.", "control",
        )  # fmt: skip
        examples = _gauge("examples", "Examples that the active version was fitted on.")
        created = _gauge("created_timestamp_seconds", "When the active version was made.")
        for version in active:
            examples.add_metric([str(version.project)], version.examples)
            created.add_metric([str(version.project)], version.created_at.timestamp())
            for head in version.heads:
                named.add_metric([str(version.project), head.control], head.name_texts)
        yield from (named, examples, created)


def _gauge(name: str, meaning: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"prelabel_version_{name}", meaning, labels=["project", *labels])


class ProjectGauges(Collector):
    """Where the work for projects stands: leases, syncs, label changes that wait for a training."""

    def __init__(self, projects: ProjectStore) -> None:
        self._projects = projects

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield nothing while the store cannot be read, as `VersionGauges` does."""
        try:
            states = self._projects.states()
        except StorageError as error:
            log.warning("The figures of projects are left out: %s", error)
            return
        moment = datetime.now(UTC)
        leases = GaugeMetricFamily(
            "prelabel_leases", "Projects that a job works on, by state.", labels=["state"]
        )
        until = [state.leased_until for state in states if state.leased_until]
        leases.add_metric(["held"], sum(moment <= end for end in until))
        leases.add_metric(["run_out"], sum(moment > end for end in until))
        yield leases
        for name, (meaning, read) in _OF_PROJECTS.items():
            gauge = GaugeMetricFamily(f"prelabel_{name}", meaning, labels=["project"])
            for state in states:
                gauge.add_metric([str(state.project)], read(state, moment))
            yield gauge


def _read_lag_seconds(state: ProjectState, moment: datetime) -> float:
    if state.sync_due_at is None:
        return 0.0
    since = state.synced_at or state.sync_due_at
    return max(0.0, (moment - since).total_seconds())


_OF_PROJECTS: Mapping[str, tuple[str, Callable[[ProjectState, datetime], float]]] = {
    "sync_lag_seconds": (
        "Time since the labels were pulled, where that is wanted again; 0 where it is not.",
        _read_lag_seconds,
    ),
    "sync_failures": (
        "Times in a row that pulling the labels failed.",
        lambda state, _: state.sync_failures,
    ),
    "untrained_changes": (
        "Label changes that no training has seen yet.",
        lambda state, _: state.untrained_changes,
    ),
}
