"""The command line, as an operator types it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.backend import Backend, Project
from tests.commands import run

# The header and the payload of a JSON Web Token whose payload is {"token_type":"access"}.
ACCESS_TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJ0b2tlbl90eXBlIjoiYWNjZXNzIn0.c2lnbmF0dXJl"


CREDENTIALS = ("--basic-auth-user", "ann", "--basic-auth-pass", "secret")


@pytest.mark.parametrize("name", ["prelabel", "label-studio-ml"])
def test_both_names_are_the_same_program(name: str) -> None:
    program = shutil.which(name, path=str(Path(sys.executable).parent))
    assert program is not None
    result = subprocess.run([program, "--help"], capture_output=True, text=True, check=True)
    assert "start" in result.stdout


def test_every_option_of_the_reference_is_there() -> None:
    said = run("start", "--help").stdout
    options = "-p --port --host --log-level --model-dir --basic-auth-user --basic-auth-pass"
    assert [o for o in f"{options} --check -d --debug".split() if o not in said] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nonexistent"], "no directory"),
        (["--port", "99999"], "PORT"),
        (["--model-dir", "/dev/null/x"], "data folder"),
        (["--basic-auth-user", "ann"], "BASIC_AUTH_PASS"),
        (["--host", "192.0.2.1", *CREDENTIALS], "Cannot listen"),
    ],
)
def test_a_wrong_option_ends_with_status_2_and_one_line(arguments: list[str], said: str) -> None:
    result = run("start", *arguments)
    assert result.returncode == 2
    assert said in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PRELABEL_SPEED", "9", "PRELABEL_SPEED"),
        ("LOGISTIC_REGRESSION_C", "0", "LOGISTIC_REGRESSION_C"),
        ("START_TRAINING_EACH_N_UPDATES", "often", "START_TRAINING_EACH_N_UPDATES"),
        ("LABEL_STUDIO_HOST", "localhost", "LABEL_STUDIO_HOST"),
        ("LABEL_STUDIO_API_KEY", ACCESS_TOKEN, "Personal Access Token"),
    ],
)
def test_a_wrong_setting_ends_with_status_2_and_its_name(
    tmp_path: Path, name: str, value: str, said: str
) -> None:
    result = run("start", "--port", "0", env={name: value, "MODEL_DIR": str(tmp_path)})
    assert (result.returncode, "Traceback" in result.stderr) == (2, False)
    assert said in result.stderr


def test_a_taken_port_is_said_before_anything_is_started(
    shared_backend: Backend, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    result = run("start", f"--port={shared_backend.port}", f"--model-dir={data}")
    assert result.returncode == 2
    assert "another --port" in result.stderr
    assert not data.exists()


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("MODEL_DIR", "x" * 300, "cannot be used"),
        ("PRELABEL_HOST", "a..b\u00e4", "Cannot listen on 'a..b"),
        ("SSL_CERT_FILE", "/nowhere", "SSL_CERT_FILE"),
        ("SSLKEYLOGFILE", "/nowhere/x", "SSLKEYLOGFILE"),
        ("PROMETHEUS_MULTIPROC_DIR", "/nowhere", "is no folder"),
        ("START_TRAINING_EACH_N_UPDATES", "9" * 30, "less than or equal to"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused_in_one_line(
    tmp_path: Path, setting: str, value: str, said: str
) -> None:
    others = {"LABEL_STUDIO_API_KEY": "0123abcd", "PRELABEL_ANONYMOUS": "true"}
    env = {"MODEL_DIR": str(tmp_path), **others, setting: value}
    result = run("start", "--port=0", env=env)
    assert result.returncode == 2, result.stderr
    assert said in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.slow
def test_a_directory_with_only_settings_serves_the_built_in_classifier(tmp_path: Path) -> None:
    model = tmp_path / "my_model"
    model.mkdir()
    (model / ".env").write_text("START_TRAINING_EACH_N_UPDATES=3\n")
    with Backend(tmp_path, {"MODEL_DIR": ""}, [str(model), "--check"]) as backend:
        project = Project(backend)
        untrained = project.setup()
        project.annotate_many(3)
        assert project.wait_for_version(untrained) == "v1-3labels"
        assert (model / "prelabel-data" / "prelabel.sqlite3").exists()


def test_a_directory_without_a_model_class_is_refused_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text("class Mine: ...\n")
    result = run("start", str(tmp_path))
    assert result.returncode == 2
    assert "it defines none" in result.stderr


def test_debug_logs_more_and_shows_no_debugger(tmp_path: Path) -> None:
    with Backend(tmp_path, arguments=["--debug"]) as backend:
        assert backend.client.get("/console").status_code == 404
        assert "traceback" not in backend.client.post("/predict", content=b"{").text.lower()
    assert '"level":"DEBUG"' in backend.log.read_text()


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_nobody_is_let_in_by_accident(tmp_path: Path, host: str) -> None:
    refused = run("start", "--host", host, "--port", "0", env={"MODEL_DIR": str(tmp_path)})
    assert refused.returncode == 2
    assert "PRELABEL_ANONYMOUS=true" in refused.stderr
    assert "Traceback" not in refused.stderr
