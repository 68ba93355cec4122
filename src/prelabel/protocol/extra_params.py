"""*Extra params* of a connection in Label Studio → the project's settings."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from prelabel.errors import MalformedError, shorten
from prelabel.types import ProjectSettings

_Strength = Annotated[float, msgspec.Meta(ge=1e-8, le=1e9)]


class _ExtraParams(msgspec.Struct, forbid_unknown_fields=True):
    C: _Strength | Literal["auto"] | None = None
    train_every: Annotated[int, msgspec.Meta(ge=1, le=2**31)] | None = None
    min_score: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None


def read_extra_params(given: Any) -> ProjectSettings:
    """Return the settings that Label Studio's form holds: JSON of any kind, or text that is JSON.

    Raises
    ------
    MalformedError
        If there is anything in it that is not known, or a value that cannot be used.
    """
    try:
        value = msgspec.json.decode(given.strip() or "{}") if isinstance(given, str) else given
        params = msgspec.convert(value or {}, _ExtraParams)
    except (msgspec.MsgspecError, UnicodeEncodeError) as error:
        raise MalformedError(
            f"Received the extra params {shorten(given)} ({error})",
            expected="a JSON object with some of C (1e-8 to 1e9, or auto), train_every (1 or "
            "more), min_score (0 to 1)",
            fix="Correct Extra params under Settings → Model, or leave them empty.",
        ) from error
    return ProjectSettings(C=params.C, train_every=params.train_every, min_score=params.min_score)
