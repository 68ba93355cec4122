from __future__ import annotations

import logging
import re
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client.utils import floatToGoString

from prelabel.loop.gauges import ProjectGauges, VersionGauges
from prelabel.storage.clock import now
from prelabel.storage.database import Database
from prelabel.storage.jobs import JobStore
from prelabel.storage.labels import LabelStore
from prelabel.storage.projects import ProjectStore
from prelabel.storage.tables import update_project
from prelabel.storage.versions import VersionStore
from prelabel.telemetry import Metrics
from prelabel.types import JobState, ProjectKey
from tests.builders import CONFIG, PROJECT, TWIN, annotated, heads, labeled

MEASURED = {"accuracy": 0.75, "micro_f1": 0.625, "macro_f1": 0.5, "log_loss": 0.25, "ece": 0.125}


@pytest.fixture
def metrics(versions: VersionStore, projects: ProjectStore, jobs: JobStore) -> Metrics:
    for project in (PROJECT, TWIN):
        projects.see(project, CONFIG)
        jobs.claim(project, "me", timedelta(minutes=1))
    figures = Metrics()
    figures.register(VersionGauges(versions))
    figures.register(ProjectGauges(projects))
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


def created(versions: VersionStore, project: ProjectKey) -> str:
    active = versions.active(project)
    assert active
    at_seconds = floatToGoString(active.created_at.timestamp())  # type: ignore[no-untyped-call]
    return f'prelabel_version_created_timestamp_seconds{{project="{project}"}} {at_seconds}'


def test_a_figure_that_an_older_release_did_not_measure_is_left_out(
    metrics: Metrics, versions: VersionStore
) -> None:
    add(versions, PROJECT, {name: value for name, value in MEASURED.items() if name != "micro_f1"})
    assert not any("micro_f1" in line for line in gauges(metrics))
    assert any("macro_f1" in line for line in gauges(metrics))


def test_the_figures_are_the_active_versions(metrics: Metrics, versions: VersionStore) -> None:
    assert gauges(metrics) == []
    add(versions, PROJECT, MEASURED)
    add(versions, PROJECT, {**MEASURED, "accuracy": 0.1}, withheld="it is worse")
    assert gauges(metrics) == [
        f'prelabel_version_accuracy{{control="topic",project="{PROJECT}"}} 0.75',
        f'prelabel_version_micro_f1{{control="topic",project="{PROJECT}"}} 0.625',
        f'prelabel_version_macro_f1{{control="topic",project="{PROJECT}"}} 0.5',
        f'prelabel_version_log_loss{{control="topic",project="{PROJECT}"}} 0.25',
        f'prelabel_version_ece{{control="topic",project="{PROJECT}"}} 0.125',
        f'prelabel_version_name_texts{{control="topic",project="{PROJECT}"}} 0.0',
        f'prelabel_version_examples{{project="{PROJECT}"}} 40.0',
        created(versions, PROJECT),
    ]


def test_a_version_that_measured_nothing_only_says_what_it_learned_from(
    metrics: Metrics, versions: VersionStore
) -> None:
    add(versions, TWIN)
    assert gauges(metrics) == [
        f'prelabel_version_name_texts{{control="topic",project="{TWIN}"}} 0.0',
        f'prelabel_version_examples{{project="{TWIN}"}} 40.0',
        created(versions, TWIN),
    ]


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
        connection.exec_driver_sql("ALTER TABLE projects RENAME TO away")
    with caplog.at_level(logging.WARNING):
        assert b"prelabel_job_seconds" in metrics.encode()
    assert gauges(metrics) == []
    assert "left out" in caplog.text


# Projects


def of_projects(metrics: Metrics, name: str) -> dict[str, float]:
    """Return a gauge's figures by project, or state."""
    found = re.findall(
        rf'^prelabel_{name}{{\w+="(.*)"}} (.*)$', metrics.encode().decode(), re.MULTILINE
    )
    return {label: float(figure) for label, figure in found}


def test_leases_are_held_or_have_run_out(metrics: Metrics, jobs: JobStore) -> None:
    assert of_projects(metrics, "leases") == {"held": 2.0, "run_out": 0.0}
    jobs.renew(TWIN, "me", timedelta(seconds=-1))
    assert of_projects(metrics, "leases") == {"held": 1.0, "run_out": 1.0}
    jobs.release(PROJECT, "me")
    assert of_projects(metrics, "leases") == {"held": 0.0, "run_out": 1.0}


def test_a_sync_lags_from_when_it_is_wanted_until_it_is_finished(
    metrics: Metrics, projects: ProjectStore, database: Database
) -> None:
    assert of_projects(metrics, "sync_lag_seconds") == {str(PROJECT): 0.0, str(TWIN): 0.0}
    projects.request_sync(PROJECT)
    hour = timedelta(hours=1)
    set_project(database, PROJECT, sync_due_at=now() - hour)
    assert 3600 <= of_projects(metrics, "sync_lag_seconds")[str(PROJECT)] < 3700
    set_project(database, PROJECT, synced_at=now() - 2 * hour)
    assert 7200 <= of_projects(metrics, "sync_lag_seconds")[str(PROJECT)] < 7300
    projects.sync_failed(PROJECT, is_away=True)
    assert 7200 <= of_projects(metrics, "sync_lag_seconds")[str(PROJECT)] < 7300
    assert of_projects(metrics, "sync_failures") == {str(PROJECT): 1.0, str(TWIN): 0.0}


def set_project(database: Database, project: ProjectKey, **values: object) -> None:
    with database.write() as connection:
        connection.execute(update_project(project).values(values))


def test_label_changes_wait_until_a_training_has_seen_them(
    metrics: Metrics, labels: LabelStore, jobs: JobStore
) -> None:
    labels.apply(annotated(labeled(1), labeled(2)))
    assert of_projects(metrics, "untrained_changes") == {str(PROJECT): 2.0, str(TWIN): 0.0}
    jobs.release(PROJECT, "me")
    job = jobs.claim(PROJECT, "me", timedelta(minutes=1))
    assert job
    jobs.finish(job, JobState.DONE, "", trained_changes=2)
    assert of_projects(metrics, "untrained_changes")[str(PROJECT)] == 0.0
