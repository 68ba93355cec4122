from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
from pydantic import ValidationError

from prelabel.errors import ConfigError
from prelabel.settings import Settings, load_settings, variables

SECRET = "hunter2-hunter2-hunter2"


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name in variables() or name.startswith("PRELABEL_"):
            monkeypatch.delenv(name)


def refusal_of(directory: Path | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        load_settings(directory)
    return str(caught.value)


def test_the_documented_defaults_are_the_defaults() -> None:
    settings = load_settings()
    assert settings.label_studio_url == "http://localhost:8080"
    assert settings.label_studio_api_key is None
    assert settings.logistic_regression_c == 10
    assert settings.start_training_each_n_updates == 10
    assert (settings.host, settings.port, settings.log_level) == ("127.0.0.1", 9090, "INFO")
    assert (settings.basic_auth_user, settings.basic_auth_pass) == (None, None)
    assert (settings.threads, settings.max_body_bytes) == (8, 128 * 1024 * 1024)
    assert settings.database_path == Path("prelabel-data/prelabel.sqlite3")
    assert settings.artifacts_path == Path("prelabel-data/artifacts")


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("LABEL_STUDIO_HOST", "https://ls.example.com/x", "label_studio_url", "https://ls.example.com/x"),
        ("LABEL_STUDIO_URL", "http://ls:8080", "label_studio_url", "http://ls:8080"),
        ("LOGISTIC_REGRESSION_C", "0.5", "logistic_regression_c", 0.5),
        ("LOGISTIC_REGRESSION_C", "auto", "logistic_regression_c", "auto"),
        ("START_TRAINING_EACH_N_UPDATES", "3", "start_training_each_n_updates", 3),
        ("MODEL_DIR", "/data", "model_dir", Path("/data")),
        ("PRELABEL_HOST", "0.0.0.0", "host", "0.0.0.0"),
        ("PORT", "0", "port", 0),
        ("LOG_LEVEL", "debug", "log_level", "DEBUG"),
        ("LOG_LEVEL", "Warning", "log_level", "WARNING"),
        ("THREADS", "2", "threads", 2),
        ("PRELABEL_MAX_BODY_BYTES", "2048", "max_body_bytes", 2048),
        ("PORT", "", "port", 9090),
    ],
)  # fmt: skip
def test_the_environment_sets_every_value(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, field: str, value: object
) -> None:
    monkeypatch.setenv(name, text)
    assert getattr(load_settings(), field) == value


def test_of_both_names_of_the_host_the_documented_one_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABEL_STUDIO_URL", "http://second")
    monkeypatch.setenv("LABEL_STUDIO_HOST", "")
    assert load_settings().label_studio_url == "http://second"
    monkeypatch.setenv("LABEL_STUDIO_HOST", "http://first")
    assert load_settings().label_studio_url == "http://first"


def test_overrides_come_before_the_environment_and_that_before_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("PORT=1\nTHREADS=1\nLOG_LEVEL=error\n")
    monkeypatch.setenv("PORT", "2")
    monkeypatch.setenv("THREADS", "2")
    settings = load_settings(tmp_path, port=3, threads=None)
    assert (settings.port, settings.threads, settings.log_level) == (3, 2, "ERROR")


def test_without_a_directory_no_file_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("PORT=1\n")
    monkeypatch.chdir(tmp_path)
    assert load_settings().port == 9090


def test_a_file_may_hold_what_other_programs_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("POSTGRES_PASSWORD=x\nWORKERS=2\n\n# a comment\nPORT=5\n")
    assert load_settings(tmp_path).port == 5


