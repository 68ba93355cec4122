"""Kinds of values that settings have: what a value must be, beyond its type."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, SecretStr


def _require_file(path: Path) -> Path:
    try:
        is_there = path.is_file()
    except OSError:  # a name that no file system takes: pydantic's own `FilePath` lets it pass
        is_there = False
    if not is_there:
        raise ValueError("there is no such file")
    return path


def _require_path_segment(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[A-Za-z0-9_-]{16,}", value.get_secret_value()):
        raise ValueError("16 or more letters, digits, - and _ are wanted")
    return value


def _require_bearer_token(value: SecretStr) -> SecretStr:
    # RFC 6750, section 2.1.
    if not re.fullmatch(r"[A-Za-z0-9._~+/-]{16,}=*", value.get_secret_value()):
        raise ValueError("16 or more letters, digits and -._~+/ are wanted")
    return value


ExistingFile = Annotated[Path, AfterValidator(_require_file)]
"""A file that is there."""

PathSecret = Annotated[SecretStr, AfterValidator(_require_path_segment)]
"""What may stand in the path of an address."""

BearerToken = Annotated[SecretStr, AfterValidator(_require_bearer_token)]
"""What may stand in an ``Authorization`` header."""
