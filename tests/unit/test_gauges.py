from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest

from prelabel.loop.gauges import VersionGauges
from prelabel.storage.database import Database
from prelabel.storage.jobs import JobStore
from prelabel.storage.projects import ProjectStore
from prelabel.storage.versions import VersionStore
from prelabel.telemetry import Metrics
from prelabel.types import ProjectKey
from tests.builders import CONFIG, PROJECT, TWIN, heads

MEASURED = {"accuracy": 0.75, "macro_f1": 0.5, "log_loss": 0.25, "ece": 0.125}


@pytest.fixture
def metrics(versions: VersionStore, projects: ProjectStore, jobs: JobStore) -> Metrics:
    for project in (PROJECT, TWIN):
        projects.see(project, CONFIG)
        jobs.claim(project, "me", timedelta(minutes=1))
    figures = Metrics()
    figures.register(VersionGauges(versions))
    return figures


def add(
    versions: VersionStore, project: ProjectKey, metrics: Any = None, withheld: str | None = None
) -> None:
    versions.add(project, artifact="a", examples=40, heads=heads("x"), fingerprint="",
                 owner="me", metrics={"topic": metrics} if metrics else None,
                 withheld=withheld)  # fmt: skip


def gauges(metrics: Metrics) -> list[str]:
    lines = metrics.encode().decode().splitlines()
    return [line for line in lines if line.startswith("prelabel_version_")]


def test_the_figures_are_the_active_versions(metrics: Metrics, versions: VersionStore) -> None:
    assert gauges(metrics) == []
    add(versions, PROJECT, MEASURED)
    add(versions, PROJECT, {**MEASURED, "accuracy": 0.1}, withheld="it is worse")
    assert gauges(metrics) == [
        f'prelabel_version_accuracy{{control="topic",project="{PROJECT}"}} 0.75',
        f'prelabel_version_macro_f1{{control="topic",project="{PROJECT}"}} 0.5',
        f'prelabel_version_log_loss{{control="topic",project="{PROJECT}"}} 0.25',
        f'prelabel_version_ece{{control="topic",project="{PROJECT}"}} 0.125',
        f'prelabel_version_examples{{project="{PROJECT}"}} 40.0',
    ]


def test_a_version_that_measured_nothing_only_has_its_examples(
    metrics: Metrics, versions: VersionStore
) -> None:
    add(versions, TWIN)
    assert gauges(metrics) == [f'prelabel_version_examples{{project="{TWIN}"}} 40.0']


def test_a_forgotten_project_has_none(
    metrics: Metrics, versions: VersionStore, projects: ProjectStore
) -> None:
    add(versions, PROJECT, MEASURED)
    projects.forget(PROJECT)
    assert gauges(metrics) == []


def test_without_the_store_the_process_still_tells_its_own_figures(
    metrics: Metrics, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with database.write() as connection:
        connection.exec_driver_sql("DROP TABLE versions")
    with caplog.at_level(logging.WARNING):
        assert b"prelabel_job_seconds" in metrics.encode()
    assert gauges(metrics) == []
    assert "left out" in caplog.text