def test_a_model_directory_keeps_its_data_inside(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert load_settings(tmp_path).model_dir == tmp_path / "prelabel-data"
    assert load_settings(tmp_path, model_dir="elsewhere").model_dir == Path("elsewhere")
    monkeypatch.setenv("MODEL_DIR", "/data")
    assert load_settings(tmp_path).model_dir == Path("/data")


def test_an_unknown_name_of_ours_lists_what_exists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRELABEL_MAX_BODY", "1")
    message = refusal_of()
    assert "unknown setting PRELABEL_MAX_BODY." in message
    assert all(name in message for name in variables())


def test_an_unknown_name_of_ours_in_the_file_is_refused_like_one_in_the_environment(
    tmp_path: Path,
) -> None:
    (tmp_path / ".env").write_text("PRELABEL_HOTS=0.0.0.0\n")
    assert "unknown setting PRELABEL_HOTS." in refusal_of(tmp_path)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"PORT=\xff\n")
    assert ".env, which cannot be read" in refusal_of(tmp_path)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("LABEL_STUDIO_HOST", "localhost:8080"),
        ("LABEL_STUDIO_HOST", "ftp://x"),
        ("LABEL_STUDIO_HOST", "http://user:pass@host"),
        ("LABEL_STUDIO_HOST", "http://a b"),
        ("LABEL_STUDIO_HOST", "http://host\n"),
        ("LOGISTIC_REGRESSION_C", "0"),
        ("LOGISTIC_REGRESSION_C", "nan"),
        ("LOGISTIC_REGRESSION_C", "inf"),
        ("LOGISTIC_REGRESSION_C", "strong"),
        ("START_TRAINING_EACH_N_UPDATES", "0"),
        ("START_TRAINING_EACH_N_UPDATES", "ten"),
        ("PORT", "65536"),
        ("LOG_LEVEL", "loud"),
        ("THREADS", "0"),
        ("PRELABEL_MAX_BODY_BYTES", "1"),
        ("PRELABEL_TOKEN", "short"),
        ("PRELABEL_TOKEN", "a token of several words"),
        ("PRELABEL_TOKEN", "a-token-with-a-line-end\n"),
        ("PRELABEL_URL_SECRET", "with/a/slash/in/it"),
        ("PRELABEL_CA_FILE", "/no/such/file.pem"),
        ("PRELABEL_CA_FILE", "x" * 300),
    ],
)
def test_an_unusable_value_is_told_by_name(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    monkeypatch.setenv(name, text)
    message = refusal_of()
    assert f"{name}: " in message
    assert "start again" in message


@pytest.mark.parametrize("name", ["BASIC_AUTH_USER", "BASIC_AUTH_PASS"])
def test_half_set_credentials_are_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, SECRET)
    message = refusal_of()
    assert "set both or neither" in message
    assert SECRET not in message


def test_secrets_show_in_no_message_and_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "LABEL_STUDIO_API_KEY", "BASIC_AUTH_PASS", "PRELABEL_URL_SECRET", "PRELABEL_TOKEN",
    ):  # fmt: skip
        monkeypatch.setenv(name, SECRET)
    monkeypatch.setenv("BASIC_AUTH_USER", "me")
    settings = load_settings()
    assert SECRET not in f"{settings!r} {settings} {settings.model_dump()}"
    assert settings.basic_auth_pass
    assert settings.basic_auth_pass.get_secret_value() == SECRET
    monkeypatch.setenv("LABEL_STUDIO_HOST", f"http://me:{SECRET}@host")
    monkeypatch.setenv("PORT", SECRET)
    assert SECRET not in refusal_of()


def test_a_refusal_holds_no_secret_in_what_caused_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BASIC_AUTH_PASS", SECRET)
    with pytest.raises(ConfigError) as caught:
        load_settings()
    assert SECRET not in f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__cause__}"


def test_names_in_another_case_are_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("port", "host", "threads", "model_dir"):
        monkeypatch.setenv(name, "3")
    settings = load_settings()
    assert (settings.port, settings.host, settings.threads) == (9090, "127.0.0.1", 8)
    assert settings.model_dir == Path("prelabel-data")


def test_settings_never_change_and_cross_to_the_training_process_whole() -> None:
    settings = load_settings(label_studio_api_key=SECRET)
    with pytest.raises(ValidationError, match="frozen"):
        settings.port = 1
    again: Settings = pickle.loads(pickle.dumps(settings))
    assert again == settings
    assert again.label_studio_api_key
    assert again.label_studio_api_key.get_secret_value() == SECRET


def test_every_variable_says_what_it_means() -> None:
    assert all(variables().values())
    assert {"LABEL_STUDIO_HOST", "LABEL_STUDIO_URL", "PORT", "PRELABEL_HOST"} <= set(variables())
