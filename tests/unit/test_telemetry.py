from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator

import pytest

from prelabel.telemetry import Metrics, configure_logging, request_id


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger("prelabel")
    before = list(root.handlers), root.level, ours.level
    root.handlers = []  # basicConfig(force=True) would close pytest's
    yield
    root.handlers, level, own_level = before
    root.setLevel(level)
    ours.setLevel(own_level)


def configure_on_a_terminal(monkeypatch: pytest.MonkeyPatch, level: str) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    configure_logging(level)


def test_an_event_is_one_line_that_names_its_request(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    configure_on_a_terminal(monkeypatch, "INFO")
    token = request_id.set("abc123")
    logging.getLogger("prelabel.loop").info("Job %d begins", 7)
    request_id.reset(token)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(" INFO    prelabel.loop [abc123] Job 7 begins")


def test_outside_of_a_request_there_is_a_dash(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    configure_on_a_terminal(monkeypatch, "INFO")
    logging.getLogger("prelabel").warning("x")
    assert " [-] x" in capsys.readouterr().err


def test_the_level_is_ours_and_libraries_are_heard_from_warning_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    configure_on_a_terminal(monkeypatch, "DEBUG")
    logging.getLogger("prelabel.x").debug("ours")
    logging.getLogger("httpx").info("theirs, with an address")
    logging.getLogger("httpx").warning("theirs, important")
    assert [line.split("] ")[1] for line in capsys.readouterr().err.splitlines()] == [
        "ours",
        "theirs, important",
    ]


def test_configuring_twice_does_not_say_everything_twice(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging("INFO")
    configure_logging("ERROR")
    logging.getLogger("prelabel").warning("quiet")
    logging.getLogger("prelabel").error("loud")
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_figures_are_encoded_for_prometheus() -> None:
    metrics = Metrics()
    metrics.requests.labels(route="/predict", status="200").inc()
    metrics.request_seconds.labels(route="/predict").observe(0.002)
    metrics.label_changes.inc(3)
    text = metrics.encode().decode()
    assert 'prelabel_requests_total{route="/predict",status="200"} 1.0' in text
    assert 'prelabel_request_seconds_bucket{le="0.003",route="/predict"} 1.0' in text
    assert "prelabel_label_changes_total 3.0" in text


def test_two_servers_in_one_process_count_apart() -> None:
    first, second = Metrics(), Metrics()
    first.predictions.inc()
    assert "prelabel_predictions_total 0.0" in second.encode().decode()


def test_where_nobody_watches_a_log_line_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("INFO")
    log = logging.getLogger("prelabel.test")
    token = request_id.set("abc")
    try:
        log.info('A "quoted" line\nof %s', "two")
        try:
            raise ValueError("no")
        except ValueError:
            log.exception("Broken")
    finally:
        request_id.reset(token)
    first, second = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert first.pop("time").endswith("Z")
    assert first == {
        "level": "INFO",
        "logger": "prelabel.test",
        "request_id": "abc",
        "message": 'A "quoted" line\nof two',
    }
    assert "ValueError: no" in second["exception"]
