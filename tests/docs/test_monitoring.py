"""The dashboard and the alerts ask for figures that there are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import validate
from prometheus_client.parser import text_string_to_metric_families
from ruamel.yaml import YAML

from prelabel.loop.gauges import ProjectGauges, VersionGauges
from prelabel.storage.projects import ProjectStore
from prelabel.storage.versions import VersionStore
from prelabel.telemetry import Metrics

FOLDER = Path(__file__).parents[2] / "examples" / "monitoring"
TEXT = {"type": "string", "minLength": 1}

# https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/
ALERTS = {
    "type": "object",
    "required": ["groups"],
    "properties": {
        "groups": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "rules"],
                "properties": {
                    "rules": {
                        "type": "array",
                        "minItems": 3,
                        "items": {
                            "type": "object",
                            "required": ["alert", "expr", "annotations"],
                            "additionalProperties": False,
                            "properties": {
                                "alert": {"type": "string", "pattern": "^[A-Za-z]+$"},
                                "expr": TEXT,
                                "for": {"type": "string", "pattern": "^[0-9]+[smh]$"},
                                "labels": {"type": "object", "additionalProperties": TEXT},
                                "annotations": {"type": "object", "additionalProperties": TEXT},
                            },
                        },
                    },
                },
            },
        }
    },
}
# https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
DASHBOARD = {
    "type": "object",
    "required": ["title", "uid", "schemaVersion", "panels", "templating", "time"],
    "properties": {
        "panels": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["id", "type", "title", "gridPos", "datasource", "targets"],
                "properties": {
                    "gridPos": {
                        "type": "object",
                        "required": ["h", "w", "x", "y"],
                        "additionalProperties": {"type": "integer", "maximum": 1000},
                    },
                    "targets": {
                        "type": "array",
                        "items": {"type": "object", "required": ["refId", "expr"]},
                    },
                },
            },
        }
    },
}


def alerts() -> Any:
    return YAML(typ="safe").load((FOLDER / "alerts.yml").read_text())


def dashboard() -> Any:
    return json.loads((FOLDER / "grafana-dashboard.json").read_text())


def expressions() -> Iterator[str]:
    for group in alerts()["groups"]:
        yield from (rule["expr"] for rule in group["rules"])
    for panel in dashboard()["panels"]:
        yield from (target["expr"] for target in panel["targets"])


@pytest.fixture
def figures(versions: VersionStore, projects: ProjectStore) -> set[str]:
    metrics = Metrics()
    metrics.register(VersionGauges(versions))
    metrics.register(ProjectGauges(projects))
    families = text_string_to_metric_families(metrics.encode().decode())
    found = {family.name: family.type for family in families}
    counters = {f"{name}_total" for name, kind in found.items() if kind == "counter"}
    buckets = {f"{name}_bucket" for name, kind in found.items() if kind == "histogram"}
    return {*found, *counters, *buckets}


def test_the_files_have_the_form_that_their_readers_want() -> None:
    validate(alerts(), ALERTS)
    validate(dashboard(), DASHBOARD)
    ids = [panel["id"] for panel in dashboard()["panels"]]
    assert len(ids) == len(set(ids))


def test_every_figure_they_ask_for_is_there(figures: set[str]) -> None:
    asked = {name for text in expressions() for name in re.findall(r"prelabel_\w+", text)}
    assert asked
    assert asked <= figures


def test_every_figure_is_documented_and_shown(figures: set[str]) -> None:
    page = (FOLDER.parents[1] / "docs" / "reference" / "endpoints.md").read_text()
    documented = set(re.findall(r"^\| `(prelabel_\w+)", page, re.MULTILINE))
    plain = {name.removesuffix("_bucket") for name in figures}
    counters = {name for name in plain if f"{name}_total" in plain}
    begun = {name for name in plain if name.endswith("_created")}  # by the library itself
    assert documented == plain - counters - begun
    shown = {name for text in expressions() for name in re.findall(r"prelabel_\w+", text)}
    assert {name.removesuffix("_bucket") for name in shown} <= documented
