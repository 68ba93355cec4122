"""Everything an operator can set: environment variables, or a ``.env`` file in the model directory.

The names that `label-studio-ml` documents keep their meaning; ours start with ``PRELABEL_``.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AliasChoices,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, DotEnvSettingsSource, SettingsConfigDict

from prelabel.errors import ConfigError

OWN_PREFIX = "PRELABEL_"


def _named(*names: str) -> Any:
    return Field(validation_alias=AliasChoices(*names))


class Settings(BaseSettings):
    """One frozen value: what is set, or the default."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="ignore",
        env_ignore_empty=True,
        case_sensitive=True,
        hide_input_in_errors=True,  # a value may be a password
    )

    label_studio_url: Annotated[
        str,
        _named("LABEL_STUDIO_HOST", "LABEL_STUDIO_URL"),
        Field(
            pattern=r"^https?://[^\s@]+$",
            description="Label Studio's address as this machine reaches it.",
        ),
    ] = "http://localhost:8080"
    label_studio_api_key: Annotated[
        SecretStr | None,
        _named("LABEL_STUDIO_API_KEY"),
        Field(
            description="Personal access token (Account & Settings) or legacy token. Without one, "
            "labels come from webhooks only."
        ),
    ] = None
    logistic_regression_c: Annotated[
        Annotated[float, Field(gt=0, allow_inf_nan=False)] | Literal["auto"],
        _named("LOGISTIC_REGRESSION_C"),
        Field(
            description="Inverse strength of regularization: larger trusts the labels more; auto "
            "chooses it by log-loss on examples left out.",
        ),
    ] = 10.0
    start_training_each_n_updates: Annotated[
        int,
        _named("START_TRAINING_EACH_N_UPDATES"),
        Field(ge=1, description="Label changes since the last training that start the next."),
    ] = 10
    gate: Annotated[
        float,
        _named("PRELABEL_GATE"),
        Field(
            ge=0,
            le=1,
            allow_inf_nan=False,
            description="A new version that is worse than the active one on the examples that both "
            "were measured on is kept but not activated, if two equally good versions would differ "
            "as much with a probability below this. 0 activates every version.",
        ),
    ] = 0.01
    predict_seconds: Annotated[
        float,
        _named("PRELABEL_PREDICT_SECONDS"),
        Field(
            gt=0,
            allow_inf_nan=False,
            description="How long a custom class may take to answer a request; then its process "
            "is ended. Label Studio waits 100 s.",
        ),
    ] = 90.0
    fit_seconds: Annotated[
        float,
        _named("PRELABEL_FIT_SECONDS"),
        Field(
            gt=0,
            allow_inf_nan=False,
            description="How long a custom class may learn from one event; then its process is "
            "ended.",
        ),
    ] = 3600.0
    model_dir: Annotated[
        Path,
        _named("MODEL_DIR"),
        Field(description="Folder for labels and model versions; made if missing."),
    ] = Path("prelabel-data")
    host: Annotated[
        str,
        _named("PRELABEL_HOST"),
        Field(description="Address to listen on; 0.0.0.0 lets other machines and containers in."),
    ] = "127.0.0.1"
    port: Annotated[
        int, _named("PORT"), Field(ge=0, le=65535, description="Port to listen on.")
    ] = 9090
    basic_auth_user: Annotated[
        str | None,
        _named("BASIC_AUTH_USER"),
        Field(description="User name that every request but / and /health must carry."),
    ] = None
    basic_auth_pass: Annotated[
        SecretStr | None, _named("BASIC_AUTH_PASS"), Field(description="Its password.")
    ] = None
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"],
        _named("LOG_LEVEL"),
        Field(description="DEBUG, INFO, WARNING or ERROR."),
    ] = "INFO"
    threads: Annotated[
        int, _named("THREADS"), Field(ge=1, le=256, description="Requests worked on at once.")
    ] = 8
    max_body_bytes: Annotated[
        int,
        _named("PRELABEL_MAX_BODY_BYTES"),
        Field(ge=1024, description="Largest request body accepted, in bytes."),
    ] = 128 * 1024 * 1024

    @field_validator("log_level", mode="before")
    @classmethod
    def _ignore_case(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @model_validator(mode="after")
    def _auth_is_whole(self) -> Self:
        if (self.basic_auth_user is None) != (self.basic_auth_pass is None):
            raise ValueError("BASIC_AUTH_USER and BASIC_AUTH_PASS go together: set both or neither")
        return self

    @property
    def database_path(self) -> Path:
        """Where labels are kept."""
        return self.model_dir / "prelabel.sqlite3"

    @property
    def artifacts_path(self) -> Path:
        """Where the bytes of model versions are kept."""
        return self.model_dir / "artifacts"


def variables() -> Mapping[str, str]:
    """Return what each environment variable means."""
    return {
        name: field.description or ""
        for field in Settings.model_fields.values()
        for name in _names(field)
    }


def load_settings(directory: Path | None = None, **overrides: object) -> Settings:
    """Read the settings: overrides before the environment before ``directory/.env``.

    Parameters
    ----------
    directory
        A model directory; its own ``prelabel-data`` is where it keeps its labels and versions.
    overrides
        Fields of `Settings`; those that are None count as not given.

    Raises
    ------
    ConfigError
        If a value cannot be used, or a ``PRELABEL_…`` variable does not exist.
    """
    given: dict[str, Any] = {
        _names(Settings.model_fields[name])[0]: value
        for name, value in overrides.items()
        if value is not None
    }
    given["_env_file"] = directory / ".env" if directory else None
    _refuse_unknown({*os.environ, *_names_in(given["_env_file"])})
    try:
        settings = Settings(**given)
    except ValidationError as error:
        raise _unusable(f"Received settings that cannot be used: {_explain(error)}") from error
    if directory and "model_dir" not in settings.model_fields_set:
        settings = settings.model_copy(update={"model_dir": directory / settings.model_dir})
    return settings


def _names_in(file: Path | None) -> Collection[str]:
    try:
        return DotEnvSettingsSource(Settings, file).env_vars
    except (OSError, UnicodeDecodeError) as error:
        raise _unusable(f"Received {file}, which cannot be read ({error})") from error


def _refuse_unknown(names: Collection[str]) -> None:
    unknown = sorted(n for n in names if n.startswith(OWN_PREFIX) and n not in variables())
    if unknown:
        raise _unusable(f"Received the unknown setting {', '.join(unknown)}")


def _explain(error: ValidationError) -> str:
    # Only names and reasons: a value may be a password.
    problems = error.errors(include_input=False, include_url=False, include_context=False)
    return "; ".join(
        # The first part is the variable; the next says which of its kinds of value it is not.
        f"{''.join(str(part) for part in problem['loc'][:1])}: {problem['msg']}".lstrip(": ")
        for problem in problems
    )


def _unusable(received: str) -> ConfigError:
    return ConfigError(
        received,
        expected=f"values for some of {', '.join(variables())}",
        fix="Correct the environment, the .env file or the option, and start again.",
    )


def _names(field: Any) -> list[str]:
    return [str(name) for name in field.validation_alias.choices]
