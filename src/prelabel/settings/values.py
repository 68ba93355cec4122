"""Everything an operator can set: environment variables, or a ``.env`` file in the model directory.

The names that `label-studio-ml` documents keep their meaning; ours start with ``PRELABEL_``.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AliasChoices, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from prelabel.settings.kinds import BearerToken, ExistingFile, PathSecret


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
    fetch_hosts: Annotated[
        str,
        _named("PRELABEL_FETCH_HOSTS"),
        Field(
            description='Where texts of valueType="url" may be fetched from besides Label Studio: '
            "names, IP addresses and networks with commas between. A name that is a private "
            "address needs that address, too.",
        ),
    ] = ""
    ca_file: Annotated[
        ExistingFile | None,
        _named("PRELABEL_CA_FILE"),
        Field(
            description="Certificates (PEM) to trust besides the usual ones when Label Studio is "
            "called or a text is fetched: those of your own authority, or a self-signed one.",
        ),
    ] = None
    logistic_regression_c: Annotated[
        Annotated[float, Field(ge=1e-8, le=1e9)] | Literal["auto"],
        _named("LOGISTIC_REGRESSION_C"),
        Field(
            description="Inverse strength of regularization: larger trusts the labels more; auto "
            "chooses it by log-loss on examples left out.",
        ),
    ] = 10.0
    start_training_each_n_updates: Annotated[
        int,
        _named("START_TRAINING_EACH_N_UPDATES"),
        Field(
            ge=1,
            le=2**31,
            description="Label changes since the last training that start the next.",
        ),
    ] = 10
    gate: Annotated[
        float,
        _named("PRELABEL_GATE"),
        Field(
            ge=0,
            le=1,
            allow_inf_nan=False,
            description="A new version that is worse than the active one on the texts that both "
            "were measured on is kept but not activated, if two equally good versions would differ "
            "as much with a probability below this. 0 activates every version.",
        ),
    ] = 0.01
    pool_texts: Annotated[
        int,
        _named("PRELABEL_POOL_TEXTS"),
        Field(
            ge=0,
            description="How many tasks' texts a model learns a project's words from, labeled or "
            "not; of more, an even sample. They come with webhooks, syncs and requests for "
            "predictions.",
        ),
    ] = 20_000
    keep_versions: Annotated[
        int,
        _named("PRELABEL_KEEP_VERSIONS"),
        Field(
            ge=2,
            le=10_000,
            description="How many of a project's newest versions are kept, withheld ones too; the "
            "active one and the one before it are, however old. Each takes a few MB.",
        ),
    ] = 20
    predict_seconds: Annotated[
        float,
        _named("PRELABEL_PREDICT_SECONDS"),
        Field(
            gt=0,
            allow_inf_nan=False,
            description="How long a request for predictions may take; tasks that are not reached "
            "by then are not answered for, the process of a class that speaks Label Studio's JSON "
            "is ended, and a TextModel's answer is given up. Label Studio waits 100 s.",
        ),
    ] = 90.0
    fit_seconds: Annotated[
        float,
        _named("PRELABEL_FIT_SECONDS"),
        Field(
            gt=0,
            allow_inf_nan=False,
            description="How long a class that speaks Label Studio's JSON may learn from one "
            "event; then its process is ended. Any other training may take an hour.",
        ),
    ] = 3600.0
    model_dir: Annotated[
        Path,
        _named("MODEL_DIR"),
        Field(
            description="Folder for labels and model versions; made if missing. A relative one is "
            "in the folder that a command is started in."
        ),
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
        Field(
            description="User name that every request but /, /health and /livez must carry; a "
            "webhook without one makes the server pull labels, if it has LABEL_STUDIO_API_KEY."
        ),
    ] = None
    basic_auth_pass: Annotated[
        SecretStr | None, _named("BASIC_AUTH_PASS"), Field(description="Its password.")
    ] = None
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"],
        _named("LOG_LEVEL"),
        Field(description="DEBUG, INFO, WARNING or ERROR."),
    ] = "INFO"
    url_secret: Annotated[
        PathSecret | None,
        _named("PRELABEL_URL_SECRET"),
        Field(
            description="A secret of 16 or more letters, digits, - and _ that lets in who has it "
            "as the first part of the path: connect http://host:9090/<secret>. Label Studio's "
            "webhooks carry it, too.",
        ),
    ] = None
    token: Annotated[
        BearerToken | None,
        _named("PRELABEL_TOKEN"),
        Field(
            description="A bearer token of 16 or more letters, digits and -._~+/ that lets in "
            "programs, as Prometheus. Label Studio cannot send one: set it beside the others.",
        ),
    ] = None
    anonymous: Annotated[
        bool,
        _named("PRELABEL_ANONYMOUS"),
        Field(
            description="Listen on other addresses than this machine's own without credentials. "
            "The image and the compose file set it."
        ),
    ] = False
    workers: Annotated[
        int,
        _named("WORKERS"),
        Field(ge=1, le=64, description="Processes that answer requests; they share one trainer."),
    ] = 1
    threads: Annotated[
        int,
        _named("THREADS"),
        Field(
            ge=1,
            le=256,
            description="Threads of a process: half for what writes, half for the rest. Large "
            "requests for predictions have more, one a core at most.",
        ),
    ] = 8
    resident_models: Annotated[
        int,
        _named("PRELABEL_RESIDENT_MODELS"),
        Field(
            ge=1,
            le=100_000,
            description="Projects whose models a process keeps in memory, 1 to 10 MB each of the "
            "built-in classifier, and 256 MB for what all of them remember of tokens and texts; "
            "others are loaded when they are asked for.",
        ),
    ] = 100
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

    @cached_property
    def is_guarded(self) -> bool:
        """Whether requests need credentials, or the secret in their path."""
        return {self.basic_auth_user, self.url_secret, self.token} != {None}

    @property
    def database_path(self) -> Path:
        """Where labels are kept."""
        return self.model_dir / "prelabel.sqlite3"

    @property
    def artifacts_path(self) -> Path:
        """Where the bytes of model versions are kept."""
        return self.model_dir / "artifacts"
