"""What it means when Label Studio does not answer as asked, and whether to ask again."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import msgspec

from prelabel.errors import MalformedError, UpstreamError
from prelabel.label_studio.tokens import HOW_TO_MAKE_A_KEY, TokenKind
from prelabel.label_studio.transport import find_untrusted
from prelabel.protocol.bodies import decode


class _RefusalBody(msgspec.Struct):
    """``{"detail": "Validation error", "validation_errors": {"url": ["…"]}, …}``."""

    detail: str
    validation_errors: dict[str, Any] = msgspec.field(default_factory=dict)


NO_REASON = "no reason given"

_LONGEST_SECONDS = 86_400.0


def is_passing(status: int) -> bool:
    """Whether the same request may be answered later: 429 or 5xx."""
    return status == 429 or status >= 500


LOCAL_ADDRESSES = (
    "Label Studio refuses backends on its own machine or network unless it is started with "
    "USE_DEFAULT_BANNED_SUBNETS=false and USER_ADDITIONAL_BANNED_SUBNETS=169.254.0.0/16,fe80::/10 "
    "in its environment. Set both, and start it again."
)
_REFUSES_ADDRESS = "reserved network address"
"""In Label Studio 1.23.2's words (``core/utils/io.py``, ``validate_ip``)."""


def explain(status: int, kind: TokenKind, said: str) -> tuple[str, str]:
    """Return what was expected instead of an HTTP status and a reason, and what to do."""
    expected = "an answer"
    if _REFUSES_ADDRESS in said:
        return "an address that Label Studio may call", LOCAL_ADDRESSES
    if status in (401, 403):
        expected = "a key that Label Studio accepts, of someone who may do this"
        fix = HOW_TO_MAKE_A_KEY
        if kind is TokenKind.LEGACY:
            fix += " Or allow legacy tokens (Organization → API token settings)."
    elif status == 404:
        expected = "something that is there for the key's owner"
        fix = "Check the project's id, LABEL_STUDIO_HOST, and whose key it is."
    elif status < 400:
        expected = "an answer, not a redirect: the key is not sent elsewhere"
        fix = "Correct LABEL_STUDIO_HOST to the final address."
    elif is_passing(status):
        fix = "Try again later; Label Studio's own log says more."
    elif status == 400 and said != NO_REASON:
        expected, fix = "a request that it accepts", "Correct what it objects to."
    else:
        fix = "Check LABEL_STUDIO_HOST and Label Studio's version."
    return expected, fix


def read_detail(body: bytes) -> str:
    """Return the reason that Label Studio gives; other servers' pages are not quoted."""
    try:
        refusal = decode(body, _RefusalBody)
    except MalformedError:
        return NO_REASON
    reasons = [reason for value in refusal.validation_errors.values() for reason in _each(value)]
    return "; ".join(filter(None, [refusal.detail, *reasons])) or NO_REASON


def _each(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def read_retry_after(value: str) -> float:
    """Return how many seconds a ``Retry-After`` asks to wait, up to a day; 0 if it does not say."""
    if value.isascii() and value.isdigit():
        return min(float(value), _LONGEST_SECONDS)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return 0.0
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, min((moment - datetime.now(UTC)).total_seconds(), _LONGEST_SECONDS))


def timed_out(error: UpstreamError) -> bool:
    """Whether Label Studio was reached, but took too long to answer."""
    return isinstance(error.__cause__, httpx.ReadTimeout)


def asked_seconds(response: httpx.Response) -> float:
    """Return how many seconds an answer asks to wait; 0 if it does not say."""
    return read_retry_after(response.headers.get("Retry-After", ""))


def may_pass(error: BaseException) -> bool:
    """Whether the same request may work later."""
    if isinstance(error, httpx.HTTPStatusError):
        return is_passing(error.response.status_code)
    return isinstance(error, httpx.TransportError) and not find_untrusted(error)


def was_not_looked_at(error: BaseException) -> bool:
    """Whether a request has surely changed nothing: 429."""
    too_many = httpx.codes.TOO_MANY_REQUESTS
    return isinstance(error, httpx.HTTPStatusError) and error.response.status_code == too_many
