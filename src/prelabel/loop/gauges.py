"""What the active versions measured, for Prometheus."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from prelabel.errors import StorageError
from prelabel.storage.versions import VersionStore

log = logging.getLogger(__name__)

_MEASURED = {
    "accuracy": "Share of the examples left out that the active version is right about.",
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
                    gauge.add_metric([str(version.project), control], measured[name])
            yield gauge
        gauge = _gauge("examples", "Examples that the active version was fitted on.")
        for version in active:
            gauge.add_metric([str(version.project)], version.examples)
        yield gauge


def _gauge(name: str, meaning: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"prelabel_version_{name}", meaning, labels=["project", *labels])
