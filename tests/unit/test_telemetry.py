from __future__ import annotations

import ast
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from prelabel.telemetry import (
    SHARED_FOLDER,
    FloodFilter,
    Metrics,
    PatientHandler,
    configure_logging,
    request_id,
)


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


def warn(flood: FloodFilter, level: int = logging.WARNING, kind: str = "refused %s") -> str | None:
    record = logging.LogRecord("prelabel", level, "", 1, kind, ("x",), None)
    return record.getMessage() if flood(record) else None


def test_a_flood_of_warnings_is_cut_off_and_what_was_left_out_is_counted() -> None:
    moment = [0.0]
    flood = FloodFilter(3, clock_seconds=lambda: moment[0])
    assert [warn(flood) for _ in range(5)] == ["refused x"] * 3 + [None] * 2
    assert warn(flood, kind="another %s") == "another x"
    assert [warn(flood, logging.INFO) for _ in range(5)] == ["refused x"] * 5
    moment[0] = 61.0
    assert warn(flood) == "refused x (and 2 more of this kind before)"
    assert warn(flood) == "refused x"


def test_a_log_that_nobody_reads_is_left_out_and_counted_and_never_waited_for() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb", buffering=0) as reader, os.fdopen(writing, "w") as writer:
        handler = PatientHandler(writer)
        logged = logging.LogRecord(
            "x", logging.WARNING, "", 0, "a line of %s", ("x" * 9_000,), None
        )
        for _ in range(100):  # a pipe has room for seven; who waited for more would wait for ever
            handler.emit(logged)
        os.set_blocking(reading, False)
        read = reader.read(1_000_000)
        handler.emit(logged)
        *_, notice, last = reader.read(1_000_000).decode().splitlines()
    assert 5 < read.count(b"a line of") < 10
    assert notice.endswith(f"left out: {101 - read.count(b'a line of')}")
    assert last == logged.getMessage()


def test_figures_are_encoded_for_prometheus() -> None:
    metrics = Metrics()
    metrics.requests.labels(route="/predict", status="200").inc()
    metrics.request_seconds.labels(route="/predict").observe(0.002)
    metrics.label_changes.inc(3)
    text = metrics.encode().decode()
    assert 'prelabel_requests_total{route="/predict",status="200"} 1.0' in text
    assert 'prelabel_request_seconds_bucket{le="0.003",route="/predict"} 1.0' in text
    assert "prelabel_label_changes_total 3.0" in text


def test_a_batch_has_a_size_and_a_single_task_has_none() -> None:
    metrics = Metrics()
    metrics.count_predictions(tasks=1, answered=1)
    metrics.count_predictions(tasks=20, answered=15)
    text = metrics.encode().decode()
    assert "prelabel_predictions_total 16.0" in text
    assert "prelabel_abstentions_total 5.0" in text
    assert 'prelabel_batch_tasks_bucket{le="10.0"} 0.0' in text
    assert "prelabel_batch_tasks_sum 20.0" in text


SCRIPT = """
import os, subprocess, sys
from prelabel.telemetry import Metrics, forget_dead_processes
metrics = Metrics()
metrics.in_progress.inc()
metrics.predictions.inc()
if len(sys.argv) == 1:
    subprocess.run([sys.executable, __file__, "child"])
    for _ in range(2):
        found = metrics.encode().decode().splitlines()
        print([line for line in found if line.startswith(("prelabel_req", "prelabel_pred"))])
        forget_dead_processes()
"""


def test_what_a_dead_process_had_in_progress_is_forgotten_and_what_it_counted_is_not(
    tmp_path: Path,
) -> None:
    script, folder = tmp_path / "script.py", tmp_path / "figures"
    script.write_text(SCRIPT)
    folder.mkdir()
    result = subprocess.run(
        [sys.executable, script], env={**os.environ, SHARED_FOLDER: str(folder)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    before, after = (set(ast.literal_eval(line)) for line in result.stdout.splitlines())
    assert before == {"prelabel_predictions_total 2.0", "prelabel_requests_in_progress 2.0"}
    assert after == {"prelabel_predictions_total 2.0", "prelabel_requests_in_progress 1.0"}


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
