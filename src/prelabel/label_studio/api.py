"""How Label Studio is called: the key, attempts, refusals. The key goes to its host only."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx
import msgspec
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    stop_before_delay,
)
from tenacity.wait import wait_exponential, wait_random

from prelabel.errors import ConfigError, MalformedError, UpstreamError, shorten
from prelabel.label_studio.refusals import (
    asked_seconds,
    explain,
    is_passing,
    may_pass,
    read_detail,
    was_not_looked_at,
)
from prelabel.label_studio.tokens import Credentials
from prelabel.label_studio.transport import (
    Transport,
    explain_untrusted,
    find_untrusted,
    show_url,
)
from prelabel.protocol.bodies import decode

T = TypeVar("T")


class _AccessBody(msgspec.Struct):
    """``{"access": "<JWT>"}``."""

    access: str


class LabelStudioApi:
    """A Label Studio, as the owner of an API key reaches it. Threads may share it.

    >>> with LabelStudioApi("http://localhost:8080", "0123abcd", deadline_seconds=60.0) as api: pass

    Parameters
    ----------
    url
        Where Label Studio is; a path prefix is kept.
    api_key
        A personal access token or a legacy token, see `tokens`. Shown nowhere.
    ca_file
        Certificates in PEM to be trusted besides the usual ones.
    timeout_seconds
        For connecting, and for each wait for bytes.
    deadline_seconds
        For a call in all, its attempts and waits included; a token exchange has as much again.
    attempts
        How often something is asked for in all while Label Studio cannot be reached, is busy or
        fails. What would change something is sent again only if Label Studio was too busy to look
        at it.
    backoff_seconds
        The first wait between attempts. It doubles; a ``Retry-After`` lengthens it.
    longest_wait_seconds
        Who asks for a longer wait is not waited for here: the error says how long.

    Raises
    ------
    ConfigError
        If the URL, the key or the file cannot be one.
    """

    def __init__(
        self,
        url: str,
        api_key: str,
        *,
        ca_file: Path | None = None,
        timeout_seconds: float = 30.0,
        deadline_seconds: float = 120.0,
        attempts: int = 5,
        backoff_seconds: float = 0.5,
        longest_wait_seconds: float = 30.0,
    ) -> None:
        self._url = _read_url(url)
        self._credentials = Credentials(api_key, self._exchange)
        self._deadline_seconds = deadline_seconds
        self._backoff = wait_exponential(backoff_seconds) + wait_random(0, backoff_seconds)
        self._stop = stop_after_attempt(attempts) | stop_before_delay(deadline_seconds)
        self._longest_wait_seconds = longest_wait_seconds
        self._transport = Transport(self._url, timeout_seconds=timeout_seconds, ca_file=ca_file)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._url!r}, {self._credentials.kind})"

    def __enter__(self) -> Self:
        self._transport.__enter__()
        return self

    def __exit__(self, *exc: Any) -> None:
        self._transport.__exit__(*exc)

    def authorization(self) -> str:
        """Return the value of ``Authorization``: for Label Studio, and nobody else.

        Raises
        ------
        UpstreamError
            If Label Studio gives no access token for the key.
        """
        with self._explained():
            return self._credentials.header()

    def _get(self, path: str, body_type: type[T], **options: Any) -> T:
        return read_body(self._request("GET", path, **options), body_type)

    def _request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Return a successful answer, asking again while that may help and does no harm."""
        retrying = Retrying(
            stop=self._stop,
            wait=self._wait_seconds,
            retry=retry_if_exception(partial(self._is_worth_another, method)),
            reraise=True,
        )
        deadline = time.monotonic() + self._deadline_seconds
        with self._explained():
            return retrying(self._attempt, deadline, method, path, **options)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Raise an `UpstreamError` for what goes wrong with a request in this block."""
        try:
            yield
        except httpx.HTTPStatusError as error:
            raise self._refusal(error.response) from error
        except httpx.HTTPError as error:
            raise self._silence(error) from error

    def _is_worth_another(self, method: str, error: BaseException) -> bool:
        asked = asked_seconds(error.response) if isinstance(error, httpx.HTTPStatusError) else 0
        if asked > self._longest_wait_seconds:
            return False
        return may_pass(error) if method == "GET" else was_not_looked_at(error)

    def _attempt(self, deadline: float, method: str, path: str, **options: Any) -> httpx.Response:
        for _ in range(2):
            header = self._credentials.header()
            options["headers"] = {"Authorization": header}
            seconds = deadline - time.monotonic()
            response = self._transport.send(method, path, seconds=seconds, **options)
            if response.status_code != 401 or not self._credentials.forget(header):
                break
        return response.raise_for_status()

    def _exchange(self, key: str) -> str:
        """Return an access token for a personal access token."""
        response = self._transport.send(
            "POST", "/api/token/refresh", seconds=self._deadline_seconds, json={"refresh": key}
        )
        return read_body(response.raise_for_status(), _AccessBody).access

    def _wait_seconds(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = asked_seconds(error.response) if isinstance(error, httpx.HTTPStatusError) else 0.0
        return max(asked, self._backoff(state))

    def _silence(self, error: httpx.HTTPError) -> UpstreamError:
        """Explain that there is no answer."""
        untrusted = find_untrusted(error)
        if untrusted:
            expected, fix = explain_untrusted(untrusted)
            received = f"certificate at {self._url} is not trusted ({untrusted.verify_message})"
            return UpstreamError(
                f"Label Studio's {received}", expected=expected, fix=fix, retryable=False
            )
        return UpstreamError(
            f"No answer from Label Studio at {self._url} ({type(error).__name__}: {error})",
            expected=f"an answer within {self._deadline_seconds:g} s",
            fix="Start Label Studio or correct LABEL_STUDIO_HOST (in a container, localhost "
            "is the container).",
            retryable=may_pass(error),
        )

    def _refusal(self, response: httpx.Response) -> UpstreamError:
        """Explain an answer that is no success."""
        request, target = response.request, response.next_request
        said = (
            f"it redirects to {show_url(target.url)}" if target else read_detail(response.content)
        )
        expected, fix = explain(response.status_code, self._credentials.kind, said)
        return UpstreamError(
            f"Label Studio answered {response.status_code} to {request.method} "
            f"{show_url(request.url)}, asked with a {self._credentials.kind}: "
            f"{shorten(self._credentials.hide(said), 500)}",
            expected=expected,
            fix=fix,
            retryable=is_passing(response.status_code),
            retry_after_seconds=asked_seconds(response),
        )


def _read_url(url: str) -> str:
    try:
        parsed = httpx.URL(url.strip())
    except httpx.InvalidURL:
        parsed = httpx.URL("")
    extra = parsed.userinfo or parsed.query or parsed.fragment
    has_port = (parsed.port or 80) in range(1, 65536)
    if parsed.scheme not in ("http", "https") or not (parsed.host and has_port) or extra:
        raise ConfigError(
            "LABEL_STUDIO_HOST is no address of a Label Studio",
            expected="http:// or https://, a host, and nothing but a path after it",
            fix="Set it as in http://localhost:8080; the key goes into LABEL_STUDIO_API_KEY.",
        )
    return str(parsed).rstrip("/")


def read_body(response: httpx.Response, body_type: type[T]) -> T:
    """Return what an answer says; raise `UpstreamError` if it is something else."""
    try:
        return decode(response.content, body_type)
    except MalformedError as error:
        raise unreadable(error) from error


def unreadable(error: MalformedError) -> UpstreamError:
    """Return the error for an answer that is not what Label Studio gives."""
    return UpstreamError(
        f"Label Studio's answer cannot be read: {error.received}",
        expected=error.expected,
        fix="Is LABEL_STUDIO_HOST the address of a Label Studio, not of a login page before it?",
        retryable=False,
    )
