"""Reads the settings, or says what is wrong with them; a value may be a secret and is not shown."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import DotEnvSettingsSource

from prelabel.errors import ConfigError
from prelabel.settings.values import Settings

OWN_PREFIX = "PRELABEL_"


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
        names(Settings.model_fields[name])[0]: value
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


def variables() -> Mapping[str, str]:
    """Return what each environment variable means."""
    return {
        name: field.description or ""
        for field in Settings.model_fields.values()
        for name in names(field)
    }


def names(field: Any) -> list[str]:
    """Return the variables that set a field."""
    return [str(name) for name in field.validation_alias.choices]
